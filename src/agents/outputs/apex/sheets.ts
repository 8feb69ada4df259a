// Builds Apex's sheets: one for each list that a client works with, and the import for Google Ads Editor.
import type { DeliverableFile } from '../../../core/run.ts';
import { type Cell, sheet } from '../files.ts';
import type { FileContext } from '../kind.ts';
import type { ApexOutput } from './schema.ts';

type Data = ApexOutput['data'];
type Tab = { name: string; columns: readonly string[]; rows: Cell[][] };

const keywordColumns = [
  'id',
  'term',
  'intent',
  'cluster_id',
  'volume',
  'difficulty',
  'cpc',
  'current_rank',
  'target_url',
  'priority',
  'evidence_id',
] as const;
const issueColumns = ['id', 'url', 'rule', 'severity', 'measured', 'limit', 'fix'] as const;
const fixColumns = ['url', 'title_tag', 'meta_description', 'h1', 'schema_type'] as const;

export const utmColumns = ['source', 'medium', 'campaign', 'content'] as const;

export function apexSheets(data: Data, about: FileContext): DeliverableFile[] {
  const tabs: Tab[] = [
    {
      name: 'keyword-map',
      columns: keywordColumns,
      rows: data.keywords.map((item) => keywordColumns.map((column) => item[column])),
    },
    {
      name: 'technical-issues',
      columns: issueColumns,
      rows: data.audit.issues.map((item) => issueColumns.map((column) => item[column])),
    },
    { name: 'page-fixes', columns: [...fixColumns, 'internal_links'], rows: fixRows(data) },
    { name: 'campaigns', columns: campaignColumns, rows: campaignRows(data) },
    { name: 'budget', columns: budgetColumns, rows: data.paid.channels.map(budgetRow) },
    {
      name: 'utm',
      columns: utmColumns,
      rows: data.utm.map((codes) => utmColumns.map((column) => codes[column])),
    },
  ];

  return [
    ...tabs.map(({ name, columns, rows }) =>
      sheet({
        name: `apex-output-${name}.csv`,
        title: `Apex: ${name.replaceAll('-', ' ')}`,
        about,
        columns: [...columns],
        rows,
      }),
    ),
    adsEditor(data, about),
  ];
}

function fixRows(data: Data): Cell[][] {
  return data.page_fixes.map((fix) => [
    ...fixColumns.map((column) => fix[column]),
    fix.internal_links.map(({ from, anchor }) => `${anchor} (from ${from})`).join('; '),
  ]);
}

const campaignColumns = [
  'campaign',
  'type',
  'ad_group_id',
  'ad_group',
  'keyword',
  'match',
  'landing_url',
];

function campaignRows({ paid }: Data): Cell[][] {
  return groupsOf(paid).flatMap(({ campaign, group }) =>
    group.keywords.map(({ text, match }) => [
      campaign.name,
      campaign.type,
      group.id,
      group.name,
      text,
      match,
      group.landing_url,
    ]),
  );
}

function groupsOf({ campaigns }: Data['paid']) {
  return campaigns.flatMap((campaign) => campaign.ad_groups.map((group) => ({ campaign, group })));
}

export const budgetColumns = [
  'channel',
  'share_pct',
  'amount',
  'objective',
  'bid_strategy',
  'cpc',
  'clicks',
  'cvr',
  'conversions',
  'cpa',
  'evidence_id',
];

export function budgetRow({ est, ...channel }: Data['paid']['channels'][number]): Cell[] {
  return [
    channel.name,
    channel.share_pct,
    channel.amount,
    channel.objective,
    channel.bid_strategy,
    est?.cpc ?? null,
    est?.clicks ?? null,
    est?.cvr ?? null,
    est?.conversions ?? null,
    est?.cpa ?? null,
    channel.evidence_id,
  ];
}

// As Google Ads Editor names them; a column it does not know, such as the last one, is left out there.
const editorColumns = [
  'Campaign',
  'Campaign Type',
  'Campaign Status',
  'Ad Group',
  'Ad Group Status',
  'Keyword',
  'Criterion Type',
  'Final URL',
  'Status',
];

const criterionTypes = { exact: 'Exact', phrase: 'Phrase', broad: 'Broad' } as const;

function adsEditor({ paid }: Data, about: FileContext): DeliverableFile {
  const rows = groupsOf(paid).flatMap(({ campaign, group }): Cell[][] => {
    const row = (keyword: string, type: string, url: string | null) => [
      campaign.name,
      campaign.type,
      'Paused',
      group.name,
      'Paused',
      keyword,
      type,
      url,
      'Paused',
    ];
    return [
      ...group.keywords.map(({ text, match }) =>
        row(text, criterionTypes[match], wholeAddress(group.landing_url)),
      ),
      ...group.negatives.map((text) => row(text, 'Negative Phrase', null)),
    ];
  });

  return sheet({
    name: 'google-ads-editor.csv',
    title: 'Import for Google Ads Editor, all paused',
    about,
    columns: editorColumns,
    rows,
  });
}

// The Editor refuses a path without a host.
function wholeAddress(url: string | null): string | null {
  return url !== null && /^https?:\/\//i.test(url) ? url : null;
}
