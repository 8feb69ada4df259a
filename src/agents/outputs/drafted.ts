// Puts the envelope around a draft by rules, and takes out of its wording what the checks forbid.
import type { Evidence } from '../../core/output.ts';
import type { AgentName } from '../../core/task.ts';
import { contactsIn, unknownContacts } from './contacts.ts';
import type { OutputFacts } from './kind.ts';
import {
  bannedPattern,
  isFixedField,
  mapStrings,
  mayHoldBanned,
  placeholderPattern,
  stringsOf,
} from './prose.ts';
import { localeNote, oneLine, trimTo } from './wording.ts';

export type DraftParts = {
  agent: AgentName;
  /** One or more sentences; the first line is what notifications show. */
  summary: string;
  data: Record<string, unknown>;
  evidence: Evidence[];
  uses?: { upstream_id: string; at: string }[];
  assumptions: string[];
  openQuestions: string[];
};

/** The whole output of a draft, still to be parsed by the agent's own schema. */
export function drafted(facts: OutputFacts, parts: DraftParts): unknown {
  const { agent, data, evidence, uses = [], openQuestions } = parts;

  return cleaned(
    {
      schema_version: 1,
      agent,
      summary: summaryOf(parts.summary, facts),
      data,
      evidence,
      uses,
      assumptions: [...draftAssumptions(facts), ...parts.assumptions].slice(0, 100),
      open_questions: openQuestions.slice(0, 100),
      confidence: 'low',
    },
    facts,
  );
}

/** What every draft by rules has to own up to. */
export function draftAssumptions(facts: OutputFacts): string[] {
  const { brief, missing, findings } = facts;
  const failed = findings.filter((finding) => finding.value === null);

  return [
    'This draft was made by rules from the brief and from what the tools measured, not by a language model; a person has to review it before use.',
    ...missing.map(
      (agent) => `The work of ${agent} is missing because it failed; nothing here builds on it.`,
    ),
    localeNote(brief),
    brief.client === undefined
      ? 'The brief names no client; the title of the brief stands in for the name.'
      : null,
    ...failed.slice(0, 12).map((finding) => failureNote(finding)),
  ].filter((line) => line !== null);
}

function failureNote({ tool, input, error }: OutputFacts['findings'][number]): string {
  const about = [input['url'], input['file']].find((field) => typeof field === 'string') ?? '';
  return trimTo(
    `${tool} gave nothing for ${about || 'its input'}: ${error ?? 'no reason given'}`,
    300,
  );
}

/** A copy without the client's banned words in its wording, and without placeholders and stray contacts. */
export function cleaned(output: unknown, facts: OutputFacts): unknown {
  const banned = bannedPattern(facts.brief.client?.brand?.banned_words ?? []);
  let here = withoutForbidden(output, { banned, stray: [] });

  // What is left of a date or an address can look like a contact that nobody gave.
  for (let round = 0; round < 5; round += 1) {
    const stray = strayContacts(here, facts);
    if (stray.length === 0) break;
    here = withoutForbidden(here, { banned, stray });
  }
  return here;
}

// Assumptions, questions and evidence say how things are; only the work itself is the client's wording.
function withoutForbidden(output: unknown, { banned, stray }: Forbidden): unknown {
  return mapStrings(output, (text, key) => {
    if (text === '' || isFixedField(key, text)) return text;
    const free = mayHoldBanned(key) || notWording.has(key) ? null : banned;
    const own = stray.length === 0 ? [] : contactsIn(text).filter((hit) => stray.includes(hit));
    return cleanText(text, { banned: free, stray: own }) || filler(banned);
  });
}

const notWording = new Set(['assumptions', 'open_questions', 'claim', 'value']);

type Forbidden = { banned: RegExp | null; stray: string[] };

/** One text without what is forbidden; empty when nothing is left. Unchanged when nothing was found. */
export function cleanText(text: string, { banned, stray }: Forbidden): string {
  let here = text.normalize('NFC');
  // Taking a word out can bring the halves of another together, so look again until nothing is found.
  for (let round = 0; round < 20; round += 1) {
    const next = stray.reduce(
      (rest, contact) => rest.replaceAll(contact, ''),
      without(here, banned),
    );
    if (next === here) return here;
    here = tidy(next);
  }
  return '';
}

function without(text: string, banned: RegExp | null): string {
  const filled = text.replace(placeholderPattern, '');
  return banned === null ? filled : filled.replace(banned, '');
}

function tidy(text: string): string {
  const line = oneLine(text)
    .replace(/\s+([,.;:!?)])/g, '$1')
    .replace(/\(\s*\)|"\s*"|“\s*”/g, '')
    .replace(/^[\s,;:.]+/, '');
  return oneLine(line);
}

function strayContacts(output: unknown, { brief, findings }: OutputFacts): string[] {
  return unknownContacts(stringsOf(output, ''), [brief, findings]).map(({ contact }) => contact);
}

// Stands where a text lost all its words; a client may even have banned the dash.
function filler(banned: RegExp | null): string {
  const marks = ['–', '…', '·', '•', '|'];
  return marks.find((mark) => banned === null || mark.search(banned) < 0) ?? '–';
}

// A summary has at least 40 characters, whatever was taken out of it.
function summaryOf(text: string, facts: OutputFacts): string {
  const banned = bannedPattern(facts.brief.client?.brand?.banned_words ?? []);
  const clean = cleanText(trimTo(text, 560), { banned, stray: [] });
  if (clean.length >= 40) return clean;

  return clean + ` ${filler(banned)}`.repeat(20);
}
