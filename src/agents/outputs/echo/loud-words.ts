// Finds and calms words in capitals, which Google Ads refuses.

const loud = /(?<!\p{L})\p{Lu}{5,}(?!\p{L})/gu;

/** Finds words of more than four letters all in capitals; a name that is written so is left alone. */
export function loudWords(name: string): (text: string) => string[] {
  const allowed = new Set(name.match(loud));

  return (text) => (text.match(loud) ?? []).filter((word) => !allowed.has(word));
}

/** The text with such words in lower case but for their first letter. */
export function calm(text: string): string {
  return text.replace(loud, (word) => {
    const [first = ''] = word;
    return first + word.slice(first.length).toLowerCase();
  });
}
