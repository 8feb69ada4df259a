// Apex's drafts hold against odd briefs, its checks find what is wrong, and its files can be read.
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';

import { apexKind } from '../../../src/agents/outputs/apex/apex.ts';
import { ApexOutput } from '../../../src/agents/outputs/apex/schema.ts';
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
    const facts = factsOf(brief, { missing: ['vision'] });

    const output = apexKind.draft(facts);

    expect(ApexOutput.parse(output)).toEqual(output);
    expect(failures(verdict(apexKind, output, facts))).toEqual([]);
  });

  test.each(hostileBriefs)('passes with findings and handoff for a brief with %s', (_, brief) => {
    const vision = visionKind.draft(factsOf(brief));
    const facts = factsOf(brief, { findings: usualFindings, handoff: { vision } });

    const output = apexKind.draft(facts);

    expect(failures(verdict(apexKind, output, facts))).toEqual([]);
    expect(output.uses.length).toBe(vision.data.audiences.length);
  });

  test('shows what was measured, proposes texts that fit, and invents no numbers', () => {
    const { data } = apexKind.draft(usualFacts);

    expect(data.audit).toMatchObject({ pages_crawled: 2, score: 86 });
    expect(data.audit.issues[0]).toMatchObject({ id: 'T1', rule: 'title_length', measured: 5 });
    expect(data.page_fixes.map(({ url }) => url)).toEqual([
      'https://kaldi.example/',
      'https://kaldi.example/box',
    ]);
    expect(data.keywords[0]).toMatchObject({
      term: 'organic espresso beans',
      volume: null,
      cpc: null,
    });
    expect(data.paid.channels.map(({ name, amount }) => [name, amount])).toEqual([
      ['google', 6250],
      ['instagram', 3750],
    ]);
  });

  test('proposes paths only where the brief names no site', () => {
    const [, brief] = hostileBriefs[0] ?? ['', usualBrief];

    const { data } = apexKind.draft(factsOf(brief));

    expect(data.page_fixes.map(({ url }) => url)).toEqual(['/']);
    expect(data.keywords.every(({ target_url: url }) => url === null)).toBe(true);
  });

  test('asks for the pages of the client only', () => {
    expect(apexKind.wants(usualFacts).map(({ input }) => input['url'])).toEqual([
      'https://kaldi.example/',
      'https://kaldi.example/box',
    ]);
  });
});

type Spoil = (output: ApexOutput) => void;
const estimate = { cpc: 2, clicks: 3125, cvr: 0.02, conversions: 62.5, cpa: 100 };

const faults: [string, string, Spoil][] = [
  ['apex.pages', 'more pages than were read', ({ data }) => (data.audit.pages_crawled = 9)],
  ['apex.score', 'a score of no pages', ({ data }) => (data.audit.pages_crawled = 0)],
  [
    'apex.issue',
    'an issue of a page nobody read',
    ({ data }) => (first(data.audit.issues).url = 'https://kaldi.example/x'),
  ],
  [
    'apex.issue',
    'an issue with another value',
    ({ data }) => (first(data.audit.issues).measured = 6),
  ],
  [
    'apex.keyword_unique',
    'a term twice',
    ({ data }) => (first(data.keywords).term = `${data.keywords[1]?.term.toUpperCase()}`),
  ],
  [
    'apex.keyword_length',
    'a term of eleven words',
    ({ data }) => (first(data.keywords).term = 'a b c d e f g h i j k'),
  ],
  [
    'apex.volume',
    'a volume that nobody measured',
    ({ data }) => (first(data.keywords).volume = 900),
  ],
  [
    'reference.resolves',
    'an unknown cluster',
    ({ data }) => (first(data.keywords).cluster_id = 'CL99'),
  ],
  [
    'reference.resolves',
    'an unknown keyword',
    ({ data }) => first(data.clusters).keyword_ids.push('K999'),
  ],
  [
    'reference.resolves',
    'an audience nobody handed over',
    ({ data }) => (first(data.paid.targeting).audience_id = 'A1'),
  ],
  [
    'id.unique',
    'an ad group id twice',
    ({ data }) => (first(first(data.paid.campaigns).ad_groups).id = 'G2'),
  ],
  [
    'apex.title_tag',
    'a title of 29 characters',
    ({ data }) => (first(data.page_fixes).title_tag = 'x'.repeat(29)),
  ],
  [
    'apex.meta_description',
    'a description of 161 characters',
    ({ data }) => (first(data.page_fixes).meta_description = 'x'.repeat(161)),
  ],
  [
    'apex.page_text_unique',
    'the same title twice',
    ({ data }) => (first(data.page_fixes).title_tag = `${data.page_fixes[1]?.title_tag}`),
  ],
  [
    'apex.domain',
    'a page on another domain',
    ({ data }) => (first(data.keywords).target_url = 'https://notkaldi.example/'),
  ],
  [
    'apex.domain',
    'a landing page that is a path',
    ({ data }) => (first(first(data.paid.campaigns).ad_groups).landing_url = '/box'),
  ],
  ['apex.utm', 'a code with a capital', ({ data }) => (first(data.utm).source = 'Google')],
  [
    'apex.budget',
    'another total',
    ({ data }) => data.paid.total !== null && (data.paid.total.amount = 9),
  ],
  ['apex.budget', 'no total', ({ data }) => (data.paid.total = null)],
  [
    'apex.shares',
    'shares beyond a hundred',
    ({ data }) => (first(data.paid.channels).share_pct = 80),
  ],
  [
    'apex.amounts',
    'amounts beyond the total',
    ({ data }) => (first(data.paid.channels).amount = 9000),
  ],
  [
    'apex.estimate',
    'clicks that are not amount by price',
    ({ data }) => (first(data.paid.channels).est = { ...estimate, clicks: 4000 }),
  ],
  [
    'apex.estimate',
    'conversions that are not clicks by rate',
    ({ data }) => (first(data.paid.channels).est = { ...estimate, conversions: 70 }),
  ],
  [
    'apex.estimate',
    'another cost per conversion',
    ({ data }) => (first(data.paid.channels).est = { ...estimate, cpa: 90 }),
  ],
  [
    'apex.estimate',
    'a rate above one',
    ({ data }) => (first(data.paid.channels).est = { ...estimate, cvr: 2 }),
  ],
  [
    'apex.assets',
    'a sitelink of 26 characters',
    ({ data }) => (first(data.paid.assets.sitelinks).text = 'x'.repeat(26)),
  ],
  [
    'apex.assets',
    'a sitelink line of 36 characters',
    ({ data }) => (first(data.paid.assets.sitelinks).d1 = 'x'.repeat(36)),
  ],
  [
    'apex.assets',
    'a callout of 13 wide characters',
    ({ data }) => data.paid.assets.callouts.push('麦'.repeat(13)),
  ],
  [
    'apex.assets',
    'a snippet value of 26 characters',
    ({ data }) => first(data.paid.assets.snippets).values.push('x'.repeat(26)),
  ],
];

