// Makes text from outside fit to hand to a model: no control characters, folded, cut to a length.

// Control characters but tab and line break, marks that turn or hide text, and the tag characters that smuggle it.
const unwanted =
  // oxlint-disable-next-line eslint/no-control-regex -- stripping them is the point
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Text without control and hiding characters, with well-formed Unicode and `\n` line ends. */
export function cleanText(text: string): string {
  return text.toWellFormed().replace(/\r\n?/g, '\n').replace(unwanted, '');
}

/** Cleaned text with runs of blanks made one, and runs of line breaks made one. */
export function foldText(text: string): string {
  return cleanText(text)
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n[ \n]*/g, '\n')
    .trim();
}

/** Cleaned text on one line, cut to `maxLength`. */
export function oneLine(text: string, maxLength: number): string {
  // Cut first: what is thrown away anyway need not be cleaned.
  return cutText(
    cleanText(text.slice(0, maxLength * 8))
      .replace(/\s+/g, ' ')
      .trim(),
    maxLength,
  );
}

/** At most `maxLength` UTF-16 units, never half a character. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;

  const cut = text.slice(0, maxLength);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
