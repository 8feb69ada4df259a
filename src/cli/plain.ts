// Text from outside made safe and short for a terminal: no controls, no reordering, cut to what fits.
import { stripVTControlCharacters } from 'node:util';

// Controls, and the marks that let text run backwards over its neighbours.
const unsafe = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;
const wide =
  /\p{Extended_Pictographic}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u;
const segments = new Intl.Segmenter();

/** One line without control characters. Titles, messages and names pass here before they are shown. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replace(unsafe, ' ').replace(/\s+/g, ' ').trim();
}

/** Columns that a text takes on a terminal, near enough: what people see as one character counts one, or two. */
export function widthOf(text: string): number {
  return [...segments.segment(text)].reduce((sum, { segment }) => sum + segmentWidth(segment), 0);
}

function segmentWidth(segment: string): number {
  return wide.test(segment) ? 2 : 1;
}

/** The beginning of a text that fits, with an ellipsis where something was left out. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;

  let kept = '';
  let width = 1;
  for (const { segment } of segments.segment(text)) {
    width += segmentWidth(segment);
    if (width > columns) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

/** The text at exactly this width. */
export function fit(text: string, columns: number): string {
  const short = cut(text, columns);
  return short + ' '.repeat(Math.max(0, columns - widthOf(short)));
}

/** Rows as columns that line up, two spaces between them; the last column is as long as it is. */
export function table(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => widthOf(row[at] ?? ''))),
  );

  return rows.map((row) =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : fit(cell, widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** A duration as `45s`, `2m 05s` or `3h 20m`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const two = (count: number) => String(count).padStart(2, '0');

  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3_600)}h ${two(Math.floor(seconds / 60) % 60)}m`;
}

/** What people type for a task: the first eight characters of its id. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}

/** A moment in this machine's own time, to the minute. */
export function moment(iso: string | null): string {
  if (iso === null) return '-';
  const at = new Date(iso);
  const two = (count: number) => String(count).padStart(2, '0');

  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
