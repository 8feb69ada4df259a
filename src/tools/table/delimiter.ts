// Guesses what separates the fields of a table: the character that splits its first lines most evenly.

const candidates = [',', ';', '\t', '|'] as const;
const maxLines = 50;
const maxSample = 64_000;

export type Delimiter = (typeof candidates)[number];

/** The comma when nothing speaks for another. */
export function guessDelimiter(text: string): Delimiter {
  const lines = text
    .slice(0, maxSample)
    .split('\n', maxLines)
    .filter((line) => line.trim() !== '');
  let best: { delimiter: Delimiter; score: number } = { delimiter: ',', score: 0 };

  for (const delimiter of candidates) {
    const score = scoreOf(lines, delimiter);
    if (score > best.score) best = { delimiter, score };
  }

  return best.delimiter;
}

/** How many fields the header has, weighed by how many lines have as many. */
function scoreOf(lines: string[], delimiter: Delimiter): number {
  const counts = lines.map((line) => countOutsideQuotes(line, delimiter));
  const header = counts[0] ?? 0;
  const same = counts.filter((count) => count === header).length;

  return header === 0 ? 0 : (same / counts.length) ** 2 * (1 + Math.log(header));
}

function countOutsideQuotes(line: string, delimiter: Delimiter): number {
  let count = 0;
  let isQuoted = false;
  for (const character of line) {
    if (character === '"') isQuoted = !isQuoted;
    else if (character === delimiter && !isQuoted) count += 1;
  }

  return count;
}
