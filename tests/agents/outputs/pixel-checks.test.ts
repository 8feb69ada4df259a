import { expect, test } from 'vitest';

import { contrastRatio, readableOn } from '../../../src/agents/outputs/pixel/contrast.ts';
import type { PixelOutput } from '../../../src/agents/outputs/pixel/schema.ts';
import { factsOf, fullBrief } from './hostile-facts.ts';
import { failedIds, judgedDraft, pixelKind, wavesFacts } from './judged.ts';

const facts = wavesFacts();
const draft = pixelKind.draft(facts);

type Data = PixelOutput['data'];
type Image = Data['images'][number];

function broken(change: (data: Data) => void): string[] {
  const output = structuredClone(draft);
  change(output.data);
  return failedIds(pixelKind, output, facts);
}

function image(data: Data, fields: Partial<Image>): void {
  Object.assign(data.images[0] ?? {}, fields);
}

function box(data: Data, index: number, fields: Partial<Image['text_boxes'][number]>): void {
  Object.assign(data.images[index]?.text_boxes[0] ?? {}, fields);
}

const storyIndex = draft.data.images.findIndex(({ placement }) => placement === 'story');

const faults: [string, string, (data: Data) => void][] = [
  ['a size that is not the placement’s', 'pixel.size', (data) => image(data, { width: 1081 })],
  ['a placement nobody knows', 'pixel.size', (data) => image(data, { placement: 'billboard' })],
  [
    'a wrong size among the specs',
    'pixel.size',
    (data) => Object.assign(data.specs[0] ?? {}, { height: 1 }),
  ],
  ['a file too heavy', 'pixel.bytes', (data) => image(data, { bytes: 9_000_000 })],
  [
    'a contrast that does not add up',
    'pixel.contrast_value',
    (data) => image(data, { contrast: 20 }),
  ],
  [
    'text that cannot be read',
    'pixel.contrast',
    (data) => image(data, { text_hex: '#2b1d0e', background_hex: '#2b1d0e', contrast: 1 }),
  ],
  ['text over the edge', 'pixel.safe_zone', (data) => box(data, 0, { x: 1000, w: 200 })],
  [
    'text under the buttons of a story',
    'pixel.safe_zone',
    (data) => box(data, storyIndex, { y: 1500, h: 100 }),
  ],
  [
    'text at the top of a story',
    'pixel.safe_zone',
    (data) => box(data, storyIndex, { y: 100, h: 100 }),
  ],
  ['tiny text', 'pixel.font_size', (data) => box(data, 0, { px: 23 })],
  ['an alt text of four characters', 'pixel.alt', (data) => image(data, { alt: 'four' })],
  ['an alt text of 126', 'pixel.alt', (data) => image(data, { alt: 'a'.repeat(126) })],
  [
    'an alt text that says it is an image',
    'pixel.alt',
    (data) => image(data, { alt: 'An image of a crate' }),
  ],
  [
    'other words than the headline’s',
    'pixel.headline',
    (data) => image(data, { headline: 'Something else' }),
  ],
  [
    'a colour that is not the brand’s',
    'pixel.palette',
    (data) => Object.assign(data.concepts[0]?.palette[0] ?? {}, { hex: '#123456' }),
  ],
  [
    'a token that is not the brand’s',
    'pixel.palette',
    (data) => Object.assign(data.tokens.color[0] ?? {}, { hex: '#123456' }),
  ],
  [
    'two concepts of one name',
    'pixel.concepts',
    (data) => Object.assign(data.concepts[1] ?? {}, { name: data.concepts[0]?.name }),
  ],
  [
    'a concept that is not there',
    'pixel.own_reference',
    (data) => image(data, { concept_id: 'D99' }),
  ],
  [
    'a prompt that is not there',
    'pixel.own_reference',
    (data) => image(data, { prompt_id: 'R99' }),
  ],
  [
    'a headline nobody wrote',
    'reference.echo.headlines',
    (data) => image(data, { headline_id: 'H99' }),
  ],
  [
    'a pillar nobody set',
    'reference.vision.pillars',
    (data) => Object.assign(data.concepts[0] ?? {}, { pillar_id: 'P99' }),
  ],
  ['an id twice', 'id.unique', (data) => Object.assign(data.images[1] ?? {}, { id: 'I1' })],
];

test.each(faults)('finds %s', (_, id, change) => {
  expect(broken(change)).toContain(id);
});

test('finds nothing in the draft as it is', () => {
  expect(broken(() => undefined)).toEqual([]);
});

test.each([
  ['#000000', '#ffffff', 21],
  ['#777777', '#ffffff', 4.47],
  ['#ffffff', '#ffffff', 1],
])('computes the contrast of %s on %s as WCAG does', (text, background, ratio) => {
  expect(contrastRatio(text, background)).toBe(ratio);
});

test('finds black or white to be readable on any grey', () => {
  const greys = Array.from(
    { length: 256 },
    (_, level) => `#${level.toString(16).padStart(2, '0').repeat(3)}`,
  );

  expect(greys.filter((grey) => contrastRatio(readableOn(grey), grey) < 4.5)).toEqual([]);
});

test('plans an image for each placement, and makes no picture up', () => {
  expect(draft.data.images).toHaveLength(8);
  expect(draft.data.images.every((item) => item.file_id === undefined)).toBe(true);
  expect(draft.assumptions.join(' ')).toMatch(/planned, not made/);
});

test('says that its colours are stand-ins when the brief names none', () => {
  const { output } = judgedDraft(pixelKind, factsOf({ ...fullBrief, client: { name: 'Brewly' } }));

  expect(output.assumptions.join(' ')).toMatch(/neutral stand-ins/);
});
