// Takes secrets out of texts that come from outside and go into rows and logs.
const patterns: readonly [RegExp, string][] = [
  [/\/\/[^\s/@]+@/g, '//…@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]+/gi, '$1 …'],
  [/\bbot\d+:[\w-]+/g, 'bot…'],
  [/\b(sk|sb_secret|ghp|xox[abp]|AIza)[-_]?[\w-]{8,}/g, '$1…'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '…'],
  [
    /((?:api[-_]?key|token|secret|password|signature|sig|key)["']?\s*[=:]\s*["']?)[^\s"'&,;}]+/gi,
    '$1…',
  ],
];

const maxLength = 500;

/** The text without what looks like a secret, cut to 500 characters. */
export function scrub(text: string): string {
  const clean = patterns.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), text);

  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1)}…` : clean;
}
