// Finding the answer in a model's final text.
import { expect, test } from 'vitest';

import { findJsonObject } from '../../src/agents/output.ts';

const object = { a: 'brace } and \\" quote', b: [{ c: 1 }] };
const json = JSON.stringify(object);

test.each([
  { name: 'alone', text: json },
  { name: 'in a fence', text: `\`\`\`json\n${json}\n\`\`\`` },
  { name: 'in a fence within words', text: `Sure {as asked}:\n\`\`\`\n${json}\n\`\`\`\nBye {}` },
  { name: 'after a smaller object', text: `{"a":1} is too short, so: ${json}` },
  { name: 'after a brace that never closes', text: `Use { with care. ${json}` },
])('finds an object $name', ({ text }) => {
  expect(findJsonObject(text)).toEqual({ type: 'found', value: object });
});

test.each([
  { name: 'nothing', text: '', says: 'no JSON object' },
  { name: 'words', text: 'I cannot do that.', says: 'no JSON object' },
  { name: 'a list of words', text: '["a"]', says: 'no JSON object' },
  {
    name: 'a cut object',
    text: `{"data": ${json}, "evidence": [${'{"id":"E1"},'.repeat(20)}`,
    says: 'cut off',
  },
  {
    name: 'a trailing comma',
    text: `{"data": ${json}, "more": "${'x'.repeat(90)}",}`,
    says: 'cannot be parsed',
  },
])('says what is wrong with $name', ({ text, says }) => {
  expect(findJsonObject(text)).toMatchObject({
    type: 'absent',
    reason: expect.stringContaining(says),
  });
});

test.each(['output', 'result'])('takes an output out of a %s around it', (name) => {
  const output = { schema_version: 1, agent: 'echo', data: {} };

  expect(findJsonObject(JSON.stringify({ [name]: output }))).toEqual({
    type: 'found',
    value: output,
  });
});

test.each([{ output: { data: {} } }, { output: { agent: 'echo' }, more: 1 }])(
  'leaves %j as it is',
  (value) => {
    expect(findJsonObject(JSON.stringify(value))).toEqual({ type: 'found', value });
  },
);

test('does not choke on a text of braces', () => {
  expect(findJsonObject('{'.repeat(500_000)).type).toBe('absent');
});
