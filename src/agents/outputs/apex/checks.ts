// The mechanical checks on Apex's output: audit, keywords and page texts. Paid search is checked apart.
import type { Check } from '../../../core/output.ts';
import { type Fault, repeatedIds, rule, unresolvedReferences } from '../envelope-checks.ts';
import { hostOf, isOnDomain, pagesIn } from '../findings.ts';
import type { OutputFacts } from '../kind.ts';
import { graphemes } from '../lengths.ts';
import { sameAddress } from '../sources.ts';
import { keywordLimit, metaLength, titleLength, utmPattern } from './limits.ts';
import { checkPaid } from './paid-checks.ts';
import type { ApexOutput } from './schema.ts';

/** The checks on Apex's own data; the runner makes those of the envelope. Pure. */
export function checkApex(output: ApexOutput, facts: OutputFacts): Check[] {
  return [
    ...audit(output, facts),
    ...issues(output, facts),
    ...keywords(output),
    ...volumes(output),
    ...clusters(output),
    ...pageFixes(output),
    ...addresses(output, facts),
    ...trackingCodes(output),
    ...checkPaid(output, facts),
  ];
}

function audit({ data }: ApexOutput, { findings }: OutputFacts): Check[] {
  const read = pagesIn(findings).length;
  const { pages_crawled: pages, score } = data.audit;

  return [
    ...rule(
      {
        id: 'apex.pages',
        path: 'data.audit.pages_crawled',
        limit: `at most ${read}, the pages that tools read`,
      },
      pages <= read ? [] : [{ path: 'data.audit.pages_crawled', measured: pages }],
    ),
    ...rule(
      { id: 'apex.score', path: 'data.audit.score', limit: 'null when no page was read' },
      pages > 0 || score === null ? [] : [{ path: 'data.audit.score', measured: score }],
    ),
    ...repeatedIds(data.audit.issues.map(idOf), 'data.audit.issues'),
  ];
}

function idOf({ id }: { id: string }): string {
  return id;
}

// An issue is a measurement: it has to be one that a tool made, with the value that it measured.
function issues({ data }: ApexOutput, { findings }: OutputFacts): Check[] {
  const pages = new Map(pagesIn(findings).map((page) => [sameAddress(page.url), page]));
  const faults = data.audit.issues.flatMap(({ url, rule: name, measured }, index): Fault[] => {
    const path = `data.audit.issues[${index}]`;
    const page = pages.get(sameAddress(url));
    if (page === undefined) {
      return [{ path: `${path}.url`, measured: url, limit: 'an address that a tool read' }];
    }
    const same = page.issues.filter((issue) => issue?.rule === name);
    const values = same.map((issue) => String(issue?.measured));
    return same.length === 0 || values.includes(String(measured))
      ? []
      : [
          {
            path: `${path}.measured`,
            measured,
            limit: `as audit_page measured: ${values.join(' or ')}`,
          },
        ];
  });

  return rule(
    { id: 'apex.issue', path: 'data.audit.issues', limit: 'as audit_page measured' },
    faults,
  );
}

function keywords({ data }: ApexOutput): Check[] {
  const terms = data.keywords.map(({ term }) => term.trim().toLowerCase());
  const repeated = terms.flatMap((term, index) =>
    terms.indexOf(term) === index ? [] : [{ path: `data.keywords[${index}].term`, measured: term }],
  );
  const long = data.keywords.flatMap(({ term }, index) =>
    term.length <= keywordLimit.characters && term.trim().split(/\s+/).length <= keywordLimit.words
      ? []
      : [{ path: `data.keywords[${index}].term`, measured: term }],
  );
  const known = new Set(data.clusters.map(idOf));

  return [
    ...repeatedIds(data.keywords.map(idOf), 'data.keywords'),
    ...rule(
      {
        id: 'apex.keyword_unique',
        path: 'data.keywords',
        limit: 'each term once, whatever its case',
      },
      repeated,
    ),
    ...rule(
      {
        id: 'apex.keyword_length',
        path: 'data.keywords',
        limit: `at most ${keywordLimit.words} words and ${keywordLimit.characters} characters`,
      },
      long,
    ),
    ...unresolvedReferences(
      data.keywords.map((keyword) => keyword.cluster_id),
      known,
      'data.keywords',
    ),
  ];
}

// Search volumes that a model remembers are wrong more often than not: only a measurement may stand here.
function volumes({ data, evidence }: ApexOutput): Check[] {
  const kinds = new Map(evidence.map(({ id, kind }) => [id, kind]));
  const faults = data.keywords.flatMap((keyword, index) => {
    const kind = kinds.get(keyword.evidence_id);
    if (kind === 'api' || kind === 'upload') return [];
    return (['volume', 'difficulty', 'cpc', 'current_rank'] as const)
      .filter((field) => keyword[field] !== null)
      .map((field) => ({
        path: `data.keywords[${index}].${field}`,
        measured: keyword[field] ?? '',
      }));
  });

  return rule(
    {
      id: 'apex.volume',
      path: 'data.keywords',
      limit: 'null unless the evidence is of kind api or upload',
    },
    faults,
  );
}

