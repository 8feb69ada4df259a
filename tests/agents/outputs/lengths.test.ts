import { expect, test } from 'vitest';

import { readingGrade } from '../../../src/agents/outputs/echo/readability.ts';
import {
  columns,
  countWords,
  cutTo,
  graphemes,
  xLength,
} from '../../../src/agents/outputs/lengths.ts';
import { alikePairs, similarity } from '../../../src/agents/outputs/similarity.ts';

test.each([
  ['plain text', 'hello', 5],
  ['a link', 'see https://example.com/a/very/long/path?with=query&and=more', 27],
  ['a link without its scheme', 'example.com', 23],
  ['two links', 'https://a.example https://b.example', 47],
  ['Chinese', '你好', 4],
  ['an emoji of many parts', '👩‍👩‍👧‍👦', 2],
  ['an accent in two code points', 'e\u0301', 1],
  ['curly quotes', '“hi”', 4],
  ['an address of mail', 'a@b', 3],
])('counts %s as X does', (_, text, length) => {
  expect(xLength(text)).toBe(length);
});

test.each([
  ['Latin', 'Kaffee', 6],
  ['Chinese', '冷萃咖啡', 8],
  ['Korean', '커피', 4],
  ['an emoji', '☕', 2],
])('counts the columns of %s as Google Ads does', (_, text, width) => {
  expect(columns(text)).toBe(width);
});

test('counts a family of emoji as one character', () => {
  expect(graphemes('a👩‍👩‍👧‍👦é')).toBe(3);
});

test('counts words with and without spaces', () => {
  expect(countWords("don't stop, now")).toBe(3);
  expect(countWords('我们配送咖啡')).toBeGreaterThan(1);
});

test.each([
  ['at the end of a word', { text: 'cold brew crate', max: 12, expected: 'cold brew' }],
  ['without a comma left over', { text: 'one, two', max: 5, expected: 'one' }],
  ['within a word that alone is too long', { text: 'abcdefghij', max: 4, expected: 'abcd' }],
  ['between whole characters', { text: '👩‍👩‍👧‍👦👩‍👩‍👧‍👦', max: 1, expected: '👩‍👩‍👧‍👦' }],
  ['not at all where it fits', { text: 'fits', max: 4, expected: 'fits' }],
])('cuts text %s', (_, { text, max, expected }) => {
  expect(cutTo(text, max, graphemes)).toBe(expected);
});

test('finds texts alike that differ in case and punctuation only', () => {
  expect(similarity('Order today!', 'order  TODAY')).toBe(1);
  expect(similarity('Order today', 'A very other thought')).toBeLessThan(0.1);
  expect(alikePairs(['one text', 'another', 'One text.'], 0.8)).toEqual([
    { left: 0, right: 2, similarity: 1 },
  ]);
});

test('rates long words and sentences as harder to read', () => {
  const easy = readingGrade('We sell tea. You drink it. It is warm.');
  const hard = readingGrade('Organisational internationalisation necessitates administration.');

  expect(easy).toBeLessThan(3);
  expect(hard).toBeGreaterThan(15);
  expect(readingGrade('冷萃')).toBe(0);
});
