// Tells how alike two texts are, so that variants differ and captions are not copied.

export type Pair = { left: number; right: number; similarity: number };

/** Jaccard index of the two sets of letter trigrams, 0 to 1, ignoring case, spacing and punctuation. */
export function similarity(left: string, right: string): number {
  return jaccard(trigrams(left), trigrams(right));
}

/** Every pair at least `limit` alike, by index. */
export function alikePairs(texts: string[], limit: number): Pair[] {
  const sets = texts.map(trigrams);

  return sets.flatMap((left, index) =>
    sets.slice(index + 1).flatMap((right, offset) => {
      const found = jaccard(left, right);
      return found >= limit
        ? [{ left: index, right: index + 1 + offset, similarity: round(found) }]
        : [];
    }),
  );
}

function trigrams(text: string): Set<string> {
  const plain = text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{S}]+/gu, ' ')
    .trim();
  const characters = [...`  ${plain} `];

  return new Set(
    characters.slice(2).map((last, index) => `${characters[index]}${characters[index + 1]}${last}`),
  );
}

function jaccard(left: Set<string>, right: Set<string>): number {
  const shared = left.intersection(right).size;
  const all = left.size + right.size - shared;

  return all === 0 ? 1 : shared / all;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
