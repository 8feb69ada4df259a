// What the later agents draft about: topic, client, offer, sentences and calls to action, from the brief.
import type { Brief } from '../../core/brief.ts';
import type { OutputFacts } from './kind.ts';
import { createPen, type Pen } from './pen.ts';
import { readUpstream, type Upstream } from './upstream.ts';
import {
  clientName,
  isInstruction,
  keyPhrases,
  matches,
  offerOf,
  sentences,
  topicOf,
  trimTo,
} from './wording.ts';

export type Subject = {
  brief: Brief;
  pen: Pen;
  upstream: Upstream;
  /** One to three words, as within a sentence. */
  topic: string;
  /** The client's name, or null when the brief names none. */
  name: string | null;
  offer: string;
  /** The offer and what the brief says of it first: one to three sentences. */
  pitch: string;
  /** Sentences of the brief that state no figure and no superlative, which would need proof. */
  plainSentences: string[];
  /** Sentences that do. */
  boldSentences: string[];
  phrases: string[];
  /** Who is spoken to, in the words of Vision or of the brief; null when neither says. */
  audience: string | null;
  /** Where readers are sent: the offer's page, else the client's site. */
  link: string | null;
  ctas: { text: string; strength: 'soft' | 'medium' | 'hard' }[];
  /** Texts that the client must print, word for word. */
  disclaimers: string[];
};

export function subjectOf(facts: OutputFacts): Subject {
  const { brief } = facts;
  const pen = createPen(facts);
  const upstream = readUpstream(facts);
  const audience = audienceOf(brief, upstream);
  const told = sentences(brief.description)
    .slice(0, 60)
    .map((sentence) => trimTo(sentence, 600))
    .filter((sentence) => !isInstruction(sentence));
  const plainSentences = told.filter((sentence) => !needsProof(sentence));
  const offer = offerOf(brief);

  return {
    brief,
    pen,
    upstream,
    topic: pen.write(asWithin(topicOf(brief, pen.banned), brief), { max: 40 }),
    name: brief.client === undefined ? null : pen.write(clientName(brief), { max: 40 }),
    offer: pen.write(offer, { max: 160 }),
    pitch: pen.write(pitchOf(offer, plainSentences), { max: 160 }),
    plainSentences,
    boldSentences: told.filter(needsProof),
    phrases: keyPhrases(`${brief.title}. ${brief.description}`, 12, pen.banned),
    audience: audience === null ? null : pen.write(asWithin(audience, brief), { max: 90 }),
    link: linkOf(brief),
    ctas: ctasOf(brief, pen),
    disclaimers: (brief.client?.brand?.required_disclaimers ?? [])
      .map(({ text }) => text)
      .filter((text) => text.trim() !== ''),
  };
}

function pitchOf(offer: string, plainSentences: string[]): string {
  const further = plainSentences.filter((sentence) => !offer.startsWith(sentence)).slice(0, 2);

  return [offer, ...further]
    .map((text) => (/[.!?…。！？]$/u.test(text) ? text : `${text}.`))
    .join(' ');
}

/** The text as it stands within a sentence: a capital that the brief does without is taken away. */
function asWithin(text: string, { description, offer, audience_hint: hint }: Brief): string {
  const [first = ''] = text.split(' ');
  const lower = first.toLowerCase();
  const told = ` ${description.slice(0, 20_000)} ${offer?.what ?? ''} ${hint ?? ''} `;
  const isPlain = told.includes(` ${lower} `);

  return (isPlain ? lower + text.slice(first.length) : text).replace(/[.\s]+$/, '');
}

const superlative =
  /\b(?:best|leading|number one|no\. ?1|cheapest|fastest|largest|only|guaranteed?|unique|proven|award)\b/i;

/** True when a sentence states a figure or a superlative. */
export function needsProof(sentence: string): boolean {
  return /\p{Nd}/u.test(sentence) || matches(superlative, sentence);
}

function audienceOf(brief: Brief, upstream: Upstream): string | null {
  const [first] = upstream.vision.audiences;
  const name = first?.name ?? '';

  return name || sentences(brief.audience_hint ?? '')[0] || null;
}

/** An address that can be linked to, or null. */
export function linkOf(brief: Brief): string | null {
  const { offer, client } = brief;
  const addresses = [
    offer?.url,
    client?.domain === undefined ? undefined : `https://${client.domain}/`,
  ];
  const usable = addresses.find(
    (address) =>
      address !== undefined &&
      /^https?:\/\/[^\s<>"]+\.[^\s<>"]+$/i.test(address) &&
      URL.canParse(address),
  );

  return usable ?? null;
}

const hardCtas: Record<Brief['objective'], string[]> = {
  awareness: ['Watch the story', 'Follow along'],
  leads: ['Request a quote', 'Book a call'],
  sales: ['Order today', 'Add to basket'],
  retention: ['Come back and see', 'Renew today'],
  launch: ['Be among the first', 'Reserve yours'],
  report: ['Read the findings', 'Get the report'],
  other: ['Get started', 'Talk to us'],
};

const softCtas = ['See how it works', 'Read the details', 'Look inside'];
const mediumCtas = ['Compare the options', 'Check if it fits', 'Ask a question'];

function ctasOf(brief: Brief, pen: Pen): Subject['ctas'] {
  const ranked = [
    { strength: 'hard', candidates: hardCtas[brief.objective] },
    { strength: 'medium', candidates: mediumCtas },
    { strength: 'soft', candidates: softCtas },
  ] as const;
  const chosen: Subject['ctas'] = [];

  for (const { strength, candidates } of ranked) {
    const isNew = (text: string) => chosen.every((other) => other.text !== text);
    chosen.push(...pen.pick(1, [...candidates], isNew).map((text) => ({ text, strength })));
  }
  return chosen;
}

const weakCtas = new Set(['learn more', 'click here', 'submit']);

/** True for calls to action that say nothing of what follows. */
export function isWeakCta(text: string): boolean {
  return weakCtas.has(
    text
      .trim()
      .toLowerCase()
      .replace(/[.!…]+$/, ''),
  );
}
