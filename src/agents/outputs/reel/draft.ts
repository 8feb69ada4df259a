// Drafts the producer's output by rules: three cuts of 15, 30 and 60 seconds, with shots and production.
import { drafted } from '../drafted.ts';
import { hashtagsFor } from '../hashtags.ts';
import { keywordsThatFit } from '../keywords.ts';
import type { OutputFacts } from '../kind.ts';
import { createLedger } from '../ledger.ts';
import { type Subject, subjectOf } from '../subject.ts';
import { assumedLosses, usesOf } from '../upstream.ts';
import { capital, trimTo } from '../wording.ts';
import { cuts, draftLines, shotPlans } from './draft-lines.ts';
import { upstreamReferences } from './references.ts';
import { type ReelData, ReelOutput, type Video } from './schema.ts';

export function draftReel(facts: OutputFacts): ReelOutput {
  const subject = subjectOf(facts);
  const ledger = createLedger();
  for (const sentence of subject.plainSentences.slice(0, 8)) {
    ledger.add({ claim: trimTo(sentence, 300), kind: 'brief' });
  }
  const data = draftData(subject, keywordsThatFit(facts));
  const lengths = data.videos.map((video) => video.length_s).join(', ');

  return ReelOutput.parse(
    drafted(facts, {
      agent: 'reel',
      summary: `Scripts for ${data.videos.length} videos about ${subject.topic} (${lengths} seconds), with timings, a shot list and subtitle files, drafted by rules from the brief.`,
      data,
      evidence: ledger.all(),
      uses: usesOf(upstreamReferences(data)),
      assumptions: [
        ...assumedLosses(facts, {
          vision: 'videos name no audience and no pillar',
          apex: 'titles hold no keyword of it',
          echo: 'videos follow no angle of it',
        }),
        'Lines are timed at about 130 words a minute; nobody has read them aloud yet.',
        'Cast, places and music are proposals; nothing is booked and nobody has agreed to appear.',
      ],
      openQuestions: [
        'Who may appear on camera, and have they signed a release?',
        'Is there footage or music that the client already holds rights to?',
        ...(subject.link === null ? ['Which page should the videos lead to?'] : []),
      ],
    }),
  );
}

function draftData(subject: Subject, keywords: string[]): ReelData {
  const { pen, topic } = subject;
  const used: string[] = [];
  const videos = cuts.map((cut, index): Video => {
    const lines = draftLines(subject, { cut, index, used });
    const cta = subject.ctas[index % subject.ctas.length];
    const { audiences, pillars } = subject.upstream.vision;
    const { angles } = subject.upstream.echo;
    return {
      id: `V${index + 1}`,
      platform: cut.platform,
      length_s: cut.seconds,
      aspect: cut.aspect,
      audience_id: audiences[index % Math.max(1, audiences.length)]?.id ?? null,
      pillar_id: pillars[index % Math.max(1, pillars.length)]?.id ?? null,
      angle_id: angles[index % Math.max(1, angles.length)]?.id ?? null,
      hook: { text: lines[0]?.vo ?? topic, kind: cut.hookKind, end_s: lines[0]?.t1 ?? 3 },
      lines,
      cta: { text: cta?.text ?? topic, url: subject.link, at_s: lines.at(-1)?.t0 ?? 0 },
      title: titleOf(subject, keywords, index),
      description: pen.write(subject.pitch, { max: 1000 }),
      hashtags: hashtagsFor(subject, cut.platform),
      captions_file: `v${index + 1}-${cut.seconds}s.srt`,
      thumbnail_image_id: null,
    };
  });

  return {
    videos,
    shots: shotPlans.map((shot, index) => ({
      id: `SH${index + 1}`,
      size: shot.size,
      camera: pen.write(shot.camera, { max: 120 }),
      place: pen.write(shot.place, { max: 120 }),
      props: shot.props.map((prop) => pen.write(`${prop}: ${topic}`, { max: 120 })),
      cast: shot.cast.map((person) => pen.write(person, { max: 120 })),
      note: pen.write(shot.note, { max: 300 }),
    })),
    production: productionOf(subject),
    repurpose: [
      { from: 'V3', to: 'LinkedIn', change: 'Square crop, subtitles burnt in, first line as text' },
      { from: 'V1', to: 'Stories', change: 'Same height, link sticker in place of the last shot' },
    ].map(({ from, to, change }) => ({
      from,
      to: pen.write(to, { max: 80 }),
      change: pen.write(change, { max: 200 }),
    })),
    disclaimers: subject.disclaimers,
  };
}

function titleOf({ pen, topic, name }: Subject, keywords: string[], index: number): string {
  const keyword = keywords[index % Math.max(1, keywords.length)];
  const endings = ['in short', 'what it is', 'the whole story'];
  // The keyword alone still counts where the client bans every word around it.
  const [title = ''] = pen.pick(
    1,
    keyword === undefined
      ? [`${capital(topic)}, ${endings[index] ?? ''}`, capital(topic)]
      : [`${capital(keyword)}, ${endings[index] ?? ''}`, keyword],
    () => true,
  );

  return pen.write(name === null ? title : `${title} | ${name}`, { max: 70 });
}

function productionOf({ pen }: Subject): ReelData['production'] {
  const short = (texts: string[]) => texts.map((text) => pen.write(text, { max: 160 }));

  return {
    cast: short(['One speaker', 'One person who uses it']),
    places: short(['A place where it is used, in daylight']),
    gear: short(['A phone or camera on a stand', 'A clip-on microphone', 'A soft lamp']),
    days: 1,
    music: {
      mood: pen.write('Calm and warm, below the voice', { max: 120 }),
      bpm: 96,
      licence: pen.write('To be licensed for adverts before use', { max: 120 }),
    },
    releases: short(['Everybody on camera', 'The owner of the place']),
  };
}
