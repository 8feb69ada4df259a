// Drafts the audit's issues, quick wins and new titles and descriptions from what the audits measured.
import { cleanText } from '../drafted.ts';
import { homePage, type PageFinding } from '../findings.ts';
import { graphemes } from '../lengths.ts';
import type { Material } from '../material.ts';
import { createPen } from '../pen.ts';
import { sameAddress } from '../sources.ts';
import { bare, capital, oneLine, titleCase, trimTo } from '../wording.ts';
import { mainPage } from './keywords.ts';
import { metaLength, titleLength } from './limits.ts';
import type { ApexData, Issue, PageFix } from './schema.ts';

export function draftAudit({ pages }: Material): ApexData['audit'] {
  const found = pages.flatMap((page) =>
    page.issues.flatMap((issue) => (issue === null ? [] : [{ ...issue, url: page.url }])),
  );
  const issues = found.slice(0, 150).map((issue, index): Issue => ({
    id: `T${index + 1}`,
    ...issue,
    rule: oneLine(issue.rule) || 'unnamed',
    fix: oneLine(issue.fix) || `Bring it to ${issue.limit}.`,
  }));

  return { pages_crawled: pages.length, score: scoreOf(pages), issues };
}

/** Points off a page's 100 for each issue. */
const penalties = { error: 10, warn: 4, info: 1 } as const;

function scoreOf(pages: PageFinding[]): number | null {
  if (pages.length === 0) return null;

  const scores = pages.map((page) =>
    page.issues.reduce(
      (left, issue) => left - (issue === null ? 0 : penalties[issue.severity]),
      100,
    ),
  );
  return Math.round(scores.reduce((sum, score) => sum + Math.max(0, score), 0) / pages.length);
}

export function draftQuickWins(material: Material, issues: Issue[]): ApexData['quick_wins'] {
  const ranked = [
    ...issues.filter(({ severity }) => severity === 'error'),
    ...issues.filter(({ severity }) => severity === 'warn'),
  ];
  const wins = ranked.slice(0, 8).map(({ fix, url, severity }) => ({
    action: trimTo(fix, 200),
    url,
    effort: 1,
    impact: severity === 'error' ? 4 : 2,
    due_days: severity === 'error' ? 7 : 14,
  }));

  return [
    ...wins,
    {
      action:
        'Verify the site in Google Search Console and send the queries of the last 16 months as CSV.',
      url: null,
      effort: 1,
      impact: 4,
      due_days: 7,
    },
    {
      action: `Give the page on ${material.topic} one title, one first heading and one call to action.`,
      url: mainPage(material),
      effort: 2,
      impact: 4,
      due_days: 14,
    },
  ];
}

/** New texts for the pages that were read, else for those the brief names; a page whose texts will not fit is left out. */
export function draftPageFixes(material: Material): PageFix[] {
  const fixes: PageFix[] = [];

  for (const { url, subject, schemaType } of targets(material)) {
    const title = titleFor(material, subject, fixes);
    const meta = metaFor(material, subject, fixes);
    if (title === null || meta === null) continue;
    fixes.push({
      url,
      title_tag: title,
      meta_description: meta,
      h1: trimTo(capital(subject), 70),
      schema_type: schemaType,
      internal_links: [],
    });
  }
  return linked(fixes);
}

type Target = { url: string; subject: string; schemaType: string | null };

function targets(material: Material): Target[] {
  const { brief, pages, topic } = material;
  const home = homePage(brief.client?.domain);
  const named = [home, mainPage(material)].filter((url) => url !== null);
  const urls = pages.length > 0 ? pages.map(({ url }) => url) : named;
  const fresh = urls.filter(
    (url, index) => urls.findIndex((other) => sameAddress(other) === sameAddress(url)) === index,
  );
  // Without any address there is still the page that has to be made.
  const isPlaced = brief.client?.domain !== undefined || brief.offer?.url !== undefined;
  const places = fresh.length > 0 || isPlaced ? fresh : ['/'];

  return places.slice(0, 10).map((url, index) => {
    const heading = pages.find((page) => page.url === url)?.h1[0] ?? '';
    const isHome = home !== null && sameAddress(url) === sameAddress(home);
    return {
      url,
      subject: index === 0 || oneLine(heading) === '' ? trimTo(topic, 50) : trimTo(heading, 50),
      schemaType: isHome ? 'Organization' : brief.offer?.price === undefined ? null : 'Product',
    };
  });
}

function titleFor(
  { facts, banned, brief, client, phrases }: Material,
  subject: string,
  fixes: PageFix[],
): string | null {
  const others = [
    client,
    ...phrases.map(titleCase),
    brief.client?.industry ?? '',
    'What to Expect',
    'Prices and Details',
  ];
  const parts = [titleCase(subject), ...rotated(others, 0), ...rotated(others, fixes.length)];

  return fitted(parts, {
    ...titleLength,
    joint: ' | ',
    banned,
    isClean: createPen(facts).isClean,
    taken: fixes.map((fix) => fix.title_tag),
  });
}

function metaFor(
  { facts, banned, quotes, client, topic }: Material,
  subject: string,
  fixes: PageFix[],
): string | null {
  const said = rotated(
    quotes.map(({ text }) => text),
    fixes.length,
  );
  const closing = [
    'See what to expect, what it costs and how to begin',
    `All about ${topic}`,
    `By ${client}`,
  ];
  const parts = [...said, `${capital(subject)} at a glance`, ...closing].map((text) =>
    bare(trimTo(text, 110)),
  );

  return fitted(parts, {
    ...metaLength,
    joint: '. ',
    banned,
    isClean: createPen(facts).isClean,
    taken: fixes.map((fix) => fix.meta_description),
  });
}

type Room = {
  min: number;
  max: number;
  joint: string;
  banned: RegExp | null;
  taken: string[];
  /** False where what was put together now looks like a contact that nobody gave. */
  isClean(text: string): boolean;
};

// Adds parts until the text is long enough; parts that would make it too long are passed over.
function fitted(parts: string[], { min, max, joint, banned, taken, isClean }: Room): string | null {
  for (let start = 0; start < parts.length; start += 1) {
    let text = '';
    for (const part of rotated(parts, start)) {
      const clean = cleanText(oneLine(part), { banned, stray: [] });
      const next = text === '' ? clean : `${text}${joint}${clean}`;
      const isNew = clean !== '' && !text.toLowerCase().includes(clean.toLowerCase());
      if (isNew && graphemes(next) <= max) text = next;
      if (graphemes(text) >= min) break;
    }
    const whole = cleanText(text, { banned, stray: [] });
    const length = graphemes(whole);
    const isTaken = taken.some((other) => other.toLowerCase() === whole.toLowerCase());
    if (length >= min && length <= max && !isTaken && isClean(whole)) return whole;
  }
  return null;
}

function rotated<Item>(items: Item[], by: number): Item[] {
  const start = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

// Every page links to the others by what they are about.
function linked(fixes: PageFix[]): PageFix[] {
  return fixes.map((fix) => ({
    ...fix,
    internal_links: fixes
      .filter((other) => other !== fix)
      .slice(0, 3)
      .map((other) => ({ from: other.url, anchor: trimTo(fix.h1, 60) })),
  }));
}
