// Measures text as the platforms count it: graphemes, Google's columns, X's weights, words.

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const words = new Intl.Segmenter('en', { granularity: 'word' });

// Segmenting is slow, and in plain Latin text every character stands for itself.
const plain = /^[\n\x20-\x7e\u00a0-\u024f\u2013-\u201d\u2026]*$/;

/** Characters as people see them. */
export function graphemes(text: string): number {
  return plain.test(text) ? text.length : splitGraphemes(text).length;
}

/** Characters as people see them, each apart. */
export function splitGraphemes(text: string): string[] {
  return plain.test(text) ? [...text] : [...segmenter.segment(text)].map((part) => part.segment);
}

const wide =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns as Google Ads counts them: double-width characters count twice. */
export function columns(text: string): number {
  return splitGraphemes(text).reduce((sum, part) => sum + (wide.test(part) ? 2 : 1), 0);
}

/** Words; in scripts without spaces, as the platform's dictionary splits them. */
export function countWords(text: string): number {
  return [...words.segment(text)].filter((part) => part.isWordLike).length;
}

// A bare host counts as a link too, since X makes a link of it.
const links = /https?:\/\/[^\s<>"]+|(?<![\w@.-])(?:[a-z\d-]+\.)+[a-z]{2,}(?:\/[^\s<>"]*)?/gi;
const emoji = /\p{RGI_Emoji}/gv;
const linkWeight = 23;

/** Length as X counts it: any link 23, an emoji 2, most scripts 1 a character, the others 2. */
export function xLength(text: string): number {
  const normal = text.normalize('NFC');
  const withoutLinks = normal.replaceAll(links, '');
  const rest = withoutLinks.replaceAll(emoji, '');
  const linkCount = normal.match(links)?.length ?? 0;
  const emojiCount = withoutLinks.match(emoji)?.length ?? 0;

  return [...rest].reduce(
    (sum, character) => sum + weight(character.codePointAt(0) ?? 0),
    linkCount * linkWeight + emojiCount * 2,
  );
}

const lightRanges: readonly [number, number][] = [
  [0, 4351],
  [8192, 8205],
  [8208, 8223],
  [8242, 8247],
];

function weight(codePoint: number): number {
  return lightRanges.some(([from, to]) => codePoint >= from && codePoint <= to) ? 1 : 2;
}

/** The text cut to what fits, at a word's end where one is near, else at a character's. */
export function cutTo(text: string, max: number, measure: (text: string) => number): string {
  if (measure(text) <= max) return text;

  // Far more than can fit: a text of megabytes need not be split whole.
  const parts = splitGraphemes(text.slice(0, max * 12));
  const start = (count: number) => parts.slice(0, count).join('');
  let fits = 0;
  let tooMany = parts.length + 1;
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (measure(start(middle)) <= max) fits = middle;
    else tooMany = middle;
  }
  const kept = start(fits);
  const space = kept.search(/\s\S*$/u);
  const atWord = space > kept.length * 0.6 ? kept.slice(0, space) : kept;

  return atWord.replace(/[\s\p{Pd},;:(]+$/u, '');
}
