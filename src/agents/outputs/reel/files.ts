// The producer's files: scripts, sheets of lines and shots, subtitles, teleprompter.
import type { DeliverableFile } from '../../../core/run.ts';
import {
  byRulesLine,
  closingSections,
  disclaimerSections,
  document,
  draftedBy,
  outputJson,
  type Section,
  sheet,
} from '../files.ts';
import { escapeHtml } from '../html.ts';
import type { FileContext } from '../kind.ts';
import { cuesOf, toSrt, toVtt } from './captions.ts';
import type { ReelData, ReelOutput, ScriptLine, Video } from './schema.ts';

export function reelFiles(output: ReelOutput, about: FileContext): DeliverableFile[] {
  const { data } = output;

  return [
    scriptsDocument(output, about),
    lineSheet(data, about),
    shotSheet(data, about),
    ...data.videos.flatMap((video) => subtitleFiles(video, about)),
    teleprompter(data, about),
    outputJson(output, about),
  ];
}

function scriptsDocument(output: ReelOutput, about: FileContext): DeliverableFile {
  const { videos, shots, production, repurpose, disclaimers } = output.data;
  const sections: Section[] = [
    { heading: 'Summary', body: output.summary },
    ...videos.flatMap(videoSections),
    {
      heading: 'Shot list',
      table: {
        columns: ['Id', 'Size', 'Camera', 'Place', 'Props', 'Cast', 'Note'],
        rows: shots.map((shot) => [
          shot.id,
          shot.size,
          shot.camera,
          shot.place,
          shot.props.join(', '),
          shot.cast.join(', '),
          shot.note,
        ]),
      },
    },
    {
      heading: 'Production',
      list: [
        `Cast: ${production.cast.join(', ') || 'none named'}`,
        `Places: ${production.places.join(', ') || 'none named'}`,
        `Gear: ${production.gear.join(', ') || 'none named'}`,
        `Shooting days: ${production.days}`,
        `Music: ${production.music.mood}, ${production.music.bpm} beats a minute. ${production.music.licence}`,
        `Releases needed: ${production.releases.join(', ') || 'none named'}`,
      ],
    },
    {
      heading: 'Further uses',
      table: {
        columns: ['From', 'To', 'What changes'],
        rows: repurpose.map(({ from, to, change }) => [from, to, change]),
      },
    },
    ...disclaimerSections(disclaimers),
    ...closingSections(output),
  ];

  return document({ name: 'reel-scripts.md', title: 'Video scripts', about, sections });
}

function videoSections(video: Video): Section[] {
  const references = [video.audience_id, video.pillar_id, video.angle_id].filter(
    (id) => id !== null,
  );

  return [
    {
      heading: `${video.id}: ${video.title}`,
      list: [
        `Platform: ${video.platform}, ${video.aspect}, ${video.length_s} seconds`,
        `Hook (${video.hook.kind}, until second ${video.hook.end_s}): ${video.hook.text}`,
        `Call to action from second ${video.cta.at_s}: ${video.cta.text} (${video.cta.url ?? 'address still to be named'})`,
        `Description: ${video.description}`,
        `Hashtags: ${video.hashtags.join(' ') || 'none'}`,
        `Follows: ${references.join(', ') || 'nothing handed over'}`,
        `Subtitles: ${stemOf(video)}.srt and ${stemOf(video)}.vtt`,
      ],
    },
    {
      heading: `${video.id}: sound and picture`,
      table: {
        columns: ['Time', 'Sound', 'Picture', 'On screen', 'Shot'],
        rows: video.lines.map((line) => [
          timeOf(line),
          [line.vo, line.sound ?? ''].filter((text) => text !== '').join(' / '),
          line.visual,
          line.on_screen,
          line.shot_id,
        ]),
      },
    },
  ];
}

function timeOf({ t0, t1 }: ScriptLine): string {
  return `${t0}–${t1} s`;
}

function lineSheet({ videos }: ReelData, about: FileContext): DeliverableFile {
  return sheet({
    name: 'reel-lines.csv',
    title: 'Script lines',
    about,
    columns: ['video_id', 'platform', 't0', 't1', 'vo', 'on_screen', 'visual', 'sound', 'shot_id'],
    rows: videos.flatMap((video) =>
      video.lines.map((line) => [
        video.id,
        video.platform,
        line.t0,
        line.t1,
        line.vo,
        line.on_screen,
        line.visual,
        line.sound,
        line.shot_id,
      ]),
    ),
  });
}

function shotSheet({ shots, videos }: ReelData, about: FileContext): DeliverableFile {
  const usedIn = (id: string) =>
    videos
      .filter(({ lines }) => lines.some((line) => line.shot_id === id))
      .map((video) => video.id)
      .join(' ');

  return sheet({
    name: 'shot-list.csv',
    title: 'Shot list',
    about,
    columns: ['id', 'size', 'camera', 'place', 'props', 'cast', 'note', 'videos'],
    rows: shots.map((shot) => [
      shot.id,
      shot.size,
      shot.camera,
      shot.place,
      shot.props.join('; '),
      shot.cast.join('; '),
      shot.note,
      usedIn(shot.id),
    ]),
  });
}

function subtitleFiles(video: Video, about: FileContext): DeliverableFile[] {
  const cues = cuesOf(video);
  if (cues.length === 0) return [];

  const name = stemOf(video);
  const label = about.byRules ? byRulesLine : `Drafted by ${draftedBy(about)}.`;
  const title = `Subtitles of ${video.id}`;
  return [
    {
      name: `${name}.srt`,
      kind: 'other',
      mediaType: 'application/x-subrip',
      title: about.byRules ? `${title} (draft by rules)` : title,
      content: toSrt(cues),
    },
    {
      name: `${name}.vtt`,
      kind: 'other',
      mediaType: 'text/vtt',
      title,
      content: toVtt(cues, label),
    },
  ];
}

function stemOf({ id, length_s: length }: Video): string {
  return `${id.toLowerCase()}-${Math.round(length)}s`;
}

function teleprompter({ videos }: ReelData, about: FileContext): DeliverableFile {
  const note = about.byRules ? byRulesLine : `Drafted by ${draftedBy(about)}.`;
  const locale = escapeHtml(about.brief.client?.locale ?? 'en');
  const parts = videos.map(
    (video) => `<h2>${escapeHtml(`${video.id}: ${video.title}`)}</h2>
${video.lines
  .filter(({ vo }) => vo.trim() !== '')
  .map(({ vo }) => `<p>${escapeHtml(vo)}</p>`)
  .join('\n')}`,
  );
  const content = `<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Teleprompter</title>
<style>
body { margin: 0 auto; max-width: 20em; padding: 1em; background: #000; color: #fff; font: 2.5em/1.4 sans-serif; }
small { font-size: 0.4em; }
</style>
</head>
<body>
<small>${escapeHtml(note)}</small>
${parts.join('\n')}
</body>
</html>
`;

  return {
    name: 'teleprompter.html',
    kind: 'html',
    mediaType: 'text/html',
    title: 'Teleprompter',
    content,
  };
}
