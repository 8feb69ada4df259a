// The checks that all seven agents share: wording, references, evidence and what was lost upstream.
import type { AnyOutput, Check } from '../../core/output.ts';
import { unknownContacts } from './contacts.ts';
import type { OutputFacts } from './kind.ts';
import {
  bannedPattern,
  isFixedField,
  mayHoldBanned,
  placeholderPattern,
  stringsOf,
} from './prose.ts';
import { knownSources } from './sources.ts';

/** One place where a rule is broken. `limit` replaces the rule's own where it differs by place. */
export type Fault = { path: string; measured: string | number; limit?: string | number };

export type Rule = {
  /** Such as `vision.pains`. */
  id: string;
  /** Default `error`. */
  level?: Check['level'];
  /** The part of the output the rule looks at, named when the rule holds. */
  path: string;
  /** What a correct output looks like, in words that tell a model what to mend. */
  limit: string | number;
};

/** One passed check when there are no faults, else one failed check for each. */
export function rule({ id, level = 'error', path, limit }: Rule, faults: Fault[]): Check[] {
  if (faults.length === 0) return [{ id, level, ok: true, path, measured: 'ok', limit }];

  return faults.map((fault) => ({
    id,
    level,
    ok: false,
    path: fault.path,
    measured: fault.measured,
    limit: fault.limit ?? limit,
  }));
}

/** Every id must be among the known ones: an error-level rule for all agents. */
export function unresolvedReferences(ids: string[], known: Set<string>, path: string): Check[] {
  const some = [...known].slice(0, 20).join(', ') || 'none';
  const faults = ids.filter((id) => !known.has(id)).map((id) => ({ path, measured: id }));

  return rule({ id: 'reference.resolves', path, limit: `one of: ${some}` }, faults);
}

/** Every id of a list must be there once. */
export function repeatedIds(ids: string[], path: string): Check[] {
  const repeated = ids.filter((id, index) => ids.indexOf(id) !== index);
  const faults = [...new Set(repeated)].map((id) => ({ path, measured: id }));

  return rule({ id: 'id.unique', path, limit: 'each id once' }, faults);
}

/** The checks on the envelope and on wording that hold for every agent. Pure. */
export function envelopeChecks(output: AnyOutput, facts: OutputFacts): Check[] {
  return [
    ...placeholders(output),
    ...bannedWords(output, facts),
    ...disclaimers(output, facts),
    ...contacts(output, facts),
    ...repeatedIds(
      output.evidence.map((item) => item.id),
      'evidence',
    ),
    ...evidenceReferences(output),
    ...evidenceSources(output, facts),
    ...upstreamUses(output, facts),
    ...losses(output, facts),
  ];
}

function placeholders(output: AnyOutput): Check[] {
  const faults = stringsOf(output, '')
    .filter(({ key, text }) => !isFixedField(key, text))
    .flatMap(({ path, text }) =>
      (text.match(placeholderPattern) ?? []).map((hit) => ({ path, hit })),
    )
    .map(({ path, hit }) => ({ path, measured: hit }));

  return rule({ id: 'text.placeholder', path: '', limit: 'no text left to fill in' }, faults);
}

function bannedWords(output: AnyOutput, facts: OutputFacts): Check[] {
  const pattern = bannedPattern(facts.brief.client?.brand?.banned_words ?? []);
  if (pattern === null) return [];

  const wording = [...stringsOf(output.summary, 'summary'), ...stringsOf(output.data, 'data')];
  const faults = wording
    .filter(({ key, text }) => !mayHoldBanned(key, text))
    .flatMap(({ path, text }) =>
      (text.normalize('NFC').match(pattern) ?? []).map((hit) => ({ path, hit })),
    )
    .map(({ path, hit }) => ({ path, measured: hit }));

  return rule({ id: 'text.banned_word', path: 'data', limit: 'no word the client bans' }, faults);
}

function disclaimers(output: AnyOutput, facts: OutputFacts): Check[] {
  const required = facts.brief.client?.brand?.required_disclaimers ?? [];
  const wanted = required.filter(({ text }) => text.trim() !== '');
  if (wanted.length === 0) return [];

  const flat = (text: string) => text.replace(/\s+/g, ' ').trim().toLowerCase();
  const written = flat(
    stringsOf(output.data, 'data')
      .map(({ text }) => text)
      .join('\n'),
  );
  const faults = wanted
    .filter(({ text }) => !written.includes(flat(text)))
    .map(({ text, when }) => ({
      path: 'data',
      measured: 'absent',
      limit: `"${text}", due: ${when || 'always'}`,
    }));

  return rule(
    { id: 'text.disclaimer', level: 'warn', path: 'data', limit: 'every required disclaimer' },
    faults,
  );
}

