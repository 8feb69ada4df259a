// Drafts brand, positioning and pillars by rules from the brief's own sentences.
import { differencesIn, listed, type Material, pageEvidence } from '../material.ts';
import { bare, capital, oneLine, titleCase, trimTo, wordCount } from '../wording.ts';
import type { Audience, Colour, VisionData } from './schema.ts';

type Brand = VisionData['brand'];

export function draftBrand(material: Material): Brand {
  const { brief, client, offer, topic } = material;
  const category = trimTo(brief.client?.industry ?? '', 80) || topic;

  return {
    one_liner: trimTo(`${client}: ${offer}`, 180),
    category,
    promise: promiseOf(material),
    proof: proofOf(material),
    voice: voiceOf(material),
    visual: visualOf(material),
  };
}

function promiseOf({ brief, client, topic, quotes }: Material): string {
  const cue = /so that|helps?\b|saves?\b|without|easier|faster|guarant/i;
  const said = quotes.find(({ text }) => cue.test(text));
  if (said !== undefined) return said.text;

  return brief.objective === 'retention'
    ? `Whoever stays with ${client} gets more out of ${topic} every month.`
    : `With ${client} it takes a minute to see what to expect of ${topic}, at what price and how to begin.`;
}

function proofOf({ quotes, pages, ledger }: Material): Brand['proof'] {
  const fromBrief = quotes
    .slice(0, 5)
    .map(({ text, evidenceId }) => ({ text, evidence_id: evidenceId }));
  const fromPages = pages.slice(0, 3).flatMap((page) => {
    const said = trimTo(page.description || page.h1[0] || page.title, 200);
    if (said === '') return [];
    return [
      { text: said, evidence_id: pageEvidence(ledger, page, `The client's page says: ${said}`) },
    ];
  });

  return [...fromBrief, ...fromPages];
}

function voiceOf({ brief, phrases }: Material): Brand['voice'] {
  const told = (brief.client?.tone_of_voice ?? [])
    .flatMap((tone) => tone.split(/[,;/]/))
    .map(oneLine);
  const adjectives = [
    ...new Set([...told.filter((tone) => tone !== ''), 'clear', 'concrete', 'honest']),
  ];
  const rules = brief.client?.brand;
  const disclaimers = rules?.required_disclaimers ?? [];

  return {
    adjectives: adjectives.slice(0, Math.min(5, Math.max(3, told.length))),
    do: [
      ...(rules?.do ?? []),
      ...disclaimers
        .filter(({ text }) => text.trim() !== '')
        .map(({ text, when }) => `Where due (${when || 'always'}), say: ${text}`),
      phrases.length > 0
        ? `Use the words of the brief: ${listed(phrases.slice(0, 4))}.`
        : 'Use the words that customers use themselves.',
      'Say what a thing does before saying how good it is.',
    ]
      .map((line) => trimTo(line, 600))
      .filter((line) => line !== '')
      .slice(0, 30),
    dont: [
      ...(rules?.dont ?? []),
      ...((rules?.banned_words.length ?? 0) > 0
        ? [`Never use: ${(rules?.banned_words ?? []).join(', ')}`]
        : []),
      'Claim no superlative that nobody can check.',
    ]
      .map((line) => trimTo(line, 600))
      .filter((line) => line !== '')
      .slice(0, 30),
  };
}

const roles = ['primary', 'secondary', 'accent', 'text', 'background'] as const;

// Text on background has a contrast above 12:1 in each of them.
const proposals = [
  ['#1f4e5f', '#79a8a9', '#f4a259', '#1b1f23', '#faf8f5'],
  ['#2d3a8c', '#8895d6', '#e8505b', '#16192b', '#f9f9fd'],
  ['#2f5d3a', '#9cbf9e', '#e0a526', '#1a211b', '#fafaf5'],
  ['#6b2d5c', '#c49bbb', '#f0a202', '#211a20', '#fdfafc'],
  ['#33415c', '#9aa8c2', '#d1603d', '#191d26', '#f8f9fb'],
] as const;

