// Rule-based text: phrases, sentences, lengths and names, in any script and the same each time.
import { describe, expect, test } from 'vitest';

import { Brief } from '../../../src/core/brief.ts';
import { cleanText } from '../../../src/agents/outputs/drafted.ts';
import { bannedPattern } from '../../../src/agents/outputs/prose.ts';
import {
  clientName,
  keyPhrases,
  localeNote,
  offerOf,
  oneLine,
  sentences,
  slug,
  titleCase,
  topicOf,
  trimTo,
  wordCount,
} from '../../../src/agents/outputs/wording.ts';

describe('key phrases', () => {
  test('are the subjects of a text, those said twice first', () => {
    const text = 'Launch our organic oat milk in Germany. We sell organic oat milk to small cafes.';

    expect(keyPhrases(text, 3)).toEqual(['organic oat milk', 'small cafes', 'Germany']);
  });

  test.each([
    ['German', 'Wir bieten nachhaltige Laufschuhe für die Stadt', 'nachhaltige Laufschuhe'],
    ['French', 'Nous vendons des chaussures durables pour la ville', 'chaussures durables'],
    ['Spanish', 'Ofrecemos zapatillas sostenibles para la ciudad', 'zapatillas sostenibles'],
    ['Japanese', '東京で有機オーツミルクを発売する', '有機オーツミルク'],
    ['Chinese', '面向年轻消费者', '年轻消费者'],
  ])('stand out in %s', (_, text, expected) => {
    expect(keyPhrases(text, 4).join(' ')).toContain(expected);
  });

  test('leave out addresses, numbers, placeholders and what is to be avoided', () => {
    const text =
      'See https://a.example/deep or mail me@b.example. TBD 2026 cheap beans, fresh beans';

    const phrases = keyPhrases(text, 10, bannedPattern(['cheap']));

    expect(phrases.join(' ')).not.toMatch(/example|tbd|2026|cheap/i);
    expect(phrases).toContain('fresh beans');
  });

  test('take back a capital that only the start of the sentence gave', () => {
    expect(keyPhrases('Fresh beans. Berlin Mitte.', 2)).toEqual(['fresh beans', 'Berlin Mitte']);
  });
});

describe('trimming', () => {
  test.each([
    ['between words', { text: 'one two three four', max: 12, expected: 'one two…' }],
    ['a word too long', { text: 'abcdefghij', max: 5, expected: 'abcd…' }],
    ['not at all what fits', { text: 'one two', max: 7, expected: 'one two' }],
    ['never within a character', { text: '👩‍👩‍👧‍👦👩‍👩‍👧‍👦', max: 15, expected: '👩‍👩‍👧‍👦…' }],
    ['text without spaces', { text: '新しい有機オーツミルク', max: 6, expected: '新しい有機…' }],
    ['and puts no mark before the dots', { text: 'one two, three', max: 10, expected: 'one two…' }],
  ])('cuts %s', (_, { text, max, expected }) => {
    expect(trimTo(text, max)).toBe(expected);
  });

  test('makes one line without control characters and half characters', () => {
    expect(oneLine(' a\u0000b\r\n\tc \uD83D d\u2028e ')).toBe('a b c d e');
  });
});

test('sentences come apart at marks and lines, without list marks and empty ones', () => {
  expect(sentences('- One. Two!\n\n3) Three\n---\n  • Four?')).toEqual([
    'One.',
    'Two!',
    'Three',
    'Four?',
  ]);
});

test.each([
  ['the art of oat milk', 'The Art of Oat Milk'],
  ['of mice and men', 'Of Mice and Men'],
  ['有機', '有機'],
])('the title case of %s is %s', (text, expected) => {
  expect(titleCase(text)).toBe(expected);
});

test.each([
  ['Ünïcode & Straße!', 'unicode-strasse'],
  ['🙂', 'fallback'],
  ['推特', 'fallback'],
  [' -- A -- ', 'a'],
])('the slug of %s is %s', (text, expected) => {
  expect(slug(text, 'fallback')).toBe(expected);
});

test('words are counted, also where no spaces part them', () => {
  expect(wordCount('one two-three, four')).toBe(4);
  expect(wordCount('新しい有機オーツミルク')).toBeGreaterThan(1);
});

describe('names of a brief', () => {
  const bare = Brief.parse({ title: 'Spring sale', description: 'Sell more running shoes. Soon.' });

  test('fall back to its title and first sentence', () => {
    expect(clientName(bare)).toBe('Spring sale');
    expect(offerOf(bare)).toBe('Sell more running shoes.');
    expect(localeNote(bare)).toBeNull();
  });

  test('are those of client and offer where there are any', () => {
    const brief = Brief.parse({
      ...bare,
      client: { name: 'Acme', locale: 'de-DE' },
      offer: { what: 'Trail shoes' },
    });

    expect([clientName(brief), offerOf(brief), topicOf(brief)]).toEqual([
      'Acme',
      'Trail shoes',
      'trail shoes',
    ]);
    expect(localeNote(brief)).toContain('de-DE');
  });

  test.each(['x', '!!!', '🙂', '[Client]'])(
    'never end in a placeholder, for the title %s',
    (title) => {
      const topic = topicOf(Brief.parse({ title, description: '???' }));

      expect(topic).toMatch(/^(?:x|this offer)$/);
    },
  );
});

describe('cleaning a text', () => {
  const clean = (text: string, ...words: string[]) =>
    cleanText(text, { banned: bannedPattern(words), stray: ['me@a.example'] });

  test.each([
    ['a banned word', { text: 'A cheap, good box', expected: 'A, good box', words: ['cheap'] }],
    [
      'one that comes about by another',
      { text: 'checheapap box', expected: 'box', words: ['cheap', 'checheapap'] },
    ],
    ['placeholders', { text: 'Hi {{name}}, buy [Product]!', expected: 'Hi, buy!', words: [] }],
    ['placeholders within placeholders', { text: 'T{{x}}BD it', expected: 'it', words: [] }],
    ['stray contacts', { text: 'Write to me@a.example now', expected: 'Write to now', words: [] }],
    ['signs', { text: 'Wow! Now!', expected: 'Wow Now', words: ['!'] }],
    ['everything', { text: 'cheap cheap', expected: '', words: ['cheap'] }],
  ])('takes out %s', (_, { text, expected, words }) => {
    expect(clean(text, ...words)).toBe(expected);
  });

  test('leaves a clean text as it is, lines included', () => {
    expect(clean('Two\n\nlines', 'cheap')).toBe('Two\n\nlines');
  });
});
