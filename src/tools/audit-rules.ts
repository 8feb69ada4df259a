// The rules of a page audit, as one table: what is measured, against what, and how to mend it.
import type { PageFacts } from './page/facts.ts';
import { siteOf } from './page/links.ts';

export type Severity = 'error' | 'warn' | 'info';

export type Issue = {
  rule: string;
  severity: Severity;
  measured: string | number;
  limit: string | number;
  fix: string;
};

type Rule = Omit<Issue, 'measured'> & {
  /** What was measured when the rule is broken, else null. */
  broken(page: PageFacts): string | number | null;
};

const rules: Rule[] = [
  {
    rule: 'status_not_ok',
    severity: 'error',
    limit: 200,
    fix: 'Make the address answer 200, or link to one that does.',
    broken: (page) => (page.status === 200 ? null : page.status),
  },
  {
    rule: 'http_not_https',
    severity: 'error',
    limit: 'https',
    fix: 'Serve the page over https and redirect the http address to it.',
    broken: (page) => (page.finalUrl.startsWith('http:') ? 'http' : null),
  },
  {
    rule: 'noindex',
    severity: 'error',
    limit: 'indexable',
    fix: 'Remove noindex from the robots meta tag and the X-Robots-Tag header if the page should be found.',
    broken: (page) => (/\b(noindex|none)\b/.test(page.robots) ? 'noindex' : null),
  },
  {
    rule: 'title_missing',
    severity: 'error',
    limit: '30-60 characters',
    fix: 'Write a title that names the offer and the brand.',
    broken: (page) => (page.title === null ? 'missing' : null),
  },
  {
    rule: 'title_length',
    severity: 'warn',
    limit: '30-60 characters',
    fix: 'Rewrite the title in 30 to 60 characters, the key phrase first.',
    broken: (page) => outside(page.title, 30, 60),
  },
  {
    rule: 'description_missing',
    severity: 'warn',
    limit: '70-160 characters',
    fix: 'Write a meta description that says what the visitor gets.',
    broken: (page) => (page.description === null ? 'missing' : null),
  },
  {
    rule: 'description_length',
    severity: 'warn',
    limit: '70-160 characters',
    fix: 'Rewrite the meta description in 70 to 160 characters.',
    broken: (page) => outside(page.description, 70, 160),
  },
  {
    rule: 'h1_missing',
    severity: 'error',
    limit: 1,
    fix: 'Give the page one H1 that says what it is about.',
    broken: (page) => (page.h1.some((text) => text !== '') ? null : 0),
  },
  {
    rule: 'h1_duplicate',
    severity: 'warn',
    limit: 1,
    fix: 'Keep one H1 and make the others H2.',
    broken: (page) => (page.h1.length > 1 ? page.h1.length : null),
  },
  {
    rule: 'heading_order',
    severity: 'warn',
    limit: 'no level skipped',
    fix: 'Step down one heading level at a time.',
    broken: skippedLevel,
  },
  {
    rule: 'canonical_missing',
    severity: 'warn',
    limit: 'one canonical link',
    fix: 'Add <link rel="canonical"> with the address of this page.',
    broken: (page) => (page.canonical === null ? 'missing' : null),
  },
  {
    rule: 'canonical_foreign',
    severity: 'error',
    limit: 'own site',
    fix: 'Point the canonical link at this site, unless the page is a deliberate copy.',
    broken: foreignCanonical,
  },
  {
    rule: 'images_without_alt',
    severity: 'warn',
    limit: 0,
    fix: 'Describe each image in its alt attribute; leave alt empty where it only decorates.',
    broken: (page) => positive(page.imagesWithoutAlt),
  },
  {
    rule: 'lang_missing',
    severity: 'warn',
    limit: 'lang attribute',
    fix: 'Name the language of the page in <html lang>.',
    broken: (page) => (page.lang === null ? 'missing' : null),
  },
  {
    rule: 'viewport_missing',
    severity: 'error',
    limit: 'width=device-width',
    fix: 'Add <meta name="viewport" content="width=device-width, initial-scale=1">.',
    broken: (page) => (page.viewport === null ? 'missing' : null),
  },
  {
    rule: 'mixed_content',
    severity: 'error',
    limit: 0,
    fix: 'Load every part of the page over https.',
    broken: (page) => positive(page.mixedContent.length),
  },
  {
    rule: 'structured_data_missing',
    severity: 'info',
    limit: 'at least one type',
    fix: 'Describe the page in JSON-LD, such as Organization, Product or Article.',
    broken: (page) =>
      page.structuredData.types.length + page.structuredData.invalid === 0 ? 'missing' : null,
  },
  {
    rule: 'structured_data_invalid',
    severity: 'error',
    limit: 0,
    fix: 'Mend the JSON-LD blocks that do not parse as JSON.',
    broken: (page) => positive(page.structuredData.invalid),
  },
  {
    rule: 'thin_content',
    severity: 'warn',
    limit: 300,
    fix: 'Answer the visitor’s questions in at least 300 words.',
    broken: (page) => (page.wordCount < 300 ? page.wordCount : null),
  },
  {
    rule: 'open_graph_missing',
    severity: 'warn',
    limit: 'og:title, og:description, og:image',
    fix: 'Add the missing Open Graph tags, so that shared links show a preview.',
    broken: missingOpenGraph,
  },
  {
    rule: 'links_broken_format',
    severity: 'warn',
    limit: 0,
    fix: 'Correct the addresses of these links.',
    broken: (page) => positive(page.links.broken_format.length),
  },
  {
    rule: 'redirect_chain',
    severity: 'warn',
    limit: 1,
    fix: 'Redirect straight to the final address, and link to that.',
    broken: (page) => (page.redirects > 1 ? page.redirects : null),
  },
  {
    rule: 'page_too_large',
    severity: 'warn',
    limit: '2 MB of HTML',
    fix: 'Make the page smaller; what lay beyond was not audited.',
    broken: (page) => (page.truncated ? 'larger' : null),
  },
];

const order: Severity[] = ['error', 'warn', 'info'];

/** Every rule that the page breaks, gravest first. */
export function findIssues(page: PageFacts): Issue[] {
  const issues = rules.flatMap(({ broken, ...rule }) => {
    const measured = broken(page);
    return measured === null ? [] : [{ ...rule, measured }];
  });

  return issues.toSorted(
    (left, right) => order.indexOf(left.severity) - order.indexOf(right.severity),
  );
}

function positive(count: number): number | null {
  return count > 0 ? count : null;
}

function outside(text: string | null, min: number, max: number): string | null {
  if (text === null) return null;
  const length = [...text].length;

  return length < min || length > max ? `${length} characters` : null;
}

function skippedLevel(page: PageFacts): string | null {
  let above = page.headings[0]?.level ?? 0;
  for (const { level, text } of page.headings) {
    if (level > above + 1) return `h${above} to h${level} at "${text.slice(0, 80).toWellFormed()}"`;
    above = level;
  }

  return null;
}

function foreignCanonical(page: PageFacts): string | null {
  if (page.canonical === null) return null;
  const canonical = URL.parse(page.canonical);

  return canonical !== null && siteOf(canonical) === siteOf(new URL(page.finalUrl))
    ? null
    : page.canonical;
}

function missingOpenGraph(page: PageFacts): string | null {
  const missing = ['og:title', 'og:description', 'og:image'].filter(
    (name) => page.openGraph[name] === undefined,
  );

  return missing.length === 0 ? null : `missing: ${missing.join(', ')}`;
}
