// Rule-based text for the drafts: phrases, sentences, lengths, names. The same input gives the same text.
import type { Brief } from '../../core/brief.ts';
import { placeholderPattern } from './prose.ts';
import { isStopWord } from './stop-words.ts';

// Past this a draft by rules learns nothing more, and a brief may be 100,000 characters long.
const readLength = 20_000;

/** Text on one line without control characters, doubled spaces or half characters. */
export function oneLine(text: string): string {
  return text
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\p{Cc}\u2028\u2029\uFFFD]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** At most `max` UTF-16 units, cut between words where there are any, never within a character. */
export function trimTo(text: string, max: number, ending = '…'): string {
  const line = oneLine(text);
  if (line.length <= max) return line;

  const room = max - ending.length;
  const cut = graphemesWithin(line, room);
  const space = line[cut.length] === ' ' ? cut.length : cut.lastIndexOf(' ');
  const kept = space > room / 2 ? cut.slice(0, space) : cut;
  return `${kept.replace(/[\s,;:.!?–—-]+$/u, '')}${ending}`;
}

function graphemesWithin(text: string, max: number): string {
  let kept = '';
  for (const { segment } of graphemes.segment(text.slice(0, max + 40))) {
    if (kept.length + segment.length > max) break;
    kept += segment;
  }
  return kept;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const words = new Intl.Segmenter('en', { granularity: 'word' });
const sentenceBreaks = new Intl.Segmenter('en', { granularity: 'sentence' });

/** How many words a text has; Chinese and Japanese are counted by the words of a dictionary. */
export function wordCount(text: string): number {
  let count = 0;
  for (const part of words.segment(text)) count += part.isWordLike === true ? 1 : 0;
  return count;
}

/** The sentences of a text in order, list marks taken off. */
export function sentences(text: string): string[] {
  return text
    .slice(0, readLength)
    .split(/[\r\n]+/)
    .flatMap((line) => [...sentenceBreaks.segment(line)].map(({ segment }) => segment))
    .map((sentence) => oneLine(sentence).replace(/^(?:[-*•#>]+|\d+[.)])\s+/u, ''))
    .filter((sentence) => /[\p{L}\p{N}]/u.test(sentence));
}

const wish = /^(?:we|i) (?:want|need|would like|are looking|plan|aim)\b/i;
const frame = /^(?:our|the) (?:goal|aim|target|budget|deadline)\b/i;
const order =
  /^(?:please|create|write|plan|make|help|prepare|develop|promote|launch|target|include|draft|design|build|produce|give us|show us|tell us)\b/i;

/** True for a sentence that tells the agency what to do: no text for the client's customers, and no proof. */
export function isInstruction(sentence: string): boolean {
  return [wish, frame, order].some((cue) => cue.test(sentence));
}

type Token = { text: string; from: number; to: number };

// Scripts written without spaces are cut by a dictionary; all others at their spaces.
const unspaced = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}]/u;

function tokensOf(text: string): Token[] {
  const runs = text.matchAll(/[\p{L}\p{N}\p{M}]+(?:['’&+-][\p{L}\p{N}\p{M}]+)*/gu);

  return [...runs].flatMap(({ 0: run, index }) => {
    if (!unspaced.test(run)) return [{ text: run, from: index, to: index + run.length }];
    return [...words.segment(run)].map(({ segment, index: at }) => ({
      text: segment,
      from: index + at,
      to: index + at + segment.length,
    }));
  });
}

// Runs of words that belong together: nothing but a space between them, and no stop word.
function wordRuns(text: string): Token[][] {
  const runs: Token[][] = [[]];
  let last: Token | undefined;

  for (const token of tokensOf(text)) {
    const joined = last !== undefined && /^ ?$/.test(text.slice(last.to, token.from));
    const stops = isStopWord(token.text) || token.text.length > 40;
    if (!joined || stops) runs.push([]);
    if (!stops) runs.at(-1)?.push(token);
    last = token;
  }
  return runs.filter((run) => run.length > 0);
}

type Phrase = { text: string; words: string[]; count: number; order: number };

/**
 * The subjects of a text, most telling first: phrases of one to three words without stop words, each at
 * most 60 characters, none within another, none matching `avoid`.
 */
export function keyPhrases(text: string, limit: number, avoid?: RegExp | null): string[] {
  const read = withoutAddresses(text.slice(0, readLength).toWellFormed().normalize('NFC'));
  const ranked = [...countPhrases(read).values()]
    .filter((phrase) => isUsable(phrase.text, avoid))
    .toSorted((left, right) => weight(right) - weight(left) || left.order - right.order);

  const chosen: Phrase[] = [];
  for (const phrase of ranked) {
    if (chosen.length >= limit) break;
    if (!chosen.some((other) => overlaps(phrase, other))) chosen.push(phrase);
  }
  return chosen.map((phrase) => phrase.text);
}

function isUsable(text: string, avoid: RegExp | null | undefined): boolean {
  return text.length <= 60 && !matches(avoid, text) && !matches(placeholderPattern, text);
}

/** True when `pattern` is there and matches anywhere, whatever its flags remember. */
export function matches(pattern: RegExp | null | undefined, text: string): boolean {
  return pattern !== null && pattern !== undefined && text.search(pattern) >= 0;
}

function withoutAddresses(text: string): string {
  return text.replace(/(?:https?:\/\/|www\.)\S+|\S{1,64}@\S+/giu, ' . ').replace(/[\r\n]+/g, ' . ');
}

function countPhrases(text: string): Map<string, Phrase> {
  const phrases = new Map<string, Phrase>();

  for (const run of wordRuns(text)) {
    for (const [start, end] of spansOf(run)) {
      const [first, last] = [run[start], run[end]];
      if (first === undefined || last === undefined) continue;
      const phrase = midSentence(oneLine(text.slice(first.from, last.to)), first.from, text);
      const key = phrase.toLowerCase();
      const known = phrases.get(key);
      if (known !== undefined) known.count += 1;
      else
        phrases.set(key, {
          text: phrase,
          words: lowerWords(run, start, end),
          count: 1,
          order: phrases.size,
        });
    }
  }
  return phrases;
}

// A capital that only the start of a sentence gave is taken back; that of a name stays.
function midSentence(phrase: string, from: number, text: string): string {
  const [first = '', second] = phrase.split(' ');
  const isCapitalised = /^\p{Lu}[\p{Ll}'’-]+$/u.test(first);
  const startsSentence = /(?:^|[.!?:;\n"“(])\s*$/.test(text.slice(Math.max(0, from - 3), from));
  const lower = first.toLowerCase();
  const isCommon = (second !== undefined && /^\p{Ll}/u.test(second)) || text.includes(` ${lower} `);

  return isCapitalised && startsSentence && isCommon ? lower + phrase.slice(first.length) : phrase;
}

// Windows of three, two and one word; without spaces, words are short, so a short run counts as one phrase.
function spansOf(run: Token[]): [number, number][] {
  const spans: [number, number][] = [];
  const length = run.length;
  const whole = run.map(({ text }) => text).join('');
  if (length > 3 && whole.length <= 12 && unspaced.test(whole)) spans.push([0, length - 1]);

  for (let size = Math.min(3, length); size >= 1; size -= 1) {
    for (let start = 0; start + size <= length; start += 1) spans.push([start, start + size - 1]);
  }
  return spans;
}

function lowerWords(run: Token[], start: number, end: number): string[] {
  return run.slice(start, end + 1).map((token) => token.text.toLowerCase());
}

// A phrase said twice beats a longer one said once; of those said as often, the longer tells more.
// A single word has to come back often: most of the time it is the head of several phrases.
function weight({ words: parts, count }: Phrase): number {
  const often = count > 1 ? 1 + count : 1;
  if (parts.length === 1) return count > 1 ? often * 0.45 : 1;

  return often * (parts.length === 2 ? 1.9 : 2.1);
}

function overlaps(phrase: Phrase, other: Phrase): boolean {
  return phrase.words.some((word) => other.words.includes(word));
}

const small = new Set('a an and as at but by for in of on or the to vs with'.split(' '));

/** Title case as English headlines have it; other scripts stay as they are. */
export function titleCase(text: string): string {
  return oneLine(text)
    .split(' ')
    .map((word, index) => (index > 0 && small.has(word) ? word : capital(word)))
    .join(' ');
}

/** The text without the marks that end a sentence, so that more can follow. */
export function bare(text: string): string {
  return text.replace(/[\s.!?…,;:。!?]+$/u, '');
}

/** The text with a capital first letter. */
export function capital(text: string): string {
  const [first = ''] = text;
  return first.toUpperCase() + text.slice(first.length);
}

/** Lower-case ASCII words joined by hyphens, for addresses and codes; `fallback` when nothing is left. */
export function slug(text: string, fallback: string, max = 40): string {
  const plain = text
    .slice(0, 400)
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replaceAll('ß', 'ss')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');

  return plain.slice(0, max).replace(/-+$/, '') || fallback;
}

/** The client's name, or the brief's title where no client is named. */
export function clientName(brief: Brief, max = 60): string {
  return trimTo(brief.client?.name ?? brief.title, max) || trimTo(brief.title, max) || 'the client';
}

/** What is offered: the brief's offer, or else the first sentence of its description. */
export function offerOf(brief: Brief, max = 160): string {
  const told = brief.offer?.what ?? '';
  const first = sentences(brief.description).find((text) => !isInstruction(text)) ?? '';

  return trimTo(
    [told, first, brief.description, brief.title].find((text) => oneLine(text) !== '') ??
      'this offer',
    max,
  );
}

/** The subject in one to three words: of the offer, else the title, else the description. */
export function topicOf(brief: Brief, avoid?: RegExp | null): string {
  const texts = [brief.offer?.what ?? '', brief.title, brief.description];
  const [topic] = texts.flatMap((text) => keyPhrases(text, 1, avoid));

  if (topic !== undefined) return topic;

  const title = trimTo(brief.title, 40);
  const isPlain = /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M} '&-]*)$/u.test(title) && wordCount(title) <= 6;
  return isPlain && isUsable(title, avoid) ? title : 'this offer';
}

/** What to tell readers whose language the English drafts are not in; null for English. */
export function localeNote(brief: Brief): string | null {
  const locale = brief.client?.locale ?? 'en-US';
  if (locale === 'en' || locale.startsWith('en-')) return null;

  return `The client's locale is ${locale}; the rules write English only, so the wording has to be translated before use.`;
}

/** A number and its noun, `1 table` or `2 tables`. For English nouns that only take an s. */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