describe('the checks', () => {
  test.each(faults)('%s finds %s', (id, _, spoil) => {
    const output = structuredClone(apexKind.draft(usualFacts));

    spoil(output);

    expect(failures(apexKind.check(output, usualFacts)).map((check) => check.id)).toContain(id);
  });

  test('let measured volumes and sound estimates pass', () => {
    const output = structuredClone(apexKind.draft(usualFacts));
    const keyword = first(output.data.keywords);

    output.evidence.push({ id: 'E99', claim: 'Volumes', kind: 'upload', file: 'sales.csv' });
    Object.assign(keyword, { volume: 900, cpc: 1.2, evidence_id: 'E99' });
    first(output.data.paid.channels).est = estimate;

    expect(failures(verdict(apexKind, output, usualFacts))).toEqual([]);
  });
});

describe('the files', () => {
  test.each([true, false])('parse, and say who drafted them (by rules: %s)', (byRules) => {
    const output = apexKind.draft(usualFacts);

    const files = apexKind.files(output, contextOf(usualBrief, byRules));

    for (const { name, kind, content } of files) {
      const text = String(content);
      expect(text.includes(byRules ? 'rules' : 'some-model'), name).toBe(true);
      if (kind === 'sheet')
        expect(parse(text, { columns: true, bom: true }).length, name).toBeGreaterThan(0);
      if (kind === 'json') expect(JSON.parse(text)).toBeTypeOf('object');
    }
  });

  test('hold an import for Google Ads Editor with everything paused', () => {
    const output = apexKind.draft(usualFacts);

    const files = apexKind.files(output, contextOf(usualBrief, true));

    const editor = files.find(({ name }) => name === 'google-ads-editor.csv');
    const [header, ...rows] = parse(String(editor?.content), { bom: true });
    expect(header?.slice(0, 9)).toEqual([
      'Campaign',
      'Campaign Type',
      'Campaign Status',
      'Ad Group',
      'Ad Group Status',
      'Keyword',
      'Criterion Type',
      'Final URL',
      'Status',
    ]);
    expect(rows.every((row) => row[2] === 'Paused' && row[8] === 'Paused')).toBe(true);
    expect(new Set(rows.map((row) => row[6]))).toEqual(
      new Set(['Exact', 'Phrase', 'Negative Phrase']),
    );
  });

  test.each(hostileBriefs)('are never empty for a brief with %s', (_, brief) => {
    const files = apexKind.files(apexKind.draft(factsOf(brief)), contextOf(brief, true));

    expect(files.length).toBe(9);
    expect(files.every(({ content }) => content.length > 20)).toBe(true);
  });
});
