// Makes text fit for PostgreSQL: JSON may carry NUL and lone surrogates, a text column may not.

/** A copy without NUL characters and lone surrogates, in values and keys at any depth. */
export function clean(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (value === null || typeof value !== 'object') return value;

  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [cleanText(key), clean(entry)]),
  );
}

function cleanText(text: string): string {
  const without = text.includes('\0') ? text.replaceAll('\0', '') : text;

  return without.isWellFormed() ? without : without.toWellFormed();
}
