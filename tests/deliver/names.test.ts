// Names from outside as one safe path segment.
import { describe, expect, test } from 'vitest';

import { safeName, uniqueName } from '../../src/deliver/folder/names.ts';

describe('safeName', () => {
  test.each([
    ['report.md', 'report.md'],
    ['../../etc/passwd', 'etc-passwd'],
    ['/absolute', 'absolute'],
    ['..\\..\\windows', 'windows'],
    ['C:\\x', 'C--x'],
    ['..', 'fallback'],
    ['', 'fallback'],
    ['\u0000', 'fallback'],
    ['a\u0000b', 'ab'],
    ['con', '_con'],
    ['NUL.txt', '_NUL.txt'],
    ['com1', '_com1'],
    ['console.md', 'console.md'],
    ['ends with dots. . .', 'ends with dots'],
    ['.env', 'env'],
    ['--flag', 'flag'],
    ['cafe\u0301', 'caf\u00E9'],
    ['gnp\u202Eexe', 'gnpexe'],
    ['a<b>c|d?e*f"g', 'a-b-c-d-e-f-g'],
  ])('makes %j into %j', (text, expected) => {
    expect(safeName(text, 'fallback')).toBe(expected);
  });

  test('cuts long names to bytes, between characters, and keeps the extension', () => {
    const name = safeName(`${'🦊'.repeat(300)}.md`, 'x');

    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(180);
    expect(name).toMatch(/^(🦊)+\.md$/u);
  });

  test('is one safe segment, and stays the same, for any text', () => {
    const parts = [
      '.',
      '..',
      '/',
      '\\',
      ' ',
      '\0',
      'con',
      'é',
      'e\u0301',
      '\uD83D',
      '🦊',
      'a',
      '.md',
      '-',
    ];

    for (let seed = 0; seed < 3_000; seed += 1) {
      const text = Array.from(
        { length: seed % 9 },
        (_, at) => parts[(seed * (at + 7)) % parts.length],
      );
      const name = safeName(text.join(''), 'x');

      expect(name).not.toMatch(/[/\\\p{Cc}]|^\.|[. ]$/u);
      expect(name).not.toBe('');
      expect(safeName(name, 'y')).toBe(name);
    }
  });
});

test('uniqueName stays within the bytes of a name however long it is', () => {
  const taken = new Set<string>();
  const long = safeName('x'.repeat(300), 'x');

  const names = [uniqueName(long, taken), uniqueName(long, taken), uniqueName(long, taken)];

  expect(new Set(names).size).toBe(3);
  for (const name of names) expect(safeName(name, 'y')).toBe(name);
});
