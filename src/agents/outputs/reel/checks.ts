// The producer's mechanical checks: timing, speaking pace, subtitles, titles, shots, references.
import type { Check } from '../../../core/output.ts';
import { type Fault, repeatedIds, rule } from '../envelope-checks.ts';
import { placed, tooAlike, tooLong } from '../faults.ts';
import { holding, keywordsThatFit } from '../keywords.ts';
import type { OutputFacts } from '../kind.ts';
import { countWords, graphemes } from '../lengths.ts';
import { platformSpecs } from '../platform-specs.ts';
import { referenceChecks } from '../upstream.ts';
import { cueFaults, cuesOf, wordsPerSecond } from './captions.ts';
import { upstreamReferences } from './references.ts';
import type { ReelData, ReelOutput, Video } from './schema.ts';

/** Every check on a producer's output beyond its schema and the checks shared by all agents. Pure. */
export function checkReel(output: ReelOutput, facts: OutputFacts): Check[] {
  const { data } = output;

  return [
    ...repeatedIds(
      data.videos.map(({ id }) => id),
      'data.videos',
    ),
    ...repeatedIds(
      data.shots.map(({ id }) => id),
      'data.shots',
    ),
    ...referenceChecks(upstreamReferences(data), facts),
    ...shotChecks(data),
    ...timingChecks(data.videos),
    ...paceChecks(data.videos),
    ...captionChecks(data.videos),
    ...titleChecks(data.videos, facts),
    ...cutChecks(data.videos),
  ];
}

function shotChecks({ videos, shots, repurpose }: ReelData): Check[] {
  const known = new Set(shots.map(({ id }) => id));
  const faults = perLine(videos, ({ shot_id: id }) => (known.has(id) ? null : { measured: id }));
  const ids = new Set(videos.map(({ id }) => id));
  const stray = repurpose.flatMap(({ from }, index) =>
    ids.has(from) ? [] : [{ path: `data.repurpose[${index}].from`, measured: from }],
  );

  return [
    ...rule(
      {
        id: 'reel.shot',
        path: 'data.videos',
        limit: `a shot of data.shots: ${[...known].slice(0, 30).join(', ')}`,
      },
      faults,
    ),
    ...rule({ id: 'reel.repurpose', path: 'data.repurpose', limit: 'the id of a video' }, stray),
  ];
}

type LineOf = Video['lines'][number];

function perLine(
  videos: Video[],
  find: (line: LineOf, before: LineOf | undefined, video: Video) => Omit<Fault, 'path'> | null,
): Fault[] {
  return videos.flatMap((video, index) =>
    video.lines.flatMap((line, position) => {
      const fault = find(line, video.lines[position - 1], video);
      return fault === null ? [] : [{ path: `data.videos[${index}].lines[${position}]`, ...fault }];
    }),
  );
}

const slackSeconds = 0.05;

function timingChecks(videos: Video[]): Check[] {
  const gaps = perLine(videos, ({ t0, t1 }, before) => {
    const expected = before?.t1 ?? 0;
    if (Math.abs(t0 - expected) > slackSeconds) {
      return {
        measured: `starts at ${t0}`,
        limit: `starts at ${expected}, where the line before ends`,
      };
    }
    return t1 > t0 ? null : { measured: `ends at ${t1}`, limit: `ends after ${t0}` };
  });
  const late = perLine(videos, ({ t1 }, _, { length_s: length }) =>
    t1 <= length + 0.001 ? null : { measured: `ends at ${t1}`, limit: `at most ${length} seconds` },
  );
  const hooks = videos.flatMap(({ hook }, index) =>
    hook.end_s <= 3 ? [] : [{ path: `data.videos[${index}].hook.end_s`, measured: hook.end_s }],
  );

  return [
    ...rule({ id: 'reel.contiguous', path: 'data.videos', limit: 'no gap, no overlap' }, gaps),
    ...rule({ id: 'reel.length', path: 'data.videos', limit: 'within length_s' }, late),
    ...rule({ id: 'reel.hook', path: 'data.videos', limit: '3 seconds at most' }, hooks),
    ...rule(
      {
        id: 'reel.cta',
        path: 'data.videos',
        limit: 'begins in the last 20 % and is spoken or shown there, word for word',
      },
      videos.flatMap(ctaFaults),
    ),
  ];
}

