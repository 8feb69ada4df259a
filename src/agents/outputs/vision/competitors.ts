// Drafts the competitors by rules: only what their pages were measured to say.
import { hostOf, isOnDomain, type PageFinding, textOf } from '../findings.ts';
import { listed, type Material, pageEvidence, pagesOf } from '../material.ts';
import { oneLine, titleCase, trimTo } from '../wording.ts';
import type { Competitor } from './schema.ts';

/** The competitors of the brief, the client itself left out, each domain once. */
export function draftCompetitors(material: Material): Competitor[] {
  return competitorDomains(material.brief).map((domain, index) => {
    const [page] = pagesOf(material.facts, ({ url }) => isOnDomain(url, domain));
    return page === undefined
      ? unread(material, domain, `C${index + 1}`)
      : read(material, { page, domain, id: `C${index + 1}` });
  });
}

/** Competitor domains of a brief without the client's own and without repetition. */
export function competitorDomains({ client, competitors }: Material['brief']): string[] {
  const own = client?.domain === undefined ? null : hostOf(client.domain);
  const byHost = new Map(competitors.map((domain) => [hostOf(domain), domain]));

  return [...byHost].filter(([host]) => host !== own).map(([, domain]) => domain);
}

function unread({ facts }: Material, domain: string, id: string): Competitor {
  const tried = facts.findings.some(
    ({ input }) => typeof input['url'] === 'string' && isOnDomain(input['url'], domain),
  );
  return {
    id,
    name: nameOf(domain),
    domain,
    status: tried ? 'unreachable' : 'not_checked',
    positioning: tried
      ? 'Not known: the site did not answer when it was asked.'
      : 'Not known: the site was not read.',
    offers: [],
    prices: [],
    strengths: [],
    gaps: [],
    evidence_ids: [],
  };
}

type Read = { page: PageFinding; domain: string; id: string };

function read(material: Material, { page, domain, id }: Read): Competitor {
  const said = oneLine(page.description || page.title);
  const evidence = pageEvidence(
    material.ledger,
    page,
    `The page of ${domain} presents itself as: ${said || 'nothing, it has neither title nor description'}`,
  );

  return {
    id,
    name: trimTo(page.open_graph['og:site_name'] ?? '', 80) || nameOf(domain),
    domain,
    status: 'reached',
    positioning: trimTo(said, 200) || 'Its page has neither a title nor a description.',
    offers: offersOf(page),
    prices: [],
    strengths: strengthsOf(page),
    gaps: gapsOf(material, page),
    evidence_ids: [evidence],
  };
}

function offersOf({ headings }: PageFinding): string[] {
  const texts = headings
    .filter(({ level }) => level === 2 || level === 3)
    .map((heading) => trimTo(heading.text, 90))
    .filter((text) => text !== '');
  return [...new Set(texts)].slice(0, 6);
}

function strengthsOf(page: PageFinding): string[] {
  return [
    page.structured_data.length > 0
      ? `Marks its content up for search engines (${page.structured_data.slice(0, 5).join(', ')})`
      : null,
    page.description.length >= 70 ? 'Has a full description for search results' : null,
    page.word_count !== null && page.word_count >= 600
      ? `Explains itself at length: ${page.word_count} words on one page`
      : null,
  ].filter((text) => text !== null);
}

function gapsOf({ phrases }: Material, page: PageFinding): string[] {
  const text = `${page.title} ${page.description} ${textOf(page)}`.toLowerCase();
  const absent = phrases.filter((phrase) => !text.includes(phrase.toLowerCase())).slice(0, 3);
  const issues = page.issues.filter((issue) => issue !== null && issue.severity === 'error');

  return [
    ...(absent.length > 0
      ? [`The part of its page that was read does not speak of ${listed(absent)}`]
      : []),
    ...issues
      .slice(0, 3)
      .map((issue) => `Fault on its page: ${issue?.rule ?? ''} (${issue?.measured ?? ''})`),
  ];
}

function nameOf(domain: string): string {
  const [label = domain] = hostOf(domain).split('.');
  return titleCase(label.replaceAll('-', ' ')) || domain;
}
