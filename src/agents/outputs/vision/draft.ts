// Drafts Vision's output by rules: what the brief says and the pages showed, and what is still to be asked.
import { drafted } from '../drafted.ts';
import type { OutputFacts } from '../kind.ts';
import { gatherMaterial, listed, type Material } from '../material.ts';
import { bare, counted, trimTo } from '../wording.ts';
import { draftAudiences } from './audiences.ts';
import { draftBrand, draftPillars, draftPositioning } from './brand.ts';
import { draftCompetitors } from './competitors.ts';
import { type Competitor, type Opportunity, type VisionData, VisionOutput } from './schema.ts';

export function draftVision(facts: OutputFacts): VisionOutput {
  const material = gatherMaterial(facts);
  const audiences = draftAudiences(material);
  const competitors = draftCompetitors(material);
  const brand = draftBrand(material);
  const data: VisionData = {
    brand,
    market: { summary: marketSummary(material, competitors), trends: [], size: null },
    competitors,
    audiences,
    positioning: draftPositioning(material, audiences),
    pillars: draftPillars(material, audiences),
    opportunities: draftOpportunities(material, competitors),
    risks: draftRisks(material, brand),
  };

  return VisionOutput.parse(
    drafted(facts, {
      agent: 'vision',
      summary: `Brand and market draft for ${trimTo(material.client, 80)}: ${audiences.length} audiences, ${data.pillars.length} message pillars and ${counted(competitors.length, 'competitor')}, made by rules from the brief.`,
      data,
      evidence: material.ledger.all(),
      assumptions: assumptionsOf(material, data),
      openQuestions: questionsOf(material),
    }),
  );
}

function marketSummary({ brief, client, topic }: Material, competitors: Competitor[]): string {
  const places = [...new Set(brief.markets.map(({ country }) => country))];
  const reached = competitors.filter(({ status }) => status === 'reached').length;
  const field = trimTo(brief.client?.industry ?? '', 80) || topic;

  return [
    `${client} is placed in the field of ${field}${places.length > 0 ? `, in ${listed(places)}` : ''}.`,
    competitors.length === 0
      ? 'The brief names no competitors, so none were looked at.'
      : `The brief names ${competitors.length} competitors; the pages of ${reached} of them could be read.`,
    'Neither the size of the market nor its trends were measured.',
  ].join(' ');
}

type Idea = Omit<Opportunity, 'id' | 'score'>;

function draftOpportunities(material: Material, competitors: Competitor[]): Opportunity[] {
  const ideas = [...siteIdeas(material), ...marketIdeas(material, competitors)].map((idea) => ({
    ...idea,
    score: Math.round((idea.impact / idea.effort) * 100) / 100,
  }));

  return ideas
    .toSorted((left, right) => right.score - left.score)
    .map((idea, index) => ({
      id: `O${index + 1}`,
      ...idea,
      title: trimTo(idea.title, 140),
      why: trimTo(idea.why, 300),
    }));
}

function siteIdeas({ pages, phrases }: Material): Idea[] {
  const issues = pages.flatMap((page) => page.issues.map((issue) => ({ issue, page })));
  const errors = issues.flatMap(({ issue, page }) =>
    issue?.severity === 'error' ? [{ ...issue, page }] : [],
  );
  const told = pages
    .map((page) => `${page.title} ${page.description} ${page.text_excerpt}`.toLowerCase())
    .join(' ');
  const unsaid =
    pages.length === 0 ? [] : phrases.filter((phrase) => !told.includes(phrase.toLowerCase()));

  return [
    ...errors.slice(0, 2).map(({ rule, fix, measured, limit, page }) => ({
      title: `${bare(fix) || `Mend ${rule}`} (${page.url})`,
      why: `The audit found ${rule.replaceAll('_', ' ')}: measured ${measured}, limit ${limit}.`,
      effort: 1,
      impact: 3,
    })),
    ...unsaid.slice(0, 2).map((phrase) => ({
      title: `Speak of ${phrase} on the client's site`,
      why: 'The brief puts it in front, the part of the site that was read does not mention it.',
      effort: 2,
      impact: 4,
    })),
  ];
}