function visualOf({ brief, client }: Material): Brand['visual'] {
  const told = brief.client?.brand;
  const given = told?.colors ?? [];
  const fonts = (told?.fonts ?? []).map(oneLine).filter((font) => font !== '');
  const place = [...client].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0);
  const hexes = given.length > 0 ? given : (proposals[place % proposals.length] ?? proposals[0]);
  const colors: Colour[] = hexes.map((hex, index) => ({
    hex: hex.toLowerCase(),
    role: roles[index] ?? 'accent',
  }));

  return { colors, fonts, logo_url: null, source: given.length > 0 ? 'brief' : 'proposal' };
}

/** Longest statement a positioning may have, in words. */
const maxWords = 40;

export function draftPositioning(
  material: Material,
  audiences: Audience[],
): VisionData['positioning'] {
  const { brief, client, phrases, quotes, topic } = material;
  const [difference] = differencesIn(brief);
  const differentiator =
    difference ??
    (phrases.length > 1
      ? `The brief puts ${listed(phrases.slice(0, 3))} first; whether that sets ${client} apart has to be agreed.`
      : `What sets ${client} apart is not said in the brief and has to be agreed.`);
  const first = trimTo(audiences[0]?.name ?? 'people', 70);
  const statement = `For ${first}, ${trimTo(client, 50)} stands for this: ${trimTo(quotes[0]?.text ?? topic, 110)}`;

  return {
    statement: withinWords(statement, maxWords),
    differentiator,
    reasons_to_believe: quotes.slice(0, 3).map(({ evidenceId }) => evidenceId),
  };
}

function withinWords(text: string, max: number): string {
  let here = text;
  while (wordCount(here) > max && here.length > 20)
    here = trimTo(here, Math.floor(here.length * 0.9));
  return here;
}

export function draftPillars(material: Material, audiences: Audience[]): VisionData['pillars'] {
  const { brief, client, topic, quotes, phrases } = material;
  const at = (index: number) => quotes[index % quotes.length];
  const all = audiences.map(({ id }) => id);
  const price = brief.offer?.price;
  const parts = [
    {
      title: `Why ${topic}`,
      message: `Start from the difficulty: ${bare(audiences[0]?.pains[0] ?? '')}. Then show what changes with ${client}.`,
      audience_ids: all.slice(0, 1),
    },
    {
      title: phrases[1] === undefined ? 'What speaks for it' : `Proof of ${phrases[1]}`,
      message: `Say what can be checked: ${at(1)?.text ?? ''}`,
      audience_ids: all.slice(1, 2),
    },
    { title: 'The next step is small', message: nextStep(material), audience_ids: all },
    ...(price === undefined
      ? []
      : [
          {
            title: 'The price in the open',
            message: `Name ${price.amount} ${price.currency} and what it includes before anyone has to ask.`,
            audience_ids: all.slice(1, 2),
          },
        ]),
  ];

  return parts.map((part, index) => ({
    id: `P${index + 1}`,
    ...part,
    title: trimTo(capital(titleCase(part.title)), 80),
    message: trimTo(part.message, 320),
    proof_evidence_ids: [at(index)?.evidenceId ?? 'E1'],
  }));
}

function nextStep({ brief, topic, client }: Material): string {
  switch (brief.objective) {
    case 'leads':
      return `Ask for one thing only: a short enquiry about ${topic}, answered by a person at ${client}.`;
    case 'sales':
      return `Lead straight to the order of ${topic}, with costs and conditions beside the button.`;
    case 'retention':
      return `Give customers of ${client} one concrete thing to do with ${topic} this week.`;
    case 'awareness':
    case 'launch':
      return `Let people see ${topic} in use within a few seconds, then invite them to find out more.`;
    case 'report':
    case 'other':
      return `Say in one line what the reader should do next about ${topic}, and make it easy.`;
  }
}
