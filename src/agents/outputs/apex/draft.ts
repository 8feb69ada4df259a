// Drafts Apex's output by rules: what the audits measured, and a keyword and budget plan without invented numbers.
import { drafted } from '../drafted.ts';
import type { OutputFacts } from '../kind.ts';
import { channelsOf, gatherMaterial, type Material } from '../material.ts';
import { trimTo } from '../wording.ts';
import { draftGaps, draftKeywords } from './keywords.ts';
import { draftAudit, draftPageFixes, draftQuickWins } from './pages.ts';
import { draftPaid, draftUtm } from './paid.ts';
import { type ApexData, ApexOutput } from './schema.ts';

export function draftApex(facts: OutputFacts): ApexOutput {
  const material = gatherMaterial(facts);
  const audit = draftAudit(material);
  const plan = draftKeywords(material);
  const data: ApexData = {
    audit,
    ...plan,
    gaps: draftGaps(material),
    page_fixes: draftPageFixes(material),
    quick_wins: draftQuickWins(material, audit.issues),
    paid: draftPaid(material, plan),
    utm: draftUtm(material),
    platforms: channelsOf(material.brief),
  };

  return ApexOutput.parse(
    drafted(facts, {
      agent: 'apex',
      summary: summaryOf(material, data),
      data,
      evidence: material.ledger.all(),
      uses: usesOf(data),
      assumptions: assumptionsOf(material, data),
      openQuestions: questionsOf(material),
    }),
  );
}

function summaryOf({ client }: Material, { audit, keywords, clusters }: ApexData): string {
  const site =
    audit.score === null
      ? 'no page could be audited'
      : `${audit.pages_crawled} audited pages scored ${audit.score} of 100 with ${audit.issues.length} issues`;

  return `Search draft for ${trimTo(client, 80)}: ${site}; ${keywords.length} keywords in ${clusters.length} clusters, made by rules from the brief, without search volumes.`;
}

function usesOf({ paid }: ApexData): { upstream_id: string; at: string }[] {
  return paid.targeting.flatMap(({ audience_id: id }, index) =>
    id === null
      ? []
      : [
          {
            upstream_id: `vision.audiences.${id}`,
            at: `data.paid.targeting[${index}].audience_id`,
          },
        ],
  );
}

function assumptionsOf(
  { brief, pages, facts }: Material,
  { paid, page_fixes: fixes }: ApexData,
): string[] {
  return [
    'Search volumes, difficulty, prices per click and ranks are unknown: no tool that measures them was at hand, so they are left empty.',
    'Keywords come from the words of the brief; their demand has to be measured before money is spent.',
    'The split of the budget is a starting point set by rules, to be changed after two weeks of results.',
    'Clicks, conversions and costs per conversion are not estimated, since no price per click or rate was measured.',
    'Negative keywords are the usual ones; check that none of them fits what the client offers.',
    pages.length === 0
      ? 'No page of the client was audited, so there are no technical issues here; that does not mean the site has none.'
      : null,
    fixes.length === 0
      ? 'No title and description could be made that fit the lengths of search results.'
      : null,
    paid.total === null
      ? 'The brief names no budget, so channels have shares but no amounts.'
      : null,
    facts.handoff['vision'] === undefined
      ? 'No audiences of Vision were at hand, so the targeting names none.'
      : null,
    brief.channels.length === 0
      ? 'The brief names no channels; those that usually serve its objective stand in.'
      : null,
  ].filter((line) => line !== null);
}

function questionsOf({ brief, client }: Material): string[] {
  return [
    brief.client?.domain === undefined
      ? `Which website and which pages should visitors of ${client} land on?`
      : null,
    brief.budget === undefined ? 'How much may be spent, and over what time?' : null,
    brief.markets.length === 0 ? 'Which countries and languages should be reached?' : null,
    'Can you send exports of Search Console and Google Ads for the last 12 months?',
    'What is a new customer or an enquiry worth to you?',
  ].filter((line) => line !== null);
}
