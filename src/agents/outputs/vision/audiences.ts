// Drafts the audiences by rules: named after the brief's own words, filled in by how far people are.
import { channelsOf, type Material, painsIn } from '../material.ts';
import { oneLine, sentences, trimTo, wordCount } from '../wording.ts';
import type { Audience } from './schema.ts';

type Stage = Pick<Audience, 'job_to_be_done' | 'pains' | 'desires' | 'objections' | 'triggers'>;

/** Two to four audiences, each with at least three pains. */
export function draftAudiences(material: Material): Audience[] {
  const { brief, ledger, topic } = material;
  const named = hintedNames(brief.audience_hint ?? '');
  const names = [...named, ...usualNames(material)].slice(0, Math.max(2, named.length));
  const guess = ledger.add({
    kind: 'model_estimate',
    claim: `Pains, desires and objections of people interested in ${topic}: a working hypothesis by rules, not research`,
  });
  const hint =
    named.length === 0
      ? null
      : ledger.add({
          kind: 'brief',
          claim: `The brief describes the audience: ${trimTo(brief.audience_hint ?? '', 200)}`,
        });

  const stages =
    brief.objective === 'retention' ? [using, comparing, deciding] : [unaware, comparing, deciding];

  return names.map((name, index) => {
    const stage = stages[index % stages.length] ?? unaware;
    const filled = stage(material);
    return {
      id: `A${index + 1}`,
      name,
      ...filled,
      pains: [...painsFor(index, names.length, brief), ...filled.pains].slice(0, 5),
      channels: channelsOf(brief),
      phrases_they_use: phrasesFor(index, material),
      evidence_ids: hint !== null && index < named.length ? [hint, guess] : [guess],
    };
  });
}

// "Home baristas, small cafes and roasters" names three groups; a long sentence describes one.
function hintedNames(hint: string): string[] {
  const line = oneLine(hint);
  if (line === '') return [];

  const parts = line.split(/[,;、,;]|\s(?:and|und|et|y|e|en|&)\s/u).map((part) => part.trim());
  const short = parts.filter((part) => part !== '' && part.length <= 60 && wordCount(part) <= 6);
  const isList = short.length === parts.filter((part) => part !== '').length && short.length > 1;
  const [first = line] = sentences(line);

  return isList ? [...new Set(short)].slice(0, 4) : [trimTo(first, 90)];
}

function usualNames({ brief, topic, client }: Material): string[] {
  switch (brief.objective) {
    case 'retention':
      return [`New customers of ${client}`, `Customers of ${client} who have gone quiet`];
    case 'sales':
      return [`First-time buyers of ${topic}`, `Buyers who compare ${topic} by price and proof`];
    case 'leads':
      return [`People who need ${topic} soon`, `People who compare providers of ${topic}`];
    case 'awareness':
    case 'launch':
      return [`People who meet ${topic} for the first time`, `People who already compare ${topic}`];
    case 'report':
    case 'other':
      return [`People who decide about ${topic}`, `People who use ${topic} day to day`];
  }
}

// What the brief itself calls a difficulty comes before anything the rules suppose.
function painsFor(index: number, count: number, brief: Material['brief']): string[] {
  return painsIn(brief)
    .filter((_, place) => place % count === index)
    .slice(0, 2);
}

function phrasesFor(index: number, { phrases, topic, english }: Material): string[] {
  const own = phrases.filter((_, place) => place % 2 === index % 2).slice(0, 3);
  const asked = english ? [[`${topic} explained`], [`${topic} price`, `${topic} reviews`]] : [];
  return [...new Set([...own, ...(asked[index % 2] ?? [])])];
}

function unaware({ topic, client }: Material): Stage {
  return {
    job_to_be_done: `Find out whether ${topic} can help, without spending an evening on it`,
    pains: [
      `It is not clear at first sight what ${topic} can do for someone like them`,
      'They do not know whom to believe, since every provider says much the same',
      'They put the decision off, because trying something new costs time',
    ],
    desires: ['A plain answer within a minute', `A safe way to try ${topic}`],
    objections: [`"I have never heard of ${client}."`, '"I manage well enough as it is."'],
    triggers: ['A recommendation by someone they know', 'A moment when the old way lets them down'],
  };
}

function comparing({ topic, client }: Material): Stage {
  return {
    job_to_be_done: `Choose among several offers of ${topic} and be sure of the choice`,
    pains: [
      'Offers are described so differently that they cannot be set side by side',
      'The full price and the conditions come late, or only on request',
      'Proof is missing: hardly any figures, cases or words of customers',
    ],
    desires: ['The differences on one page', 'Evidence from people in the same position'],
    objections: ['"What does it cost in all?"', `"Why ${client} and not the better-known name?"`],
    triggers: ['A date by which they have to decide', 'A price change at their present provider'],
  };
}

function using({ topic, client }: Material): Stage {
  return {
    job_to_be_done: `Get more out of ${topic} without learning it anew`,
    pains: [
      'After the start nobody shows them what else is possible',
      'A question that comes up waits too long for an answer',
      'They cannot tell what it has brought them so far',
    ],
    desires: ['Short hints at the right moment', 'A figure that shows the benefit'],
    objections: ['"I do not need more of it."', `"Why should I stay with ${client}?"`],
    triggers: ['The first result they can show', 'A renewal or the next invoice'],
  };
}

function deciding({ topic, client }: Material): Stage {
  return {
    job_to_be_done: `Choose ${topic} on behalf of others and not regret it`,
    pains: [
      'They decide for others and are not sure what suits them',
      'A wrong choice falls back on them',
      'They have no time to read up on what they do not use themselves',
    ],
    desires: ['A choice they can justify in one sentence', 'A way back if it does not fit'],
    objections: ['"What if the others do not like it?"', `"Has anyone like us chosen ${client}?"`],
    triggers: ['An occasion with a fixed date', 'A request from the people they decide for'],
  };
}
