// Walks over the strings of an output, telling prose from ids, addresses and other fixed words.

export type FoundText = {
  /** Such as `data.audiences[0].pains[2]`. */
  path: string;
  /** The field's name; for the items of a list, the list's name. */
  key: string;
  text: string;
};

/** Every string within `value`, in order. */
export function stringsOf(value: unknown, path: string, key = ''): FoundText[] {
  if (typeof value === 'string') return [{ path, key, text: value }];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => stringsOf(item, `${path}[${index}]`, key));
  }
  if (typeof value !== 'object' || value === null) return [];

  return Object.entries(value).flatMap(([name, item]) =>
    stringsOf(item, path === '' ? name : `${path}.${name}`, name),
  );
}

/** A copy of `value` whose strings went through `change`. */
export function mapStrings(
  value: unknown,
  change: (text: string, key: string) => string,
  key = '',
): unknown {
  if (typeof value === 'string') return change(value, key);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change, key));
  if (typeof value !== 'object' || value === null) return value;

  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, mapStrings(item, change, name)]),
  );
}

// Fields that hold one of a few fixed words, a code, or a fact as it was measured: no wording of ours.
const fixedNames = new Set(
  `agent aspect at cadence campaign column columns confidence content country currency destination
   domain event file fonts format formula hex horizon intent kind language level locale match measured
   medium method metric op period placement platform platforms reasons_to_believe retrieved_at role rule severity size
   source sql status strength type unit`.split(/\s+/),
);

/** True when the field holds an id, an address or a fixed word, so that rules about wording do not apply. */
export function isFixedField(key: string, text = ''): boolean {
  if (/^https?:\/\/\S+$/i.test(text)) return true;
  return fixedNames.has(key) || /^ids?$|_(ids?|at|type|url|date|file|hex)$|url$/.test(key);
}

// Fields that name what to stay away from: a banned word is in its place there.
const avoidanceNames = new Set(['dont', 'negatives', 'negative', 'exclusions']);

/** True when a banned word may stand in the field. */
export function mayHoldBanned(key: string, text = ''): boolean {
  return isFixedField(key, text) || avoidanceNames.has(key);
}

// Compiling some hundred words takes longer than a whole draft, and each list is asked for several times.
const patterns = new WeakMap<string[], RegExp | null>();

/** Matches any of `words` as a whole word, in any case; null when there is none. */
export function bannedPattern(words: string[]): RegExp | null {
  const known = patterns.get(words);
  if (known !== undefined) return known;

  const pattern = createPattern(words);
  patterns.set(words, pattern);
  return pattern;
}

function createPattern(words: string[]): RegExp | null {
  const clean = words
    .map((word) => word.normalize('NFC').trim())
    .filter((word) => word !== '')
    .toSorted((left, right) => right.length - left.length);
  const byShape = Map.groupBy(clean, (word) => edgesOf(word).join('@'));
  const sources = [...byShape.values()].map((same) => {
    const [before, after] = edgesOf(same[0] ?? '');
    return `${before}(?:${same.map(escaped).join('|')})${after}`;
  });

  return sources.length === 0 ? null : new RegExp(sources.join('|'), 'giu');
}

function escaped(word: string): string {
  return word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replace(/\s+/g, '\\s+');
}

// What may not stand before and after a word, so that `cat` is not found in `catalogue`.
function edgesOf(word: string): [string, string] {
  // Chinese, Japanese and Thai run on without spaces: there a banned word counts wherever it stands.
  if (/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u.test(word)) return ['', ''];

  return [
    /^[\p{L}\p{N}]/u.test(word) ? '(?<![\\p{L}\\p{N}])' : '',
    /[\p{L}\p{N}\p{M}]$/u.test(word) ? '(?![\\p{L}\\p{N}\\p{M}])' : '',
  ];
}

const fillers =
  'client|company|brand|product|service|customer|name|date|city|price|url|link|number';

/** Text that someone forgot to fill in: `[Client]`, `{{name}}`, lorem ipsum, TBD, XX%. */
export const placeholderPattern = new RegExp(
  [
    `\\[(?:(?:${fillers})(?:[ _-](?:name|here|${fillers}))?|(?:your|insert|add)\\b[^\\]\\n]{0,40})\\](?!\\()`,
    '\\{\\{[^{}]{0,80}\\}\\}',
    '\\blorem(?:\\s+ipsum)?\\b',
    '(?<![\\p{L}\\p{N}])TBD(?![\\p{L}\\p{N}])',
    '(?<![\\p{L}\\p{N}])X{2,}\\s?%',
  ].join('|'),
  'giu',
);
