// What the drafts by rules are made of: the client, the subject, quotable sentences and the pages read.
import type { Brief } from '../../core/brief.ts';
import { clientPages, type PageFinding, pagesIn } from './findings.ts';
import type { OutputFacts } from './kind.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { bannedPattern } from './prose.ts';
import {
  clientName,
  isInstruction,
  keyPhrases,
  offerOf,
  oneLine,
  sentences,
  topicOf,
  trimTo,
} from './wording.ts';

export type Quote = { text: string; evidenceId: string };

export type Material = {
  facts: OutputFacts;
  brief: Brief;
  ledger: Ledger;
  /** The client's banned words; null when there are none. */
  banned: RegExp | null;
  client: string;
  topic: string;
  offer: string;
  /** What the offer and the title are about, most telling first, free of banned words. May be empty. */
  subjects: string[];
  /** The subjects, then what the description speaks of beside them. May be empty. */
  phrases: string[];
  /** Sentences of the brief with their evidence; never empty. */
  quotes: Quote[];
  /** Pages of the client that answered. */
  pages: PageFinding[];
  /** True when the wording of the drafts, which is English, fits the client's locale. */
  english: boolean;
};

/** Reads the brief and the findings once, and starts the list of evidence with what the brief says. */
export function gatherMaterial(facts: OutputFacts): Material {
  const { brief } = facts;
  const ledger = createLedger();
  const banned = bannedPattern(brief.client?.brand?.banned_words ?? []);

  return {
    facts,
    brief,
    ledger,
    banned,
    client: clientName(brief),
    topic: topicOf(brief, banned),
    offer: offerOf(brief),
    ...subjectsOf(brief, banned),
    quotes: quotesOf(brief, ledger),
    pages: clientPages(facts),
    english: (brief.client?.locale ?? 'en-US').startsWith('en'),
  };
}

function subjectsOf(brief: Brief, banned: RegExp | null): Pick<Material, 'subjects' | 'phrases'> {
  const offer = brief.offer?.what ?? sentences(brief.description)[0] ?? '';
  // Difficulties and wishes are what the brief is for, not what the offer is about.
  const rest = sentences(brief.description).filter(
    (text) => !painCue.test(text) && !wishCue.test(text) && !isInstruction(text),
  );
  const telling = (text: string, limit: number) =>
    keyPhrases(text, limit, banned).filter((phrase) => !namesSomeone(brief, phrase));
  const strong = telling(`${offer}\n${brief.title}\n${brief.client?.industry ?? ''}`, 8);
  const subjects = strong.filter((phrase, index) => index === 0 || isPhrase(phrase));
  const others = telling(rest.join('\n'), 24).filter((phrase) => isPhrase(phrase));

  return { subjects, phrases: distinct([...subjects, ...others]) };
}

// A single word in Latin letters is too wide to plan with; a compound or a word in another script is not.
function isPhrase(text: string): boolean {
  return (
    text.includes(' ') || text.includes('-') || text.length > 12 || !/\p{sc=Latin}/u.test(text)
  );
}

// The client's name is known, and the audience is no subject.
function namesSomeone(brief: Brief, phrase: string): boolean {
  const names = brief.client === undefined ? [] : clientName(brief).toLowerCase().split(' ');
  const audience = oneLine(brief.audience_hint ?? '').toLowerCase();
  const text = phrase.toLowerCase();

  return audience.includes(text) || text.split(' ').some((word) => names.includes(word));
}

function distinct(phrases: string[]): string[] {
  const lower = phrases.map((phrase) => phrase.toLowerCase());
  return phrases.filter((_, index) => lower.indexOf(lower[index] ?? '') === index);
}

// The offer first, then the sentences of the description that claim something, then the rest.
function quotesOf(brief: Brief, ledger: Ledger): Quote[] {
  const told = sentences(brief.description)
    .slice(0, 60)
    .filter((text) => !isInstruction(text));
  const claims = told.filter((text) => claimCue.test(text) && !wishCue.test(text));
  const rest = told.filter((text) => !claimCue.test(text) && !wishCue.test(text));
  const offer = brief.offer === undefined ? [] : [brief.offer.what];
  const texts = [...offer, ...claims, ...rest]
    .map((text) => trimTo(text, 200))
    .filter((text) => text !== '');

  // A description of wishes or symbols alone proves nothing; still it says what the brief is about.
  const kept =
    texts.length === 0
      ? [trimTo(told[0] ?? brief.title, 200) || 'The brief holds no words.']
      : texts.slice(0, 8);
  return [...new Set(kept)].map((text) => ({
    text,
    evidenceId: ledger.add({ kind: 'brief', claim: `The brief says: ${text}` }),
  }));
}

const claimCue =
  /\d|award|certif|guarant|proven|rated|review|since|trusted|only|first|unlike|without|saves?\b|faster|cheaper|easier|patent|tested|seit|garant|zertifi/i;

// What the client wants of the campaign is no proof of what it offers.
const wishCue =
  /\b(?:we|i|they|client|team) (?:would like|want|need|hope|aim|plan|wish)|\b(?:goal|target|objective|budget|deadline|please|kpi)\b|\bwir (?:wollen|möchten|brauchen)|\bziel/i;

const painCue =
  /problem|struggl|pain|too (?:slow|expensive|hard|long|many|much)|difficult|hard to|frustrat|waste|lack|lose|losing|missing|worr|afraid|confus|complain|no time|behind|churn|drop|decline|expensive/i;

/** Sentences of the brief that speak of a difficulty. */
export function painsIn(brief: Brief): string[] {
  const texts = sentences(`${brief.audience_hint ?? ''}\n${brief.description}`);
  return texts
    .filter((text) => painCue.test(text) && !isInstruction(text))
    .map((text) => trimTo(text, 160))
    .slice(0, 6);
}

/** Sentences of the brief that say what sets the offer apart. */
export function differencesIn(brief: Brief): string[] {
  const cue = /\bonly\b|unlike|\bfirst\b|without|instead of|because|no other|unique|patent|own\b/i;
  return sentences(brief.description)
    .filter((text) => cue.test(text) && !isInstruction(text))
    .map((text) => trimTo(text, 160));
}

/** Adds what a page was measured to say, and answers the evidence id. */
export function pageEvidence(ledger: Ledger, page: PageFinding, claim: string): string {
  return ledger.add({
    kind: 'page',
    claim,
    url: page.url,
    tool_call_id: page.callId,
    ...(page.retrieved_at === '' ? {} : { retrieved_at: page.retrieved_at }),
  });
}

/** Pages of one competitor that answered. */
export function pagesOf(
  facts: OutputFacts,
  isTheirs: (page: PageFinding) => boolean,
): PageFinding[] {
  return pagesIn(facts.findings).filter(isTheirs);
}

/** The items of a list in words: `a, b and c`. */
export function listed(items: string[]): string {
  return items.length < 2
    ? items.join('')
    : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}

/** The channels of the brief, or those that usually serve its objective. */
export function channelsOf(brief: Brief): string[] {
  const named = brief.channels
    .map((channel) => trimTo(channel, 40))
    .filter((channel) => channel !== '');
  return named.length > 0 ? [...new Set(named)] : [...usualChannels[brief.objective]];
}

const usualChannels = {
  awareness: ['instagram', 'youtube', 'meta', 'pr'],
  leads: ['google', 'linkedin', 'email'],
  sales: ['google', 'meta', 'email'],
  retention: ['email', 'meta'],
  launch: ['instagram', 'google', 'email', 'youtube'],
  report: ['google', 'email'],
  other: ['google', 'meta', 'email'],
} as const satisfies Record<Brief['objective'], readonly string[]>;