function marketIdeas({ topic, client, phrases }: Material, competitors: Competitor[]): Idea[] {
  const gap = competitors.find(({ gaps }) => gaps.length > 0);

  return [
    {
      title: `One page on ${topic}: what to expect, the price, how to begin`,
      why: 'The audiences put the decision off for want of a plain answer.',
      effort: 2,
      impact: 4,
    },
    {
      title: `Collect three customer stories with a figure in each for ${client}`,
      why: 'Proof is what comparing people miss, and every other agent builds on it.',
      effort: 3,
      impact: 5,
    },
    ...(gap === undefined
      ? []
      : [
          {
            title: `Take up what ${gap.name} leaves out`,
            why: gap.gaps[0] ?? '',
            effort: 2,
            impact: 3,
          },
        ]),
    ...(phrases[2] === undefined
      ? []
      : [
          {
            title: `A short series on ${phrases[2]}`,
            why: 'The brief comes back to it, and it gives search and social something to share.',
            effort: 3,
            impact: 3,
          },
        ]),
  ];
}

function draftRisks(
  { brief, quotes, pages }: Material,
  brand: VisionData['brand'],
): VisionData['risks'] {
  const figures = quotes.some(({ text }) => /\d/.test(text));
  const rules = brief.client?.brand;
  const risks = [
    figures
      ? null
      : {
          risk: 'The brief gives no figure that proves the offer.',
          severity: 'high' as const,
          mitigation:
            'Ask for results, numbers of customers or tests before anything is published.',
        },
    pages.length > 0
      ? null
      : {
          risk: 'No page of the client was read, so the present wording is not known.',
          severity: 'medium' as const,
          mitigation: 'Give the address of a site that answers, or send texts that are in use.',
        },
    brand.visual.source === 'proposal'
      ? {
          risk: 'The colours are a proposal and may clash with what the client uses.',
          severity: 'medium' as const,
          mitigation: 'Get the brand colours and fonts before images are made.',
        }
      : null,
    (rules?.required_disclaimers.length ?? 0) > 0
      ? {
          risk: 'Some statements need a disclaimer.',
          severity: 'high' as const,
          mitigation:
            'Check every text for the disclaimers listed under the voice before it goes out.',
        }
      : null,
    {
      risk: 'The audiences are hypotheses; messages may miss what moves people.',
      severity: 'medium' as const,
      mitigation: 'Talk to five people of each audience, and test two messages on a small budget.',
    },
  ];
  return risks.filter((risk) => risk !== null);
}

function assumptionsOf({ brief, pages }: Material, data: VisionData): string[] {
  return [
    'Pains, desires, objections and triggers of the audiences are hypotheses to be confirmed with customers.',
    'Effort and impact of the opportunities are rough ranks from 1 to 5, set by rules.',
    brief.audience_hint === undefined
      ? 'The brief does not describe the audience, so it is divided by how far people are in their decision.'
      : null,
    data.brand.visual.source === 'proposal'
      ? 'The brief gives no brand colours, so the palette is a proposal with readable contrast.'
      : null,
    data.competitors.length === 0
      ? 'The brief names no competitors, and without a search tool none were looked for.'
      : null,
    pages.length === 0
      ? 'No page of the client could be read; nothing here says how the site is now.'
      : null,
  ].filter((line) => line !== null);
}

function questionsOf({ brief, client }: Material): string[] {
  return [
    brief.client?.domain === undefined ? `What is the address of the website of ${client}?` : null,
    brief.competitors.length < 2
      ? 'Which two to five competitors do customers compare most often?'
      : null,
    brief.audience_hint === undefined ? 'Who buys today, and who should buy in a year?' : null,
    'Which figures, awards, tests or customer stories may be used as proof?',
    (brief.client?.tone_of_voice.length ?? 0) === 0
      ? 'How should the brand sound, in three words?'
      : null,
    (brief.client?.brand?.colors.length ?? 0) === 0
      ? 'Which colours and fonts does the brand use?'
      : null,
    brief.offer?.price === undefined ? 'What does the offer cost, and what is included?' : null,
  ].filter((line) => line !== null);
}
