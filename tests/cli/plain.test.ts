// Text for terminals: harmless, and as wide as there is room for.
import { expect, test } from 'vitest';

import { cut, duration, fit, plain, table, widthOf } from '../../src/cli/plain.ts';

test('takes out escapes, controls and marks that turn text around', () => {
  expect(plain('a\u001b[31mred\u001b[0m\nb\u0000c\u202ed')).toBe('ared b c d');
});

test('keeps emoji whole', () => {
  expect(plain('👩‍👩‍👧 ok')).toBe('👩‍👩‍👧 ok');
  expect(widthOf('👩‍👩‍👧 日')).toBe(5);
});

test('cuts to the columns there are', () => {
  expect(cut('abcdef', 6)).toBe('abcdef');
  expect(cut('abcdefg', 6)).toBe('abcde…');
  expect(widthOf(cut('日本語日本語', 6))).toBeLessThanOrEqual(6);
  expect(fit('ab', 4)).toBe('ab  ');
});

test('lines columns up', () => {
  expect(
    table([
      ['ID', 'TITLE'],
      ['1', 'a'],
      ['日本', 'b'],
    ]),
  ).toEqual(['ID    TITLE', '1     a', '日本  b']);
});

test.each([
  [0, '0s'],
  [59_400, '59s'],
  [125_000, '2m 05s'],
  [12_000_000, '3h 20m'],
])('writes %i ms as %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});
