// Vision's drafts hold against odd briefs, its checks find what is wrong, and its files can be read.
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';

import { VisionOutput } from '../../../src/agents/outputs/vision/schema.ts';
import { visionKind } from '../../../src/agents/outputs/vision/vision.ts';
import { hostileBriefs, usualBrief } from './envelope-checks-briefs.ts';
import {
  contextOf,
  factsOf,
  failures,
  first,
  usualFindings,
  verdict,
} from './envelope-checks-findings.ts';

const usualFacts = factsOf(usualBrief, { findings: usualFindings });

describe('the draft by rules', () => {
  test.each(hostileBriefs)('passes every error-level check for a brief with %s', (_, brief) => {
    const facts = factsOf(brief, { missing: ['apex'] });

    const output = visionKind.draft(facts);

    expect(VisionOutput.parse(output)).toEqual(output);
    expect(failures(verdict(visionKind, output, facts))).toEqual([]);
  });

  test.each(hostileBriefs)('passes with findings for a brief with %s', (_, brief) => {
    const facts = factsOf(brief, { findings: usualFindings });

    const output = visionKind.draft(facts);

    expect(failures(verdict(visionKind, output, facts))).toEqual([]);
  });

  test('repeats exactly', () => {
    expect(visionKind.draft(usualFacts)).toEqual(visionKind.draft(usualFacts));
  });

  test('speaks in the words of the brief and of the pages that were read', () => {
    const { data, confidence, assumptions } = visionKind.draft(usualFacts);

    expect(data.audiences.map(({ name }) => name)).toEqual([
      'Home baristas',
      'small cafes',
      'gift buyers',
    ]);
    expect(data.audiences[0]?.pains[0]).toContain('struggle to find fresh beans');
    expect(data.competitors).toMatchObject([
      { domain: 'rival.example', status: 'reached', positioning: 'Beans by post' },
      { domain: 'gone.example', status: 'unreachable' },
    ]);
    expect(data.brand.visual).toMatchObject({ source: 'brief', fonts: ['Recoleta'] });
    expect(confidence).toBe('low');
    expect(assumptions[0]).toContain('made by rules');
  });

  test('takes nothing that the brief asks of the agency for proof, pain or difference', () => {
    const asked = [
      'Plan the launch: whom to talk to, without missing anyone.',
      'Design the only box that people struggle to put down.',
      'We need you to draft 12 posts because no other agency will.',
    ];
    const description = `${usualBrief.description} ${asked.join(' ')}`;
    const facts = factsOf({ ...usualBrief, description });

    const output = JSON.stringify(visionKind.draft(facts));

    expect(output).toContain('won the 2025 Roaster Award');
    for (const text of asked) expect(output).not.toContain(text.slice(0, 20));
  });

  test('asks for the pages of the client and of its competitors, not twice for its own', () => {
    const urls = visionKind.wants(factsOf(usualBrief)).map(({ input }) => input['url']);

    expect(urls).toEqual([
      'https://kaldi.example/',
      'https://kaldi.example/box',
      'https://rival.example/',
      'https://gone.example/',
    ]);
  });
});

type Spoil = (output: VisionOutput) => void;

