// The checks on Apex's paid plan: money adds up, estimates are arithmetic, assets fit.
import type { Check } from '../../../core/output.ts';
import {
  type Fault,
  handoffIds,
  repeatedIds,
  rule,
  unresolvedReferences,
} from '../envelope-checks.ts';
import type { OutputFacts } from '../kind.ts';
import { columns } from '../lengths.ts';
import { assetColumns } from './limits.ts';
import type { ApexOutput, PaidChannel } from './schema.ts';

export function checkPaid(output: ApexOutput, facts: OutputFacts): Check[] {
  return [
    ...budget(output, facts),
    ...shares(output),
    ...estimates(output),
    ...assets(output),
    ...adGroups(output),
    ...targeting(output, facts),
  ];
}

function budget({ data }: ApexOutput, { brief }: OutputFacts): Check[] {
  const { total } = data.paid;
  const given = brief.budget;
  if (given === undefined) return [];

  const isSame =
    total !== null &&
    Math.abs(total.amount - given.amount) <= 0.01 &&
    total.currency === given.currency &&
    total.period === given.period;
  return rule(
    {
      id: 'apex.budget',
      path: 'data.paid.total',
      limit: `the budget of the brief: ${given.amount} ${given.currency}, period ${given.period}`,
    },
    isSame
      ? []
      : [
          {
            path: 'data.paid.total',
            measured:
              total === null ? 'null' : `${total.amount} ${total.currency}, period ${total.period}`,
          },
        ],
  );
}

function shares({ data }: ApexOutput): Check[] {
  const { channels, total } = data.paid;
  if (channels.length === 0) return [];

  const sharesSum = sum(channels.map(({ share_pct: share }) => share));
  const amountsSum = sum(channels.map(({ amount }) => amount ?? 0));
  const isShared = Math.abs(sharesSum - 100) <= 0.5;
  const isSpent = total === null || Math.abs(amountsSum - total.amount) <= 1;

  return [
    ...rule(
      { id: 'apex.shares', path: 'data.paid.channels', limit: 'share_pct adds up to 100' },
      isShared ? [] : [{ path: 'data.paid.channels', measured: rounded(sharesSum) }],
    ),
    ...rule(
      {
        id: 'apex.amounts',
        path: 'data.paid.channels',
        limit: `amounts add up to the total of ${total?.amount ?? 0}`,
      },
      isSpent ? [] : [{ path: 'data.paid.channels', measured: rounded(amountsSum) }],
    ),
  ];
}

function estimates({ data }: ApexOutput): Check[] {
  const faults = data.paid.channels.flatMap((channel, index) =>
    estimateFaults(channel, `data.paid.channels[${index}].est`),
  );

  return rule(
    {
      id: 'apex.estimate',
      path: 'data.paid.channels',
      limit: 'clicks = amount / cpc, conversions = clicks × cvr, cpa = amount / conversions',
    },
    faults,
  );
}

function estimateFaults({ amount, est }: PaidChannel, path: string): Fault[] {
  if (est === null) return [];
  if (amount === null) {
    return [
      {
        path,
        measured: 'an estimate',
        limit: 'null: without an amount there is nothing to estimate',
      },
    ];
  }
  const clicks = amount / est.cpc;
  const conversions = est.clicks * est.cvr;
  const cpa = est.conversions > 0 ? amount / est.conversions : null;

  return [
    ...differs(`${path}.clicks`, est.clicks, clicks),
    ...(est.cvr >= 0 && est.cvr <= 1
      ? []
      : [{ path: `${path}.cvr`, measured: est.cvr, limit: '0 to 1' }]),
    ...differs(`${path}.conversions`, est.conversions, conversions),
    ...(cpa === null || est.cpa === null ? [] : differs(`${path}.cpa`, est.cpa, cpa)),
  ];
}

// Whole numbers are fine for clicks and conversions; beyond that, one percent.
function differs(path: string, stated: number, computed: number): Fault[] {
  const tolerance = Math.max(0.51, Math.abs(computed) * 0.01);
  return Math.abs(stated - computed) <= tolerance
    ? []
    : [{ path, measured: stated, limit: `${rounded(computed)} by arithmetic` }];
}

function assets({ data }: ApexOutput): Check[] {
  const { sitelinks, callouts, snippets } = data.paid.assets;
  const at = 'data.paid.assets';
  const faults = [
    ...sitelinks.flatMap(({ text, d1, d2 }, index) => [
      ...tooWide(`${at}.sitelinks[${index}].text`, text, assetColumns.sitelink),
      ...tooWide(`${at}.sitelinks[${index}].d1`, d1, assetColumns.sitelinkLine),
      ...tooWide(`${at}.sitelinks[${index}].d2`, d2, assetColumns.sitelinkLine),
    ]),
    ...callouts.flatMap((text, index) =>
      tooWide(`${at}.callouts[${index}]`, text, assetColumns.callout),
    ),
    ...snippets.flatMap(({ values }, place) =>
      values.flatMap((text, index) =>
        tooWide(`${at}.snippets[${place}].values[${index}]`, text, assetColumns.snippetValue),
      ),
    ),
  ];

  return rule({ id: 'apex.assets', path: at, limit: 'within the lengths of Google Ads' }, faults);
}

function tooWide(path: string, text: string, max: number): Fault[] {
  const width = columns(text);
  return width <= max
    ? []
    : [
        {
          path,
          measured: `${width} characters`,
          limit: `at most ${max} characters, wide ones count twice`,
        },
      ];
}

function adGroups({ data }: ApexOutput): Check[] {
  const groups = data.paid.campaigns.flatMap((campaign) => campaign.ad_groups);
  return repeatedIds(
    groups.map(({ id }) => id),
    'data.paid.campaigns',
  );
}

function targeting({ data }: ApexOutput, facts: OutputFacts): Check[] {
  const ids = data.paid.targeting.map((target) => target.audience_id).filter((id) => id !== null);

  return unresolvedReferences(ids, handoffIds(facts, 'vision', 'audiences'), 'data.paid.targeting');
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function rounded(number: number): number {
  return Math.round(number * 100) / 100;
}
