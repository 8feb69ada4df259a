// Reads what the tools found: pages and tables, tolerating whatever a tool left out.
import { z } from 'zod';

import type { Brief } from '../../core/brief.ts';
import type { OutputFacts, ToolFinding, WantedCall } from './kind.ts';
import { hasSucceeded, sameAddress } from './sources.ts';

const text = z.string().catch('');
const texts = z.array(z.string()).catch([]);
const amount = z.number().nullable().catch(null);

const Issue = z.object({
  rule: z.string(),
  severity: z.enum(['error', 'warn', 'info']).catch('info'),
  measured: z.union([z.string(), z.number()]).catch(''),
  limit: z.union([z.string(), z.number()]).catch(''),
  fix: text,
});

/** A page as `audit_page` or `fetch_page` saw it; what the tool did not measure is empty. */
export const PageFinding = z.object({
  url: z.string(),
  final_url: text,
  status: amount,
  title: text,
  description: text,
  h1: texts,
  headings: z.array(z.object({ level: z.number().catch(2), text: z.string() })).catch([]),
  lang: text,
  word_count: amount,
  structured_data: texts,
  open_graph: z.record(z.string(), z.string()).catch({}),
  text_excerpt: text,
  text,
  issues: z.array(Issue.nullable().catch(null)).catch([]),
  retrieved_at: text,
});
export type PageFinding = z.infer<typeof PageFinding> & { callId: string; audited: boolean };

const Column = z.object({
  name: z.string(),
  type: z.enum(['number', 'date', 'text', 'boolean', 'empty']).catch('text'),
  filled: z.number().catch(0),
  empty: z.number().catch(0),
  /** Cells that are filled, but not with what the rest of the column holds. */
  odd: z.number().catch(0),
  distinct: z.number().catch(0),
  min: z.union([z.number(), z.string()]).nullable().catch(null),
  max: z.union([z.number(), z.string()]).nullable().catch(null),
  sum: amount,
  mean: amount,
  examples: z.array(z.union([z.string(), z.number(), z.boolean()])).catch([]),
});
export type Column = z.infer<typeof Column>;

/** A table as `read_table` profiled it. */
export const TableFinding = z.object({
  file: z.string(),
  rows: z.number().catch(0),
  /** How many rows are broken; the list holds the first of them only. */
  broken_count: z.number().optional().catch(undefined),
  broken_rows: z.array(z.unknown()).catch([]),
  columns: z.array(Column.nullable().catch(null)).catch([]),
  sample: z.array(z.record(z.string(), z.unknown())).catch([]),
  date_from: z.string().nullable().catch(null),
  date_to: z.string().nullable().catch(null),
  gaps: z
    .array(z.object({ column: text, from: text, to: text, missing_days: z.number().catch(0) }))
    .catch([]),
});
export type TableFinding = Omit<z.infer<typeof TableFinding>, 'columns'> & {
  callId: string;
  columns: Column[];
};

/** The pages that answered, each address once, the audit before a plain fetch. */
export function pagesIn(findings: ToolFinding[]): PageFinding[] {
  const pages = findings.filter(hasSucceeded).flatMap((finding) => {
    const { success, data: page } = PageFinding.safeParse(finding.value);
    const isPage = finding.tool === 'audit_page' || finding.tool === 'fetch_page';
    return success && isPage
      ? [{ ...page, callId: finding.callId, audited: finding.tool === 'audit_page' }]
      : [];
  });
  const ordered = pages.toSorted((left, right) => Number(right.audited) - Number(left.audited));
  const byAddress = Map.groupBy(ordered, ({ url }) => sameAddress(url));

  // An audit carries an excerpt only; a plain fetch of the same page has its whole text.
  return [...byAddress.values()].flatMap((same) => {
    const whole = same.find((page) => page.text !== '')?.text ?? '';
    return same.slice(0, 1).map((page) => ({ ...page, text: whole }));
  });
}

/** The tables that were read, each file once. */
export function tablesIn(findings: ToolFinding[]): TableFinding[] {
  const tables = findings.filter(hasSucceeded).flatMap((finding) => {
    const { success, data: table } = TableFinding.safeParse(finding.value);
    if (!success || finding.tool !== 'read_table') return [];
    const columns = table.columns.filter((column) => column !== null);
    return [{ ...table, columns, callId: finding.callId }];
  });

  return tables.filter(
    ({ file }, index) => tables.findIndex((other) => other.file === file) === index,
  );
}

/** A host without `www.`, in lower case; also takes a whole address. */
export function hostOf(domainOrUrl: string): string {
  const address = /^https?:\/\//i.test(domainOrUrl) ? domainOrUrl : `https://${domainOrUrl}`;
  const host = URL.parse(address)?.host ?? domainOrUrl;
  return host.toLowerCase().replace(/^www\./, '');
}

/** True when the address is on the domain or one of its subdomains. */
export function isOnDomain(url: string, domain: string): boolean {
  const host = hostOf(url);
  const wanted = hostOf(domain);
  return host === wanted || host.endsWith(`.${wanted}`);
}

/** The home page of a domain; null where the domain makes no address. */
export function homePage(domain: string | undefined): string | null {
  if (domain === undefined) return null;
  return URL.parse(`https://${domain}/`)?.href ?? null;
}

/** Pages of the client among the findings. */
export function clientPages({ brief, findings }: OutputFacts): PageFinding[] {
  const domain = brief.client?.domain;
  return domain === undefined
    ? []
    : pagesIn(findings).filter((page) => isOnDomain(page.url, domain));
}

/** Audits of the client's home page and, on the same domain, of the page of the offer. */
export function clientAudits(brief: Brief): WantedCall[] {
  const domain = brief.client?.domain;
  const home = homePage(domain);
  const offer = brief.offer?.url;
  const offerPage =
    offer !== undefined &&
    /^https?:/i.test(offer) &&
    domain !== undefined &&
    isOnDomain(offer, domain)
      ? offer
      : null;

  return [home, offerPage]
    .filter((url) => url !== null)
    .filter(
      (url, index, all) =>
        all.findIndex((other) => sameAddress(other) === sameAddress(url)) === index,
    )
    .map((url) => ({ tool: 'audit_page', input: { url } }));
}

/** The visible text of a page as far as the tools brought it. */
export function textOf(page: PageFinding): string {
  return page.text === '' ? page.text_excerpt : page.text;
}
