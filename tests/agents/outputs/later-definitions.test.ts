import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { readAgent } from '../../../src/agents/front-matter.ts';
import { platformSpecs } from '../../../src/agents/outputs/platform-specs.ts';

const promptOf = (name: string) => readFileSync(`agents/${name}.md`, 'utf8');

test.each([
  ['echo', { wave: 2, tools: ['fetch_page', 'audit_page'] }],
  ['pixel', { wave: 3, tools: ['fetch_page'] }],
  ['reel', { wave: 3, tools: [] }],
  ['social', { wave: 4, tools: ['fetch_page'] }],
])('the definition of %s can be read', (name, expected) => {
  const read = readAgent(`${name}.md`, promptOf(name));

  expect(read).toMatchObject({ type: 'read', definition: { name, model: 'default', ...expected } });
});

test('the art director is told every placement with its size', () => {
  const prompt = promptOf('pixel').replace(/\s+/g, ' ');

  const untold = platformSpecs().placements.filter(
    ({ id, width, height }) => !prompt.includes(`${id} ${width}x${height}`),
  );
  expect(untold).toEqual([]);
});
