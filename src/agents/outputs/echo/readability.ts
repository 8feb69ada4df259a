// Estimates how many years of school an English text asks of its reader.

/** Flesch-Kincaid grade level of English text; 0 for a text without words. */
export function readingGrade(text: string): number {
  const words = text.match(/[a-z][a-z']*/gi) ?? [];
  if (words.length === 0) return 0;

  const sentences = Math.max(1, text.match(/[.!?]+(?=\s|$)/g)?.length ?? 0);
  const syllables = words.reduce((sum, word) => sum + countSyllables(word), 0);
  const grade = 0.39 * (words.length / sentences) + 11.8 * (syllables / words.length) - 15.59;

  return Math.max(0, Math.round(grade * 10) / 10);
}

function countSyllables(word: string): number {
  // A final silent `e` is no syllable, as in `price`; in `table` it is.
  const spoken = word.toLowerCase().replace(/(?<![aeiouyl])e$/, '');

  return Math.max(1, spoken.match(/[aeiouy]+/g)?.length ?? 0);
}