function ctaFaults({ cta, lines, length_s: length }: Video, index: number): Fault[] {
  const from = length * 0.8;
  const path = `data.videos[${index}].cta`;
  if (cta.at_s < from - 0.001 || cta.at_s > length) {
    return [
      { path: `${path}.at_s`, measured: cta.at_s, limit: `from ${from} to ${length} seconds` },
    ];
  }
  const ending = lines
    .filter(({ t1 }) => t1 > from)
    .map(({ vo, on_screen: shown }) => `${vo}\n${shown}`)
    .join('\n')
    .toLowerCase();

  return ending.includes(cta.text.toLowerCase())
    ? []
    : [{ path: `${path}.text`, measured: `"${cta.text.slice(0, 60)}" is not in the last lines` }];
}

function paceChecks(videos: Video[]): Check[] {
  const fast = perLine(videos, ({ vo, t0, t1 }) => {
    const pace = wordsPerSecond(vo, t1 - t0);
    return pace <= 3 ? null : { measured: `${pace} words a second` };
  });
  const whole = videos.flatMap(({ lines, length_s: length }, index) => {
    const pace = wordsPerSecond(lines.map(({ vo }) => vo).join(' '), length);
    return pace <= 2.5
      ? []
      : [{ path: `data.videos[${index}]`, measured: `${pace} words a second` }];
  });
  const crowded = perLine(videos, ({ on_screen: shown }) => {
    const count = countWords(shown);
    return count <= 8 ? null : { measured: `${count} words on screen` };
  });

  return [
    ...rule({ id: 'reel.line_pace', path: 'data.videos', limit: '3 words a second' }, fast),
    ...rule({ id: 'reel.pace', path: 'data.videos', limit: '2.5 words a second overall' }, whole),
    ...rule({ id: 'reel.on_screen', path: 'data.videos', limit: '8 words' }, crowded),
  ];
}

function captionChecks(videos: Video[]): Check[] {
  const faults = videos.flatMap((video, index) =>
    cueFaults(cuesOf(video)).map(({ cue, measured, limit }) => ({
      path: `data.videos[${index}].lines`,
      measured: `subtitle ${cue}: ${measured}`,
      limit,
    })),
  );

  return rule(
    { id: 'reel.captions', path: 'data.videos', limit: 'subtitles that can be read in time' },
    faults,
  );
}

function titleChecks(videos: Video[], facts: OutputFacts): Check[] {
  const { youtube_title: title, youtube_description: description } = platformSpecs().video;
  const path = 'data.videos';
  const titles = placed(path, videos, (video) => ({ field: '.title', text: video.title }));
  const descriptions = placed(path, videos, (video) => ({
    field: '.description',
    text: video.description,
  }));
  const terms = keywordsThatFit(facts);
  const found = holding(
    videos.map((video) => video.title),
    terms,
  );
  const lacks = terms.length > 0 && found.length === 0;

  return [
    ...rule({ id: 'reel.title', path, limit: title.max }, tooLong(titles, title.max)),
    ...rule(
      { id: 'reel.title_advised', level: 'warn', path, limit: title.advised },
      tooLong(titles, title.advised),
    ),
    ...rule(
      { id: 'reel.description', path, limit: description.max },
      tooLong(descriptions, description.max, graphemes),
    ),
    ...rule(
      {
        id: 'reel.title_keyword',
        path,
        limit: `at least one title holds a priority-1 keyword: ${terms.slice(0, 10).join('; ')}`,
      },
      lacks ? [{ path, measured: 'no title' }] : [],
    ),
  ];
}

function cutChecks(videos: Video[]): Check[] {
  const scripts = placed('data.videos', videos, ({ lines }) => ({
    field: '.lines',
    text: lines.map(({ vo, on_screen: shown }) => `${vo} ${shown}`).join(' '),
  }));

  return rule(
    { id: 'reel.cuts', path: 'data.videos', limit: 'less than 0.9 alike: an own cut each' },
    tooAlike(scripts, 0.9),
  );
}
