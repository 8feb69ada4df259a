// Finds what breaks a limit: texts too long, repeated or too much alike.
import type { Fault } from './envelope-checks.ts';
import { graphemes } from './lengths.ts';
import { alikePairs } from './similarity.ts';

export type Placed = { path: string; text: string };

/** Texts longer than `max`. */
export function tooLong(items: Placed[], max: number, measure = graphemes): Fault[] {
  return items.flatMap(({ path, text }) => {
    const length = measure(text);
    return length > max ? [{ path, measured: `${length} characters: "${start(text)}"` }] : [];
  });
}

/** Texts that stand in the list before, in any case. */
export function repeated(items: Placed[]): Fault[] {
  const keys = items.map(({ text }) => text.trim().toLowerCase());

  return items.flatMap(({ path, text }, index) => {
    const first = keys.indexOf(keys[index] ?? '');
    return first < index
      ? [{ path, measured: `repeats ${items[first]?.path ?? ''}: "${start(text)}"` }]
      : [];
  });
}

/** Pairs of texts at least `limit` alike (Jaccard of trigrams, 0 to 1). */
export function tooAlike(items: Placed[], limit: number): Fault[] {
  const texts = items.map(({ text }) => text);

  return alikePairs(texts, limit).map(({ left, right, similarity }) => ({
    path: items[right]?.path ?? '',
    measured: `${similarity} alike with ${items[left]?.path ?? ''}`,
  }));
}

/** Texts that match a pattern that they must not. */
export function matching(items: Placed[], pattern: RegExp): Fault[] {
  return items.flatMap(({ path, text }) => {
    const hit = pattern.exec(text)?.[0];
    return hit === undefined ? [] : [{ path, measured: `"${hit}" in "${start(text)}"` }];
  });
}

/** The items of a list, each with its path. */
export function placed<Item>(
  path: string,
  items: Item[],
  textOf: (item: Item) => { field: string; text: string },
): Placed[] {
  return items.map((item, index) => {
    const { field, text } = textOf(item);
    return { path: `${path}[${index}]${field}`, text };
  });
}

function start(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59).toWellFormed()}…` : text;
}
