// Finds e-mail addresses and phone numbers in text, and tells which of them no source holds.
import type { FoundText } from './prose.ts';

const emailPattern = /[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63})+/giu;

// International, national with a leading 0, and North American; years, sums and dates stay out.
const phonePattern =
  /(?<![\p{L}\p{N}.,])(?:\+\d[\d ().-]{6,20}\d|\(?0\d[\d ()./-]{6,20}\d|(?:\(\d{3}\)\s?|\d{3}[-.])\d{3}[-.]\d{4})(?![\p{L}\p{N}])/gu;
const startsAsDate = /^\(?\d{1,2}[-./ ]\d{1,2}[-./ ]\d{2,4}/;

/** E-mail addresses and phone numbers in a text, as written. */
export function contactsIn(text: string): string[] {
  const phones = (text.match(phonePattern) ?? []).filter(
    (hit) => digitsOf(hit).length >= 9 && digitsOf(hit).length <= 15 && !startsAsDate.test(hit),
  );

  return [...(text.match(emailPattern) ?? []), ...phones];
}

/** The contacts of `texts` that stand in none of the sources, however they are spaced there. */
export function unknownContacts(
  texts: FoundText[],
  sources: unknown[],
): { path: string; contact: string }[] {
  const found = texts
    .filter(({ text }) => !/^https?:\/\/\S+$/i.test(text))
    .flatMap(({ path, text }) => contactsIn(text).map((contact) => ({ path, contact })));
  if (found.length === 0) return [];

  // Built only when needed: attachments make the sources megabytes long.
  const known = JSON.stringify(sources).normalize('NFC').toLowerCase();
  const knownDigits = known.replace(/[ ()./-]/g, '');

  return found.filter(({ contact }) =>
    contact.includes('@')
      ? !known.includes(contact.toLowerCase())
      : !knownDigits.includes(digitsOf(contact)),
  );
}

function digitsOf(text: string): string {
  return text.replace(/\D/g, '');
}
