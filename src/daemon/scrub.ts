// Takes secrets out of texts that come from outside and go into rows and logs.
import { hidePatterns } from '../core/redact.ts';

const maxLength = 500;

/** The text without what looks like a secret, cut to 500 characters. */
export function scrub(text: string): string {
  const clean = hidePatterns(text);

  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1)}…` : clean;
}
