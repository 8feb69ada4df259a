// Measures one parsed page: everything that the audit reports or has a rule for.
import { cutText, foldText, oneLine } from '../text.ts';
import { type PageDocument, type PageElement, parsePage, visibleText } from './dom.ts';
import { type Links, readLinks } from './links.ts';
import { readStructuredData, type StructuredData } from './structured-data.ts';

/** What the fetch knew of the page, and its HTML. */
export type FetchedHtml = {
  html: string;
  finalUrl: string;
  status: number;
  /** How many redirects led here. */
  redirects: number;
  /** The header `X-Robots-Tag`. */
  robotsHeader: string;
  truncated: boolean;
};

export type Heading = { level: number; text: string };

export type PageFacts = Omit<FetchedHtml, 'html' | 'robotsHeader'> & {
  title: string | null;
  description: string | null;
  /** Absolute where it can be resolved. */
  canonical: string | null;
  h1: string[];
  headings: Heading[];
  images: { count: number; without_alt: string[] };
  /** How many there are, also beyond the list's cap. */
  imagesWithoutAlt: number;
  links: Links;
  structuredData: StructuredData;
  openGraph: Record<string, string>;
  wordCount: number;
  lang: string | null;
  viewport: string | null;
  /** The directives of robots meta tags and header together. */
  robots: string;
  /** Parts that a secure page loads over plain http. */
  mixedContent: string[];
  text: string;
};

type Metas = Map<string, string>;

const maxText = 2_000;
const maxListed = 50;
const maxHeadings = 100;
const spacelessScripts = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/gu;

export function measurePage(page: FetchedHtml): PageFacts {
  const document = parsePage(page.html);
  const url = new URL(page.finalUrl);
  const base = URL.parse(attribute(document, 'base[href]', 'href') ?? '', url.href) ?? url;
  const metas = readMetas(document);
  const headings = readHeadings(document);
  const text = visibleText(document.documentElement);

  return {
    finalUrl: page.finalUrl,
    status: page.status,
    redirects: page.redirects,
    truncated: page.truncated,
    title: readTitle(document),
    description: metas.get('description') ?? null,
    canonical: readCanonical(document, base),
    h1: headings
      .filter(({ level }) => level === 1)
      .map((heading) => heading.text)
      .slice(0, 20),
    headings: headings.slice(0, maxHeadings),
    ...readImages(document, base),
    links: readLinks(document, base),
    structuredData: readStructuredData(document),
    openGraph: readOpenGraph(metas),
    wordCount: countWords(text),
    lang: emptyToNull(attribute(document, 'html', 'lang')),
    viewport: metas.get('viewport') ?? null,
    robots: [metas.get('robots'), metas.get('googlebot'), page.robotsHeader]
      .join(',')
      .toLowerCase(),
    mixedContent: url.protocol === 'https:' ? readMixedContent(document) : [],
    text: cutText(text, maxText),
  };
}

/** The first title that is not the title of a drawing. */
export function readTitle(document: PageDocument): string | null {
  for (const title of document.querySelectorAll('title')) {
    if (title.closest('svg') === null) return emptyToNull(oneLine(title.textContent ?? '', 500));
  }

  return null;
}

function attribute(document: PageDocument, selector: string, name: string): string | null {
  return document.querySelector(selector)?.getAttribute(name) ?? null;
}

function emptyToNull(text: string | null): string | null {
  const line = oneLine(text ?? '', 500);
  return line === '' ? null : line;
}

/** Meta tags by lower-case name or property; the first of a name counts, as search engines have it. */
function readMetas(document: PageDocument): Metas {
  const metas: Metas = new Map();
  for (const meta of document.querySelectorAll('meta[content]')) {
    const name = (meta.getAttribute('name') ?? meta.getAttribute('property') ?? '').toLowerCase();
    const content = oneLine(meta.getAttribute('content') ?? '', 1_000);
    if (name !== '' && content !== '' && !metas.has(name)) metas.set(name, content);
  }

  return metas;
}

function readCanonical(document: PageDocument, base: URL): string | null {
  for (const link of document.querySelectorAll('link[rel][href]')) {
    if (!/(^|\s)canonical(\s|$)/i.test(link.getAttribute('rel') ?? '')) continue;
    const href = (link.getAttribute('href') ?? '').trim();

    return emptyToNull(href === '' ? null : (URL.parse(href, base.href)?.href ?? href));
  }

  return null;
}

function readHeadings(document: PageDocument): Heading[] {
  return [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map((heading) => ({
    level: Number(heading.nodeName.slice(1)),
    text: oneLine(foldText(headingText(heading)), 300),
  }));
}

/** A heading that is a logo says what its image says. */
function headingText(heading: PageElement): string {
  const text = visibleText(heading);
  if (text !== '') return text;

  for (let node = heading.firstChild; node !== null; node = node.nextSibling) {
    const alt = node.getAttribute?.('alt') ?? '';
    if (alt !== '') return alt;
  }

  return '';
}

function readImages(
  document: PageDocument,
  base: URL,
): Pick<PageFacts, 'images' | 'imagesWithoutAlt'> {
  const images = [...document.querySelectorAll('img')];
  // An empty alt is right for decoration: only a missing one is a fault.
  const withoutAlt = images
    .filter((image) => image.getAttribute('alt') === null)
    .map((image) => image.getAttribute('src') ?? image.getAttribute('data-src') ?? '(no src)')
    .map((source) =>
      source.startsWith('data:') ? 'data:' : (URL.parse(source, base.href)?.href ?? source),
    );

  return {
    images: {
      count: images.length,
      without_alt: withoutAlt.slice(0, maxListed).map((source) => oneLine(source, 300)),
    },
    imagesWithoutAlt: withoutAlt.length,
  };
}

function readOpenGraph(metas: Metas): Record<string, string> {
  const tags = [...metas].filter(([name]) => name.startsWith('og:'));

  return Object.fromEntries(
    tags.slice(0, maxListed).map(([name, value]) => [name, cutText(value, 500)]),
  );
}

function readMixedContent(document: PageDocument): string[] {
  const parts = document.querySelectorAll(
    'img[src], script[src], iframe[src], source[src], video[src], audio[src], link[rel~="stylesheet"][href]',
  );
  const sources = [...parts].map(
    (part) => part.getAttribute('src') ?? part.getAttribute('href') ?? '',
  );

  return sources
    .filter((source) => /^\s*http:/i.test(source))
    .slice(0, maxListed)
    .map((source) => oneLine(source, 300));
}

/** Words; in scripts that set no spaces between them, two characters count as one. */
function countWords(text: string): number {
  const characters = text.match(spacelessScripts)?.length ?? 0;
  const words =
    text.replace(spacelessScripts, ' ').match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}'’-]*/gu)?.length ?? 0;

  return words + Math.ceil(characters / 2);
}