function clusters({ data }: ApexOutput): Check[] {
  const known = new Set(data.keywords.map(idOf));

  return [
    ...repeatedIds(data.clusters.map(idOf), 'data.clusters'),
    ...unresolvedReferences(
      data.clusters.flatMap((cluster) => cluster.keyword_ids),
      known,
      'data.clusters',
    ),
  ];
}

type TextField = 'title_tag' | 'meta_description';

function pageFixes({ data }: ApexOutput): Check[] {
  const lengths = (field: TextField, { min, max }: { min: number; max: number }) =>
    rule(
      { id: `apex.${field}`, path: 'data.page_fixes', limit: `${min} to ${max} characters` },
      data.page_fixes.flatMap((fix, index) => {
        const measured = graphemes(fix[field]);
        return measured >= min && measured <= max
          ? []
          : [{ path: `data.page_fixes[${index}].${field}`, measured: `${measured} characters` }];
      }),
    );

  return [
    ...lengths('title_tag', titleLength),
    ...lengths('meta_description', metaLength),
    ...rule(
      {
        id: 'apex.page_text_unique',
        path: 'data.page_fixes',
        limit: 'each title and description once',
      },
      [
        ...repeatedTexts(data.page_fixes, 'title_tag'),
        ...repeatedTexts(data.page_fixes, 'meta_description'),
      ],
    ),
  ];
}

function repeatedTexts(fixes: ApexOutput['data']['page_fixes'], field: TextField): Fault[] {
  const texts = fixes.map((fix) => fix[field].trim().toLowerCase());
  return texts.flatMap((text, index) =>
    texts.indexOf(text) === index
      ? []
      : [{ path: `data.page_fixes[${index}].${field}`, measured: text }],
  );
}

function addresses({ data }: ApexOutput, { brief }: OutputFacts): Check[] {
  const hosts = [brief.client?.domain, brief.offer?.url]
    .filter((address) => address !== undefined)
    .map(hostOf);
  const faults = ownAddresses(data).filter(({ url }) => !isOwn(url, hosts));

  return rule(
    {
      id: 'apex.domain',
      path: 'data',
      limit:
        hosts.length > 0
          ? `a whole http(s) address on ${hosts.join(' or ')}, or null where there may be none`
          : 'a path such as /pricing, or null: the brief names no domain',
    },
    faults.map(({ path, url }) => ({ path, measured: url })),
  );
}

function isOwn(url: string, hosts: string[]): boolean {
  if (hosts.length === 0) return url.startsWith('/') && !url.startsWith('//');
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return false;

  const host = hostOf(url);
  // The brief may name shop.example.com where the page is on example.com.
  return hosts.some(
    (own) => isOnDomain(url, own) || (host.includes('.') && own.endsWith(`.${host}`)),
  );
}

function ownAddresses(data: ApexOutput['data']): { path: string; url: string }[] {
  const groups = data.paid.campaigns.flatMap((campaign, place) =>
    campaign.ad_groups.map((group, index) => ({
      path: `data.paid.campaigns[${place}].ad_groups[${index}].landing_url`,
      url: group.landing_url,
    })),
  );
  const at = (path: string, urls: (string | null)[]) =>
    urls.map((url, index) => ({ path: path.replace('*', String(index)), url }));

  return [
    ...at(
      'data.keywords[*].target_url',
      data.keywords.map((item) => item.target_url),
    ),
    ...at(
      'data.clusters[*].pillar_url',
      data.clusters.map((item) => item.pillar_url),
    ),
    ...at(
      'data.page_fixes[*].url',
      data.page_fixes.map((item) => item.url),
    ),
    ...at(
      'data.quick_wins[*].url',
      data.quick_wins.map((item) => item.url),
    ),
    ...at(
      'data.paid.assets.sitelinks[*].url',
      data.paid.assets.sitelinks.map((item) => item.url),
    ),
    ...groups,
  ].flatMap(({ path, url }) => (url === null ? [] : [{ path, url }]));
}

function trackingCodes({ data }: ApexOutput): Check[] {
  const faults = data.utm.flatMap((codes, index) =>
    Object.entries(codes)
      .filter(([, code]) => code !== null && !utmPattern.test(code))
      .map(([field, code]) => ({ path: `data.utm[${index}].${field}`, measured: code ?? '' })),
  );

  return rule({ id: 'apex.utm', path: 'data.utm', limit: 'a-z, 0-9, _ and - only' }, faults);
}
