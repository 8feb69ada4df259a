// Builds the files a client reads of Apex's output.
import type { DeliverableFile } from '../../../core/run.ts';
import { type Cell, closingSections, document, outputJson, type Section } from '../files.ts';
import type { FileContext } from '../kind.ts';
import type { ApexOutput } from './schema.ts';
import { apexSheets, budgetColumns, budgetRow, utmColumns } from './sheets.ts';

type Data = ApexOutput['data'];

export function apexFiles(output: ApexOutput, about: FileContext): DeliverableFile[] {
  const { data } = output;

  return [
    document({
      name: 'apex-search-strategy.md',
      title: 'Search strategy',
      about,
      sections: [
        { heading: 'In short', body: output.summary },
        ...siteSections(data),
        ...keywordSections(data),
        ...paidSections(data),
        ...closingSections(output),
      ],
    }),
    ...apexSheets(data, about),
    outputJson(output, about),
  ];
}

function siteSections(data: Data): Section[] {
  const { issues, pages_crawled: pages, score } = data.audit;

  return [
    {
      heading: 'The site today',
      body:
        score === null
          ? 'No page could be audited, so the state of the site is not known.'
          : `${pages} pages were audited. They score ${score} of 100 on average.`,
      table: {
        columns: ['Id', 'Page', 'Rule', 'Severity', 'Measured', 'Limit', 'What to do'],
        rows: issues.map(({ id, url, rule, severity, measured, limit, fix }) => [
          id,
          url,
          rule,
          severity,
          measured,
          limit,
          fix,
        ]),
      },
    },
    {
      heading: 'Quick wins',
      table: {
        columns: ['Action', 'Page', 'Effort', 'Impact', 'Within days'],
        rows: data.quick_wins.map((win) => [
          win.action,
          win.url,
          win.effort,
          win.impact,
          win.due_days,
        ]),
      },
    },
    {
      heading: 'New titles and descriptions',
      table: {
        columns: ['Page', 'Title', 'Description', 'First heading'],
        rows: data.page_fixes.map((fix) => [fix.url, fix.title_tag, fix.meta_description, fix.h1]),
      },
    },
  ];
}

function keywordSections(data: Data): Section[] {
  const terms = new Map(data.keywords.map(({ id, term }) => [id, term]));

  return [
    {
      heading: 'What people search for',
      body: 'Keywords by subject. Where volume, difficulty and price are empty, nobody measured them.',
      table: {
        columns: ['Cluster', 'Page', 'Keywords'],
        rows: data.clusters.map((cluster) => [
          cluster.name,
          cluster.pillar_url ?? 'to be made',
          cluster.keyword_ids.map((id) => terms.get(id) ?? id).join('; '),
        ]),
      },
    },
    ...data.gaps.map((gap) => ({
      heading: `Page to write: ${gap.proposed_title}`,
      body: `Subject: ${gap.topic} (${gap.intent}).`,
      list: gap.outline,
    })),
  ];
}

function paidSections({ paid, utm }: Data): Section[] {
  const { total } = paid;

  return [
    {
      heading: 'Budget',
      body:
        total === null
          ? 'The brief names no budget; the shares show the proportions.'
          : `In all ${total.amount} ${total.currency} (${total.period}).`,
      table: { columns: budgetColumns, rows: paid.channels.map(budgetRow) },
    },
    ...paid.campaigns.map((campaign) => ({
      heading: `Campaign: ${campaign.name}`,
      body: `Type: ${campaign.type}. Everything is paused until someone has looked at it.`,
      table: {
        columns: ['Ad group', 'Keywords', 'Negative keywords', 'Landing page'],
        rows: campaign.ad_groups.map((group): Cell[] => [
          `${group.id} ${group.name}`,
          group.keywords.map(({ text, match }) => `${text} (${match})`).join('; '),
          group.negatives.join('; '),
          group.landing_url,
        ]),
      },
    })),
    { heading: 'Ad assets', list: assetLines(paid.assets) },
    {
      heading: 'Tracking codes',
      table: {
        columns: [...utmColumns],
        rows: utm.map((codes) => utmColumns.map((column) => codes[column])),
      },
    },
  ];
}

function assetLines({ sitelinks, callouts, snippets }: Data['paid']['assets']): string[] {
  const lines = [
    ...sitelinks.map((link) => `Sitelink: ${link.text} (${link.d1}; ${link.d2}) to ${link.url}`),
    ...callouts.map((callout) => `Callout: ${callout}`),
    ...snippets.map(({ header, values }) => `Snippet ${header}: ${values.join(', ')}`),
  ];
  return lines.length === 0 ? ['None yet.'] : lines;
}
