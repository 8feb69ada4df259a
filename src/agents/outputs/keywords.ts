// Which of Apex's keywords a text has to hold, and which texts do.
import type { OutputFacts } from './kind.ts';
import { columns } from './lengths.ts';
import { createPen } from './pen.ts';
import { platformSpecs } from './platform-specs.ts';
import { readUpstream } from './upstream.ts';

/** Apex's priority-1 keywords that fit a headline and hold no banned word. */
export function keywordsThatFit(facts: OutputFacts): string[] {
  const pen = createPen(facts);
  const { max } = platformSpecs().google_ads.headline;

  return readUpstream(facts)
    .apex.keywords.filter(({ priority }) => priority === 1)
    .map(({ term }) => flat(term))
    .filter((term) => term !== '' && columns(term) <= max && pen.isClean(term));
}

/** Those of `texts` that hold one of the terms. */
export function holding(texts: string[], terms: string[]): string[] {
  return texts.filter((text) => terms.some((term) => flat(text).includes(term)));
}

function flat(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim();
}
