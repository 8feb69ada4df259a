import { expect, test } from 'vitest';

import { cueFaults, cuesOf, toSrt, toVtt } from '../../../src/agents/outputs/reel/captions.ts';
import type { ReelOutput } from '../../../src/agents/outputs/reel/schema.ts';
import { failedIds, reelKind, wavesFacts } from './judged.ts';

const facts = wavesFacts();
const draft = reelKind.draft(facts);

type Data = ReelOutput['data'];
type Video = Data['videos'][number];
type ScriptLine = Video['lines'][number];

function broken(change: (data: Data) => void): string[] {
  const output = structuredClone(draft);
  change(output.data);
  return failedIds(reelKind, output, facts);
}

function video(data: Data, fields: Partial<Video>): void {
  Object.assign(data.videos[0] ?? {}, fields);
}

function line(data: Data, index: number, fields: Partial<ScriptLine>): void {
  Object.assign(data.videos[0]?.lines[index] ?? {}, fields);
}

const faults: [string, string, (data: Data) => void][] = [
  ['a gap between lines', 'reel.contiguous', (data) => line(data, 1, { t0: 4 })],
  ['lines that overlap', 'reel.contiguous', (data) => line(data, 1, { t0: 2 })],
  ['a late first line', 'reel.contiguous', (data) => line(data, 0, { t0: 1 })],
  ['a line that ends before it starts', 'reel.contiguous', (data) => line(data, 3, { t1: 11 })],
  ['a script longer than the video', 'reel.length', (data) => video(data, { length_s: 14 })],
  [
    'a hook of more than three seconds',
    'reel.hook',
    (data) => Object.assign(data.videos[0]?.hook ?? {}, { end_s: 3.5 }),
  ],
  [
    'an early call to action',
    'reel.cta',
    (data) => Object.assign(data.videos[0]?.cta ?? {}, { at_s: 5 }),
  ],
  [
    'a call to action that nobody says',
    'reel.cta',
    (data) => Object.assign(data.videos[0]?.cta ?? {}, { text: 'Buy a yacht' }),
  ],
  [
    'a line spoken too fast',
    'reel.line_pace',
    (data) => line(data, 0, { vo: 'one two three four five six seven eight nine ten' }),
  ],
  [
    'a script spoken too fast',
    'reel.pace',
    (data) =>
      data.videos[0]?.lines.forEach((item) =>
        Object.assign(item, { vo: 'go '.repeat((item.t1 - item.t0) * 2.9) }),
      ),
  ],
  [
    'nine words on screen',
    'reel.on_screen',
    (data) => line(data, 0, { on_screen: 'a b c d e f g h i' }),
  ],
  [
    'subtitles that nobody can read in time',
    'reel.captions',
    (data) =>
      line(data, 0, { vo: 'Unquestionably incomprehensible counterrevolutionaries misunderstand' }),
  ],
  ['a title of 101', 'reel.title', (data) => video(data, { title: 't'.repeat(101) })],
  ['a title of 71', 'reel.title_advised', (data) => video(data, { title: 't'.repeat(71) })],
  [
    'a description of 5,001',
    'reel.description',
    (data) => video(data, { description: 'd'.repeat(5001) }),
  ],
  [
    'no title with a keyword',
    'reel.title_keyword',
    (data) => data.videos.forEach((item) => Object.assign(item, { title: 'Weather' })),
  ],
  [
    'two videos of one script',
    'reel.cuts',
    (data) => Object.assign(data.videos[1] ?? {}, { lines: data.videos[0]?.lines }),
  ],
  ['a shot that is not listed', 'reel.shot', (data) => line(data, 0, { shot_id: 'SH99' })],
  [
    'another use of no video',
    'reel.repurpose',
    (data) => Object.assign(data.repurpose[0] ?? {}, { from: 'V99' }),
  ],
  [
    'an audience nobody handed over',
    'reference.vision.audiences',
    (data) => video(data, { audience_id: 'A99' }),
  ],
  [
    'an angle nobody handed over',
    'reference.echo.angles',
    (data) => video(data, { angle_id: 'N99' }),
  ],
  [
    'an image of an agent that works at the same time',
    'reference.pixel.images',
    (data) => video(data, { thumbnail_image_id: 'I99' }),
  ],
  ['an id twice', 'id.unique', (data) => Object.assign(data.shots[1] ?? {}, { id: 'SH1' })],
];

test.each(faults)('finds %s', (_, id, change) => {
  expect(broken(change)).toContain(id);
});

test('finds nothing in the draft as it is', () => {
  expect(broken(() => undefined)).toEqual([]);
});

const spoken = (vo: string, t1: number): ScriptLine => ({
  t0: 0,
  t1,
  vo,
  on_screen: '',
  visual: 'v',
  sound: null,
  shot_id: 'SH1',
});

test.each([
  [
    'a long line',
    'The quick brown fox jumps over the lazy dog while nine wizards watch. '.repeat(4),
    20,
  ],
  ['one endless word', 'B'.repeat(120), 10],
  ['Chinese without spaces', '我们每周一为办公室配送冷萃咖啡'.repeat(8), 14],
])('breaks %s into subtitles that keep the rules', (_, text, seconds) => {
  const cues = cuesOf({ lines: [spoken(text, seconds)] });

  expect(cueFaults(cues)).toEqual([]);
  expect(cues.length).toBeGreaterThan(1);
});

test('leaves out lines that nobody speaks', () => {
  expect(cuesOf({ lines: [spoken(' ', 3)] })).toEqual([]);
});

test('keeps text from being read as a time line or as markup', () => {
  const cues = [{ start: 0, end: 3661.5, lines: ['a --> b', '<i>&'] }];

  expect(toSrt(cues)).toBe('1\n00:00:00,000 --> 01:01:01,500\na → b\n<i>&\n');
  expect(toVtt(cues, 'note --> x')).toBe(
    'WEBVTT\n\nNOTE note → x\n\n00:00:00.000 --> 01:01:01.500\na → b\n&lt;i&gt;&amp;\n',
  );
});