const faults: [string, string, Spoil][] = [
  ['vision.audiences', 'one audience', ({ data }) => data.audiences.splice(1)],
  ['vision.pains', 'two pains', ({ data }) => first(data.audiences).pains.splice(2)],
  ['vision.pillars', 'two pillars', ({ data }) => data.pillars.splice(2)],
  [
    'vision.pillar_ties',
    'a pillar for nobody',
    ({ data }) => first(data.pillars).audience_ids.splice(0),
  ],
  [
    'vision.pillar_ties',
    'a pillar without proof',
    ({ data }) => first(data.pillars).proof_evidence_ids.splice(0),
  ],
  [
    'reference.resolves',
    'a pillar for an unknown audience',
    ({ data }) => first(data.pillars).audience_ids.push('A9'),
  ],
  ['id.unique', 'two audiences of one id', ({ data }) => (first(data.audiences).id = 'A2')],
  [
    'vision.score',
    'a score that is not impact by effort',
    ({ data }) => (first(data.opportunities).score = 9),
  ],
  [
    'vision.statement',
    'a statement of 41 words',
    ({ data }) => (data.positioning.statement = 'word '.repeat(41)),
  ],
  ['vision.voice', 'two adjectives', ({ data }) => data.brand.voice.adjectives.splice(2)],
  [
    'vision.competitor',
    'the client among its competitors',
    ({ data }) => (first(data.competitors).domain = 'www.kaldi.example'),
  ],
  [
    'vision.competitor',
    'a competitor that nobody read',
    ({ data }) => (first(data.competitors).domain = 'other.example'),
  ],
  [
    'vision.competitor',
    'a read competitor called unreachable',
    ({ data }) => (first(data.competitors).status = 'unreachable'),
  ],
  [
    'vision.price',
    'a price that its page does not state',
    ({ data, evidence }) => {
      evidence.push({ id: 'E99', claim: 'Price', kind: 'page', url: 'https://rival.example/' });
      first(data.competitors).prices.push({
        item: 'Box',
        amount: 25,
        currency: 'EUR',
        evidence_id: 'E99',
      });
    },
  ],
  [
    'vision.proof',
    'proof by estimates',
    ({ data, evidence }) => {
      evidence.push({ id: 'E99', claim: 'A guess', kind: 'model_estimate' });
      for (const proof of data.brand.proof) proof.evidence_id = 'E99';
    },
  ],
];

describe('the checks', () => {
  test.each(faults)('%s finds %s', (id, _, spoil) => {
    const output = structuredClone(visionKind.draft(usualFacts));

    spoil(output);

    const found = failures(visionKind.check(output, usualFacts));
    expect(found.map((check) => check.id)).toContain(id);
    expect(found.every(({ path, limit }) => path !== '' && limit !== '')).toBe(true);
  });

  test.each([
    [24, true],
    [24.5, false],
    [2, false],
  ])('a price of %d counts as stated: %s', (amount, isStated) => {
    const output = structuredClone(visionKind.draft(usualFacts));
    output.evidence.push({ id: 'E99', claim: 'Price', kind: 'page', url: 'https://rival.example' });

    first(output.data.competitors).prices.push({
      item: 'Box',
      amount,
      currency: 'EUR',
      evidence_id: 'E99',
    });

    const found = failures(visionKind.check(output, usualFacts)).map(({ id }) => id);
    expect(found.includes('vision.price')).toBe(!isStated);
  });

  test('only warns of unproven statements where the brief gives no material', () => {
    const [, brief] = hostileBriefs[0] ?? ['', usualBrief];
    const facts = factsOf(brief);
    const output = structuredClone(visionKind.draft(facts));

    output.evidence = output.evidence.map((item) => ({ ...item, kind: 'model_estimate' }));

    expect(failures(visionKind.check(output, facts))).toEqual([]);
    expect(failures(visionKind.check(output, facts), 'warn').map(({ id }) => id)).toContain(
      'vision.proof',
    );
  });
});

describe('the files', () => {
  test.each([true, false])('parse, and say who drafted them (by rules: %s)', (byRules) => {
    const output = visionKind.draft(usualFacts);

    const files = visionKind.files(output, contextOf(usualBrief, byRules));

    for (const { name, kind, content } of files) {
      const text = String(content);
      expect(text.includes(byRules ? 'rules' : 'some-model'), name).toBe(true);
      if (kind === 'sheet')
        expect(parse(text, { columns: true, bom: true }).length).toBeGreaterThan(0);
      if (kind === 'json') expect(JSON.parse(text)).toBeTypeOf('object');
    }
    expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
  });

  test('are there for every brief, and none is empty', () => {
    for (const [oddity, brief] of hostileBriefs) {
      const output = visionKind.draft(factsOf(brief));

      const files = visionKind.files(output, contextOf(brief, true));

      expect(
        files.map(({ name }) => name),
        oddity,
      ).toEqual([
        'vision-brand-and-market.md',
        'vision-output-competitors.csv',
        'vision-output-audiences.csv',
        'vision-output-messaging.csv',
        'vision-output-opportunities.csv',
        'vision-output-evidence.csv',
        'brand-tokens.json',
        'vision-output.json',
      ]);
      expect(files.every(({ content }) => content.length > 20)).toBe(true);
    }
  });
});
