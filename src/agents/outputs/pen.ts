// Writes draft texts that fit: without banned words and placeholders, and within a length.
import { unknownContacts } from './contacts.ts';
import { cleanText } from './drafted.ts';
import type { OutputFacts } from './kind.ts';
import { cutTo, graphemes } from './lengths.ts';
import { bannedPattern } from './prose.ts';
import { oneLine } from './wording.ts';

export type Room = {
  max: number;
  /** Texts shorter than this are filled up. Default 1. */
  min?: number;
  /** Default: graphemes. */
  measure?: (text: string) => number;
};

export type Pen = {
  /** Matches the client's banned words; null when there are none. */
  banned: RegExp | null;
  /** The text without what the checks forbid, and as long as it may be. Never empty. */
  write(text: string, room: Room): string;
  /** The same for text of several paragraphs. */
  writeLines(text: string, room: Room): string;
  /** True when nothing has to be taken out. */
  isClean(text: string): boolean;
  /**
   * The first `wanted` candidates that are clean and accepted; `accepts` is told those chosen before.
   * Spare words stand in where a client's bans leave too few.
   */
  pick(
    wanted: number,
    candidates: string[],
    accepts: (text: string, chosen: string[]) => boolean,
  ): string[];
};

export function createPen(facts: OutputFacts): Pen {
  const banned = bannedPattern(facts.brief.client?.brand?.banned_words ?? []);
  const clean = (text: string) => cleanText(text, { banned, stray: strayIn(text, facts) });
  const isClean = (text: string) => clean(text) === text.normalize('NFC');

  const fit = (text: string, { max, min = 1, measure = graphemes }: Room) => {
    // Cutting can lay a banned word bare (`cat` of `catalogue`), so the cut text is cleaned too.
    const cut = clean(cutTo(text, max, measure)).trim();
    return filledUp(cut, min, (next) => isClean(next) && measure(next) <= max);
  };

  return {
    banned,
    isClean,
    write: (text, room) => fit(clean(oneLine(text)), room),
    writeLines: (text, room) => fit(text.split('\n').map(clean).join('\n').trim(), room),
    pick(wanted, candidates, accepts) {
      const chosen: string[] = [];
      for (const candidate of [...candidates, ...spareWords]) {
        if (chosen.length >= wanted) break;
        const usable = hasWords(candidate) && isClean(candidate) && accepts(candidate, chosen);
        if (usable) chosen.push(candidate);
      }
      return chosen;
    },
  };
}

function strayIn(text: string, { brief, findings }: OutputFacts): string[] {
  // No address without an @, no telephone number under nine digits: most texts need no closer look.
  if (!text.includes('@') && !/(?:\d\D*){9}/.test(text)) return [];

  return unknownContacts([{ path: '', key: '', text }], [brief, findings]).map(
    ({ contact }) => contact,
  );
}

function filledUp(text: string, min: number, accepts: (text: string) => boolean): string {
  let filled = hasWords(text) ? text : '';
  for (const word of spareWords) {
    if (hasWords(filled) && graphemes(filled) >= min) break;
    const next = filled === '' ? word : `${filled} ${word}`;
    if (accepts(next)) filled = next;
  }
  return filled;
}

function hasWords(text: string): boolean {
  return /[\p{L}\p{N}\p{Emoji_Presentation}]/u.test(text);
}

// Unlike one another, and rarely banned; the numbers at the end are for clients who ban even these.
const spareWords = [
  ...`Overview Highlights Background Questions Essentials Notebook Journal Workshop Pathway Compass
      Anchor Bridge Canvas Delta Ember Fabric Garden Harbour Island Juniper Kettle Lantern Meadow Nimbus
      Orchard Pebble Quartz River Summit Timber Umbra Velvet Willow Xenon Yonder Zephyr`.split(
    /\s+/,
  ),
  ...Array.from({ length: 900 }, (_, index) => String((index * 7919 + 10_007) % 89_989)),
];
