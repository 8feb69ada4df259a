// Secrets do not get through: registered ones in any form and place, others by how they look or are called.
import { expect, test } from 'vitest';

import { createRedactor } from '../../src/core/redact.ts';

const planted = 'p/l+a n"t=ed';

function redactor() {
  const made = createRedactor();
  made.register(planted);
  return made;
}

test.each([
  [`a provider echoes ${planted} in full`],
  [`https://api.example/bot${encodeURIComponent(planted)}/send`],
  [JSON.stringify({ echoed: planted })],
  [`twice: ${planted}${planted}`],
])('hides a registered secret in %s', (text) => {
  const { known, text: clean } = redactor();

  for (const shown of [known(text), clean(text)]) {
    expect(shown).toContain('(hidden)');
    expect(shown).not.toMatch(/p(\/|%2F)l/);
  }
});

test('hides what begins like another secret in full', () => {
  const { register, known } = redactor();
  register('abcdef');
  register('abcdefghijkl');

  expect(known('abcdefghijkl abcdef')).toBe('(hidden) (hidden)');
});

test('does not hide every letter because a secret has one only', () => {
  const { register, known } = redactor();
  register('a');
  register('');

  expect(known('a banana')).toBe('a banana');
});

test.each([
  ['request to https://api.telegram.org/bot123456:AAF-x_y/sendMessage failed', 'AAF-x_y'],
  ['Incorrect API key provided: sk-proj-abcdefgh12345', 'abcdefgh12345'],
  ['connect to postgres://me:hunter22@db:5432/x failed', 'hunter22'],
  ['Authorization: Bearer abc.def-ghi', 'abc.def-ghi'],
  ['refresh_token=1//0abcdef&x=1', '0abcdef'],
  ['-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----', 'MIIEvQ'],
])('hides what looks like a secret in %j', (text, secret) => {
  expect(redactor().text(text)).not.toContain(secret);
});

test('goes through fields of any depth, errors and their causes too, and keeps the rest', () => {
  const cause = new Error(`the URL was https://x/bot1:${planted}`);
  const circle: Record<string, unknown> = { list: [{ deep: `key ${planted}` }] };
  circle.self = circle;

  const fields = redactor().fields({
    runId: 7,
    [planted]: 'as a key',
    error: Object.assign(new Error('outer', { cause }), {
      code: 'E1',
      config: { apiKey: 'short' },
    }),
    circle,
    headers: new Map([['authorization', 'Basic abc']]),
    at: new Date(0),
    bytes: Buffer.from(planted),
    size: 3n,
  });

  const text = JSON.stringify(fields);
  expect(text).not.toContain('p/l');
  expect(text).not.toContain('short');
  expect(text).not.toContain('Basic abc');
  expect(fields).toMatchObject({
    runId: 7,
    error: {
      message: 'outer',
      code: 'E1',
      config: { apiKey: '(hidden)' },
      cause: { name: 'Error' },
    },
    circle: { self: '(circular)' },
    at: '1970-01-01T00:00:00.000Z',
    size: '3',
  });
});

test('leaves counts and names that only sound like secrets', () => {
  const fields = { tokens: 12, inputTokens: 5, tokenFile: '/run/token', passwordSet: true };

  expect(redactor().fields(fields)).toEqual(fields);
});
