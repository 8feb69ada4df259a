// Drafts the paid plan and the tracking codes by rules: shares of the budget, one search campaign, assets.
import { cleanText } from '../drafted.ts';
import { handoffIds } from '../envelope-checks.ts';
import { columns, cutTo } from '../lengths.ts';
import { channelsOf, type Material } from '../material.ts';
import { slug, titleCase, trimTo } from '../wording.ts';
import { mainPage } from './keywords.ts';
import { assetColumns } from './limits.ts';
import type { ApexData, Campaign, PaidChannel } from './schema.ts';

type Paid = ApexData['paid'];
type Plan = Pick<ApexData, 'keywords' | 'clusters'>;

export function draftPaid(material: Material, plan: Plan): Paid {
  const { brief } = material;

  return {
    total: brief.budget === undefined ? null : { ...brief.budget },
    channels: draftChannels(material),
    campaigns: [searchCampaign(material, plan)],
    targeting: draftTargeting(material),
    assets: draftAssets(material),
  };
}

// Channels that cost work, not clicks.
const unpaid = /e-?mail|newsletter|seo|organic|blog|pr|press|event|crm|sms|website|podcast/i;

function draftChannels(material: Material): PaidChannel[] {
  const { brief, ledger } = material;
  const named = channelsOf(brief).filter(
    (name) => !new RegExp(`^(?:${unpaid.source})$`, 'i').test(name),
  );
  const names = (named.length > 0 ? named : ['google']).slice(0, 12);
  const weights = names.map(weightOf);
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const evidence = ledger.add({
    kind: 'model_estimate',
    claim:
      'Split of the budget by rules: search first, since it reaches people who are already looking; no results were known',
  });
  let before = 0;

  return names.map((name, index) => {
    const after = before + (weights[index] ?? 0);
    // Differences of rounded running totals add up exactly, and none is negative.
    const part = (whole: number, digits: number) =>
      rounded(
        rounded((whole * after) / all, digits) - rounded((whole * before) / all, digits),
        digits,
      );
    const channel = {
      name,
      share_pct: part(100, 1),
      amount: brief.budget === undefined ? null : part(brief.budget.amount, 2),
      objective: brief.objective,
      bid_strategy: /google|search|bing/i.test(name)
        ? 'Maximize clicks until 30 conversions are measured'
        : null,
      est: null,
      evidence_id: evidence,
    };
    before = after;
    return channel;
  });
}

function weightOf(channel: string): number {
  if (/google|search|bing/i.test(channel)) return 5;
  if (/meta|facebook|instagram|linkedin/i.test(channel)) return 3;
  return /youtube|tiktok/i.test(channel) ? 2 : 1;
}

function rounded(number: number, digits: number): number {
  return Number(number.toFixed(digits));
}

const usualNegatives = ['free', 'job', 'jobs', 'salary', 'wikipedia', 'diy', 'pdf'];

function searchCampaign(material: Material, { keywords, clusters }: Plan): Campaign {
  const groups = clusters.slice(0, 5).map((cluster, index) => {
    const terms = keywords
      .filter((keyword) => cluster.keyword_ids.includes(keyword.id))
      .slice(0, 6);
    return {
      id: `G${index + 1}`,
      name: cluster.name,
      keywords: terms.flatMap(({ term, priority }) => [
        { text: term, match: 'exact' as const },
        ...(priority === 3 ? [] : [{ text: term, match: 'phrase' as const }]),
      ]),
      negatives: material.english ? usualNegatives : [],
      landing_url: mainPage(material),
    };
  });

  return { name: trimTo(`Search - ${material.client}`, 80), type: 'Search', ad_groups: groups };
}

function draftTargeting({ facts, brief, phrases }: Material): Paid['targeting'] {
  const audiences = [...handoffIds(facts, 'vision', 'audiences')].slice(0, 5);
  const ids = audiences.length > 0 ? audiences : [null];
  const isWooing = brief.objective !== 'retention' && brief.objective !== 'report';

  return ids.map((id) => ({
    audience_id: id,
    geo: [...new Set(brief.markets.map(({ country }) => country))],
    demo: [],
    interests: phrases.slice(0, 3),
    exclusions: isWooing ? ['Existing customers'] : [],
  }));
}

function draftAssets(material: Material): Paid['assets'] {
  const { phrases, pages } = material;
  const clean = (text: string) => cleanText(text, { banned: material.banned, stray: [] });
  const fitting = phrases
    .map((phrase) => clean(titleCase(phrase)))
    .filter((text) => text !== '' && columns(text) <= assetColumns.callout);
  const unique = [...new Set(fitting)];
  const values = unique.slice(0, 6);

  return {
    sitelinks: pages.slice(0, 6).flatMap((page) => {
      const text = cutTo(clean(page.h1[0] ?? page.title), assetColumns.sitelink, columns).trim();
      if (text === '') return [];
      const line = (index: number) =>
        cutTo(unique[index] ?? 'See all details', assetColumns.sitelinkLine, columns);
      return [{ text, d1: line(0), d2: line(1), url: page.url }];
    }),
    callouts: unique.slice(0, 6),
    // Google shows a snippet only with three values or more.
    snippets: values.length >= 3 ? [{ header: 'Types', values }] : [],
  };
}

const mediums: [RegExp, string][] = [
  [/google|bing|search/i, 'cpc'],
  [/mail|newsletter/i, 'email'],
  [/meta|facebook|instagram|linkedin|tiktok|youtube|pinterest|^x$|twitter/i, 'paid_social'],
];

/** One line of codes for each channel; the campaign is the brief's title. */
export function draftUtm({ brief, topic }: Material): ApexData['utm'] {
  const codes = channelsOf(brief).map((channel, index) => ({
    source: slug(channel, `channel-${index + 1}`),
    medium: mediums.find(([pattern]) => pattern.test(channel))?.[1] ?? 'referral',
    campaign: slug(brief.title, 'campaign'),
    content: slug(topic, 'main'),
  }));

  return codes.filter(
    ({ source }, index) => codes.findIndex((other) => other.source === source) === index,
  );
}