function contacts(output: AnyOutput, facts: OutputFacts): Check[] {
  const faults = unknownContacts(stringsOf(output, ''), [facts.brief, facts.findings]).map(
    ({ path, contact }) => ({ path, measured: contact }),
  );

  return rule(
    {
      id: 'text.contact',
      path: '',
      limit: 'only e-mail addresses and phone numbers of the brief or of a page that was read',
    },
    faults,
  );
}

const evidenceFields = new Set([
  'evidence_id',
  'evidence_ids',
  'proof_evidence_ids',
  'reasons_to_believe',
]);

function evidenceReferences(output: AnyOutput): Check[] {
  const known = new Set(output.evidence.map((item) => item.id));
  const faults = stringsOf(output.data, 'data')
    .filter(({ key, text }) => evidenceFields.has(key) && !known.has(text))
    .map(({ path, text }) => ({ path, measured: text }));

  return rule(
    {
      id: 'evidence.resolves',
      path: 'data',
      limit: `an id of \`evidence\`: ${[...known].slice(0, 30).join(', ') || 'none is given'}`,
    },
    faults,
  );
}

// A source that no tool reached would be made up: the model's memory of a page is `model_estimate`.
function evidenceSources(output: AnyOutput, facts: OutputFacts): Check[] {
  const sources = knownSources(facts);
  const faults = output.evidence.flatMap((item, index) =>
    sources.has(item)
      ? []
      : [
          {
            path: `evidence[${index}]`,
            measured: `${item.kind} ${item.url ?? item.file ?? ''}`.trim(),
          },
        ],
  );

  return rule(
    {
      id: 'evidence.source',
      path: 'evidence',
      limit:
        'kind page needs the `url`, upload the `file`, api the `tool_call_id` of a tool call that succeeded; else use brief, calc or model_estimate',
    },
    faults,
  );
}

function upstreamUses(output: AnyOutput, facts: OutputFacts): Check[] {
  const faults = output.uses.flatMap(({ upstream_id }, index) =>
    resolvesUpstream(upstream_id, facts)
      ? []
      : [{ path: `uses[${index}].upstream_id`, measured: upstream_id }],
  );
  const agents = Object.keys(facts.handoff).join(', ') || 'none';

  return rule(
    {
      id: 'uses.resolves',
      path: 'uses',
      limit: `an item handed over, such as vision.audiences.A1; handed over by: ${agents}`,
    },
    faults,
  );
}

function resolvesUpstream(upstreamId: string, facts: OutputFacts): boolean {
  const [agent = '', ...steps] = upstreamId.split('.');
  const upstream = Object.hasOwn(facts.handoff, agent) ? facts.handoff[agent] : undefined;
  if (upstream === undefined) return false;

  const path = steps[0] === 'data' ? steps.slice(1) : steps;
  let here: unknown = path[0] === 'evidence' ? upstream : upstream.data;
  for (const step of path) here = stepInto(here, step);
  return here !== undefined && path.length > 0;
}

function stepInto(value: unknown, step: string): unknown {
  if (Array.isArray(value)) {
    return value.find((item: unknown) => idOf(item) === step) ?? value[Number(step)];
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;

  return Object.entries(value).find(([name]) => name === step)?.[1];
}

function idOf(item: unknown): unknown {
  return typeof item === 'object' && item !== null && 'id' in item ? item.id : undefined;
}

/** Ids of one list of an upstream agent's data, such as `handoffIds(facts, 'vision', 'audiences')`; empty when absent. */
export function handoffIds(facts: OutputFacts, agent: string, list: string): Set<string> {
  const items: unknown = facts.handoff[agent]?.data[list];
  if (!Array.isArray(items)) return new Set();

  return new Set(items.map(idOf).filter((id) => typeof id === 'string'));
}

function losses(output: AnyOutput, facts: OutputFacts): Check[] {
  const said = output.assumptions.join('\n').toLowerCase();
  const faults = facts.missing
    .filter((agent) => !said.includes(agent.toLowerCase()))
    .map((agent) => ({ path: 'assumptions', measured: `${agent} is not named` }));

  return rule(
    {
      id: 'assumptions.losses',
      path: 'assumptions',
      limit: 'each agent that failed upstream is named, with what its absence means',
    },
    faults,
  );
}
