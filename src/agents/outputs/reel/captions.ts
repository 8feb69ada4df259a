// Makes subtitles of a script: cues that fit the screen and can be read in time, as SRT and WebVTT.
import { countWords, graphemes, splitGraphemes } from '../lengths.ts';
import { platformSpecs } from '../platform-specs.ts';
import type { ScriptLine, Video } from './schema.ts';

export type Cue = { start: number; end: number; lines: string[] };

/** The spoken lines as cues, in order. */
export function cuesOf({ lines }: Pick<Video, 'lines'>): Cue[] {
  return lines.flatMap(cuesOfLine);
}

function cuesOfLine({ vo, t0, t1 }: ScriptLine): Cue[] {
  const specs = platformSpecs().subtitles;
  const screens = splitScreens(vo.replace(/\s+/g, ' ').trim());
  const total = screens.reduce((sum, lines) => sum + lengthOf(lines), 0);
  let start = t0;

  return screens.map((lines) => {
    const end = start + (t1 - t0) * (lengthOf(lines) / total);
    const cue = { start, end: Math.min(end, start + specs.max_seconds), lines };
    start = end;
    return cue;
  });
}

function lengthOf(lines: string[]): number {
  return graphemes(lines.join(' '));
}

/** The text as screens of at most two lines, about evenly filled. */
function splitScreens(text: string): string[][] {
  if (text === '') return [];

  const { characters_per_line: width, lines: perScreen } = platformSpecs().subtitles;
  const words = text.split(' ').flatMap((word) => chunks(word, width));
  let count = Math.ceil(graphemes(text) / (width * perScreen));
  // Words do not break where it suits: add a screen until every one fits.
  for (; count < words.length; count += 1) {
    const screens = evenParts(words, count).map((part) => wrap(part, width));
    if (screens.every((lines) => lines.length <= perScreen)) return screens;
  }
  return words.map((word) => [word]);
}

// Each word goes to the part in which its middle falls.
function evenParts(words: string[], count: number): string[] {
  const total = words.reduce((sum, word) => sum + word.length + 1, 0);
  const parts = Array.from({ length: count }, (): string[] => []);
  let position = 0;

  for (const word of words) {
    const middle = position + word.length / 2;
    parts[Math.floor((middle / total) * count)]?.push(word);
    position += word.length + 1;
  }
  return parts.map((part) => part.join(' ')).filter((part) => part !== '');
}

// Lines of at most `width`, broken between words.
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let here = '';

  for (const word of text.split(' ')) {
    const next = here === '' ? word : `${here} ${word}`;
    if (graphemes(next) > width && here !== '') {
      lines.push(here);
      here = word;
    } else {
      here = next;
    }
  }
  return here === '' ? lines : [...lines, here];
}

function chunks(word: string, width: number): string[] {
  const parts = splitGraphemes(word);
  const count = Math.ceil(parts.length / width);

  return Array.from({ length: count }, (_, index) =>
    parts.slice(index * width, (index + 1) * width).join(''),
  );
}

/** SubRip: numbered cues. The format has no comments, so it carries no label. */
export function toSrt(cues: Cue[]): string {
  return cues
    .map(({ start, end, lines }, index) =>
      [index + 1, `${clock(start, ',')} --> ${clock(end, ',')}`, ...lines.map(inert), ''].join(
        '\n',
      ),
    )
    .join('\n');
}

/** WebVTT, with a note at its head. */
export function toVtt(cues: Cue[], note: string): string {
  const head = ['WEBVTT', '', `NOTE ${note.replaceAll('-->', '→')}`, ''].join('\n');
  const blocks = cues.map(({ start, end, lines }) =>
    [`${clock(start, '.')} --> ${clock(end, '.')}`, ...lines.map(markup), ''].join('\n'),
  );

  return [head, ...blocks].join('\n');
}

// An arrow within the text would be read as a new time line.
function inert(text: string): string {
  return text.replaceAll('-->', '→');
}

function markup(text: string): string {
  return inert(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function clock(seconds: number, point: ',' | '.'): string {
  const ms = Math.round(seconds * 1000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const time = [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1000) % 60].map(two).join(':');

  return `${time}${point}${String(ms % 1000).padStart(3, '0')}`;
}

/** What breaks the rules of subtitles, cue by cue. */
export function cueFaults(cues: Cue[]): { cue: number; measured: string; limit: string }[] {
  const specs = platformSpecs().subtitles;

  return cues.flatMap(({ start, end, lines }, index) => {
    const seconds = end - start;
    const before = cues[index - 1];
    const speed = lengthOf(lines) / Math.max(seconds, 0.001);
    const widest = Math.max(...lines.map(graphemes));
    const faults = [
      before !== undefined && start < before.end - 0.001
        ? { measured: 'overlaps the cue before', limit: 'no overlap' }
        : null,
      seconds < specs.min_seconds - 0.001 || seconds > specs.max_seconds + 0.001
        ? {
            measured: `${seconds.toFixed(2)} seconds`,
            limit: `${specs.min_seconds} to ${specs.max_seconds} seconds`,
          }
        : null,
      speed > specs.characters_per_second + 0.001
        ? {
            measured: `${speed.toFixed(1)} characters a second`,
            limit: `${specs.characters_per_second}: shorten vo or give it more time`,
          }
        : null,
      widest > specs.characters_per_line || lines.length > specs.lines
        ? { measured: `${lines.length} lines of ${widest}`, limit: 'two lines of 42 characters' }
        : null,
    ];
    return faults.filter((fault) => fault !== null).map((fault) => ({ cue: index + 1, ...fault }));
  });
}

/** Words spoken for each second between two times. */
export function wordsPerSecond(text: string, seconds: number): number {
  return Math.round((countWords(text) / Math.max(seconds, 0.001)) * 100) / 100;
}
