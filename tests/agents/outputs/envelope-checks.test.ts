// The checks that all agents share: each finds its fault, and lets through what only looks like one.
import { describe, expect, test } from 'vitest';

import type { AnyOutput } from '../../../src/core/output.ts';
import {
  envelopeChecks,
  handoffIds,
  rule,
  unresolvedReferences,
} from '../../../src/agents/outputs/envelope-checks.ts';
import type { OutputFacts } from '../../../src/agents/outputs/kind.ts';
import { usualBrief } from './envelope-checks-briefs.ts';
import { auditOf, factsOf, failedAudit, failures, tableOf } from './envelope-checks-findings.ts';

const sound: AnyOutput = {
  schema_version: 1,
  agent: 'echo',
  summary: 'A summary that is long enough to be one, and says nothing wrong.',
  data: {
    headlines: [{ id: 'H1', text: 'Fresh beans', evidence_id: 'E1' }],
    note: 'Cancel any time.',
  },
  evidence: [{ id: 'E1', claim: 'The brief says so', kind: 'brief' }],
  uses: [],
  assumptions: [],
  open_questions: [],
  confidence: 'low',
};
const upstream: AnyOutput = {
  ...sound,
  agent: 'vision',
  data: { audiences: [{ id: 'A1' }, { id: 'A2' }], brand: { promise: 'x' } },
  evidence: [{ id: 'E1', claim: 'A page', kind: 'page', url: 'https://seen.example/' }],
};

function found(more: Partial<AnyOutput>, facts: Partial<OutputFacts> = {}): string[] {
  const checks = envelopeChecks({ ...sound, ...more }, factsOf(usualBrief, facts));
  return failures(checks).map(({ id }) => id);
}

test('a sound output passes every check', () => {
  const checks = envelopeChecks(sound, factsOf(usualBrief));

  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(checks.length).toBeGreaterThan(8);
});

describe('placeholders', () => {
  test.each([
    '[Client] roasts',
    'Hello {{first_name}}',
    'Lorem ipsum dolor',
    'Price: TBD',
    'Save XX% now',
    '[Your Brand Here]',
    '[Product Name]',
  ])('finds %s', (text) => {
    expect(found({ data: { text } })).toEqual(['text.placeholder']);
  });

  test.each([
    '[Client](https://a.example)',
    'XXL at 20 %',
    '[sic]',
    'todo en uno',
    'https://lorem.example/',
    'clients',
  ])('lets %s through', (text) => {
    expect(found({ data: { text } })).toEqual([]);
  });
});

describe('banned words', () => {
  test.each(['So cheap!', 'CHEAP', 'a cutting-edge roaster', 'Cutting-Edge'])(
    'finds %s',
    (text) => {
      expect(found({ data: { text } })).toEqual(['text.banned_word']);
    },
  );

  test('finds one in the summary', () => {
    expect(found({ summary: 'A cheap summary that is long enough to count as one.' })).toEqual([
      'text.banned_word',
    ]);
  });

  test.each([
    ['cheaper', { text: 'cheaper by far' }],
    ['a rule that forbids it', { dont: ['Never say cheap'] }],
    ['a negative keyword', { negatives: ['cheap'] }],
    ['an address', { link: 'https://cheap.example/' }],
  ])('lets %s through', (_, data) => {
    expect(found({ data })).toEqual([]);
  });
});

test('warns of a disclaimer that is nowhere', () => {
  const checks = envelopeChecks({ ...sound, data: {} }, factsOf(usualBrief));

  expect(failures(checks)).toEqual([]);
  expect(failures(checks, 'warn')).toMatchObject([
    { id: 'text.disclaimer', limit: expect.stringContaining('Cancel any time.') },
  ]);
});

describe('contacts', () => {
  test.each([
    'Write to boss@corp.example',
    'Call +49 170 1234567',
    'Call (030) 123 456 78',
    'Call 555-123-4567',
  ])('finds %s', (text) => {
    expect(found({ data: { text } })).toEqual(['text.contact']);
  });

  test.each([
    'On 06-12-2026 and 2026-12-06',
    'Sales of 1,234,567,890',
    'Rate 0.123456789',
    '@kaldi',
    '00:00:12',
  ])('lets %s through', (text) => {
    expect(found({ data: { text } })).toEqual([]);
  });

  test('lets those through that the brief or a page holds, however spaced', () => {
    const brief = { ...usualBrief, description: 'Call 030/1234-5678.' };
    const facts = factsOf(brief, { findings: [auditOf('https://kaldi.example/')] });
    const data = { text: 'Write to Hello@kaldi.example or call 030 12345678' };

    expect(failures(envelopeChecks({ ...sound, data }, facts))).toEqual([]);
  });
});

