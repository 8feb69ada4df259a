// Which character set a page is read in, whatever it says of itself.
import { expect, test } from 'vitest';

import { decodePage } from '../../../src/tools/page/charset.ts';

test.each([
  ['latin1 by header', 'text/html; charset=iso-8859-1', Buffer.from('<p>caf\u00e9', 'latin1')],
  [
    'latin1 by header, in quotes',
    'text/html; charset="latin1"',
    Buffer.from('caf\u00e9', 'latin1'),
  ],
  ['latin1 by meta', 'text/html', Buffer.from('<meta charset=latin1>caf\u00e9', 'latin1')],
  ['latin1 unsaid', 'text/html', Buffer.from('caf\u00e9', 'latin1')],
  ['UTF-8 unsaid', 'text/html', Buffer.from('caf\u00e9')],
  ['UTF-8 that calls itself UTF-16', 'text/html', Buffer.from('<meta charset=utf-16>caf\u00e9')],
  ['UTF-16 by header', 'text/html; charset=utf-16le', Buffer.from('caf\u00e9', 'utf16le')],
  ['UTF-16 by its mark', 'text/html; charset=utf-8', Buffer.from('\ufeffcaf\u00e9', 'utf16le')],
  ['a set that nobody knows', 'text/html; charset=klingon-8', Buffer.from('caf\u00e9')],
])('reads %s', (_what, header, bytes) => {
  const text = decodePage(bytes, header);

  expect(text.replace(/<.*>/, '')).toBe('café');
});

test('survives bytes that are no text in any set', () => {
  const bytes = Buffer.from(Array.from({ length: 4_000 }, (_, index) => (index * 7_919) % 256));

  const texts = ['utf-8', 'utf-16le', 'shift_jis', 'x'].map((set) =>
    decodePage(bytes, `charset=${set}`),
  );

  for (const text of texts) expect(text.isWellFormed()).toBe(true);
});

test('takes a long UTF-8 page that was cut within a character for UTF-8', () => {
  const bytes = Buffer.from('é'.repeat(60_000)).subarray(0, 119_999);

  const text = decodePage(bytes, 'text/html');

  expect(text.startsWith('éé')).toBe(true);
});