describe('evidence', () => {
  test.each([
    [{ evidence_id: 'E9' }],
    [{ list: [{ evidence_ids: ['E1', 'E9'] }] }],
    [{ deep: { proof_evidence_ids: ['E9'] } }],
    [{ reasons_to_believe: ['E9'] }],
  ])('finds an unknown id in %o', (data) => {
    expect(found({ data })).toEqual(['evidence.resolves']);
  });

  test('finds an id given twice', () => {
    expect(found({ evidence: [...sound.evidence, ...sound.evidence] })).toEqual(['id.unique']);
  });

  const page = (url?: string) => ({
    id: 'E1',
    claim: 'c',
    kind: 'page' as const,
    ...(url === undefined ? {} : { url }),
  });

  test.each([
    ['a page nobody read', page('https://other.example/')],
    ['a page without address', page()],
    ['a page that did not answer', page('https://gone.example/')],
    ['a page that answered 404', page('https://lost.example/')],
    ['a file nobody read', { id: 'E1', claim: 'c', kind: 'upload' as const, file: 'x.csv' }],
    ['a call nobody made', { id: 'E1', claim: 'c', kind: 'api' as const, tool_call_id: 'none' }],
  ])('finds %s', (_, item) => {
    const findings = [
      failedAudit('https://gone.example/'),
      auditOf('https://lost.example/', { status: 404 }),
    ];

    expect(found({ evidence: [item] }, { findings })).toEqual(['evidence.source']);
  });

  test.each([
    ['a page that was read, slash or not', page('https://kaldi.example')],
    ['the page it redirected to', page('https://www.kaldi.example/start')],
    ['a file that was read', { id: 'E1', claim: 'c', kind: 'upload' as const, file: 'sales.csv' }],
    ['a page of the handoff', page('https://seen.example/')],
    [
      'a call that succeeded',
      { id: 'E1', claim: 'c', kind: 'api' as const, tool_call_id: 'call-table' },
    ],
  ])('lets %s through', (_, item) => {
    const findings = [
      auditOf('https://kaldi.example/', { final_url: 'https://www.kaldi.example/start' }),
      tableOf(),
    ];

    expect(found({ evidence: [item] }, { findings, handoff: { vision: upstream } })).toEqual([]);
  });
});

describe('what came from upstream', () => {
  test.each([
    ['vision.audiences.A1', true],
    ['vision.audiences.A2', true],
    ['vision.data.audiences.A1', true],
    ['vision.brand.promise', true],
    ['vision.evidence.E1', true],
    ['vision.audiences.A3', false],
    ['vision', false],
    ['apex.keywords.K1', false],
    ['vision.constructor', false],
    ['constructor.name', false],
  ])('%s resolves: %s', (id, resolves) => {
    const uses = [{ upstream_id: id, at: 'data.headlines[0]' }];

    expect(found({ uses }, { handoff: { vision: upstream } })).toEqual(
      resolves ? [] : ['uses.resolves'],
    );
  });

  test('each agent that failed has to be named among the assumptions', () => {
    expect(found({ assumptions: ['Vision failed.'] }, { missing: ['vision', 'apex'] })).toEqual([
      'assumptions.losses',
    ]);
    expect(
      found({ assumptions: ['Vision and Apex failed.'] }, { missing: ['vision', 'apex'] }),
    ).toEqual([]);
  });

  test('ids of a list are known; those of an absent agent are none', () => {
    const facts = factsOf(usualBrief, { handoff: { vision: upstream } });

    expect(handoffIds(facts, 'vision', 'audiences')).toEqual(new Set(['A1', 'A2']));
    expect(handoffIds(facts, 'vision', 'brand')).toEqual(new Set());
    expect(handoffIds(facts, 'apex', 'keywords')).toEqual(new Set());
  });
});

describe('the building blocks', () => {
  test('a rule without faults is one passed check, else one failed check for each', () => {
    const limits = { id: 'some.rule', path: 'data', limit: 3 };

    expect(rule(limits, [])).toMatchObject([{ ok: true, level: 'error', path: 'data' }]);
    expect(
      rule(limits, [
        { path: 'data.a', measured: 4 },
        { path: 'data.b', measured: 5, limit: 2 },
      ]),
    ).toMatchObject([
      { ok: false, path: 'data.a', limit: 3 },
      { ok: false, path: 'data.b', limit: 2 },
    ]);
  });

  test('an unresolved reference says which ids there are', () => {
    const [failed] = failures(unresolvedReferences(['A1', 'A9'], new Set(['A1', 'A2']), 'data.x'));

    expect(failed).toMatchObject({ path: 'data.x', measured: 'A9', limit: 'one of: A1, A2' });
  });
});
