// Nova's drafts hold against odd briefs and tables, its checks find what is wrong, and its files can be read.
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';

import { novaKind } from '../../../src/agents/outputs/nova/nova.ts';
import { NovaOutput } from '../../../src/agents/outputs/nova/schema.ts';
import { hostileBriefs, usualBrief } from './envelope-checks-briefs.ts';
import {
  contextOf,
  factsOf,
  failures,
  first,
  tableOf,
  usualFindings,
  verdict,
} from './envelope-checks-findings.ts';

const usualFacts = factsOf(usualBrief, { findings: usualFindings });

const number = (name: string, sum: number) => ({ name, type: 'number', filled: 21, sum });

describe('the draft by rules', () => {
  test.each(hostileBriefs)('is a plan only, and passes, for a brief with %s', (_, brief) => {
    const facts = factsOf(brief, { missing: ['vision', 'apex'] });

    const output = novaKind.draft(facts);

    expect(NovaOutput.parse(output)).toEqual(output);
    expect(failures(verdict(novaKind, output, facts))).toEqual([]);
    expect(output.data).toMatchObject({ baselines: [], funnel: [], experiments: [], insights: [] });
  });

  test.each(hostileBriefs)('passes with tables for a brief with %s', (_, brief) => {
    const facts = factsOf(brief, { findings: usualFindings });

    const output = novaKind.draft(facts);

    expect(failures(verdict(novaKind, output, facts))).toEqual([]);
  });

  test('works out baselines, funnel, test and limit from the columns', () => {
    const { data } = novaKind.draft(usualFacts);

    expect(data.baselines.find(({ metric }) => metric === 'Conversion rate')).toMatchObject({
      value: 0.02,
      unit: 'rate',
      formula: 'sum("orders") / sum("sessions")',
      period: '2026-01-01 to 2026-03-31',
    });
    expect(data.funnel.map(({ count }) => count)).toEqual([120_000, 9_000, 180]);
    expect(data.experiments[0]).toMatchObject({ metric_id: 'M1', sample_per_arm: 21_109 });
    expect(data.kill_criteria[0]).toMatchObject({ metric_id: 'M2', op: '>', threshold: 37.5 });
    expect(data.sources[0]?.quality.map(({ issue }) => issue)).toContain(
      'No rows from 2026-02-03 to 2026-02-05 (3 days)',
    );
  });

  test.each([{ empty: 2 }, { odd: 2 }])('works out no ratio over a column with %j', (holes) => {
    const columns = [
      number('orders', 100),
      number('revenue_usd', 3_000),
      { ...number('ad_spend_usd', 900), ...holes },
    ];
    const facts = factsOf(usualBrief, { findings: [tableOf({ rows: 21, columns })] });

    const output = novaKind.draft(facts);

    const metrics = output.data.baselines.map(({ metric }) => metric);
    expect(metrics.filter((metric) => !metric.startsWith('Total'))).toEqual(['Revenue per order']);
    expect(output.assumptions).toContain(
      'Cost per order and Return on ad spend were not worked out: 2 of 21 rows lack ad_spend_usd in sales.csv.',
    );
    expect(failures(verdict(novaKind, output, facts))).toEqual([]);
  });

  test('gives no rate between stages of the funnel that count other rows', () => {
    const columns = [{ ...number('sessions', 1_000), empty: 3 }, number('orders', 100)];

    const { data } = novaKind.draft(factsOf(usualBrief, { findings: [tableOf({ columns })] }));

    const note = expect.stringContaining('Some rows lack');
    expect(data.funnel[1]).toMatchObject({ count: 100, rate_from_previous: null, note });
  });

  const oddTables: [string, Record<string, unknown>][] = [
    ['no rows', { rows: 0, columns: [], date_from: null, date_to: null, gaps: [] }],
    [
      'nothing but its name',
      { rows: undefined, columns: undefined, broken_rows: undefined, gaps: undefined },
    ],
    [
      'columns of another shape',
      { columns: [null, 7, { name: 'a', type: 'money', sum: 'many' }, {}] },
    ],
    [
      'a person in place of a header',
      {
        columns: [
          { name: 'jane.doe@mail.example', type: 'number', filled: 3, sum: 3, mean: 1 },
          { name: '+49 170 1234567' },
          { name: '' },
        ],
      },
    ],
    [
      'columns with quotes and signs',
      {
        columns: [
          { name: 'or"ders', type: 'number', filled: 1, sum: 1, mean: 1 },
          { name: '=cost (€)', type: 'number', filled: 1, sum: -5, mean: -5 },
        ],
      },
    ],
    [
      'more orders than sessions, and no cost',
      {
        columns: [
          { name: 'sessions', type: 'number', filled: 1, sum: 5, mean: 5 },
          { name: 'orders', type: 'number', filled: 1, sum: 50, mean: 50 },
          { name: 'cost', type: 'number', filled: 1, sum: 0, mean: 0 },
        ],
      },
    ],
    ['dates that are none', { date_from: 'spring', date_to: 'autumn' }],
  ];

  test.each(oddTables)('passes for a table with %s', (_, more) => {
    const facts = factsOf(usualBrief, { findings: [tableOf(more)] });

    const output = novaKind.draft(facts);

    expect(failures(verdict(novaKind, output, facts))).toEqual([]);
    expect(JSON.stringify(output)).not.toContain('jane');
  });

  test('asks for every CSV and the home page', () => {
    expect(novaKind.wants(usualFacts)).toEqual([
      { tool: 'read_table', input: { file: 'sales.csv' } },
      { tool: 'audit_page', input: { url: 'https://kaldi.example/' } },
    ]);
  });
});

type Spoil = (output: NovaOutput) => void;
const point = { metric_id: 'M1', date: '2026-05-01', p10: 1, p50: 2, p90: 3 };

const faults: [string, string, Spoil][] = [
  ['nova.source', 'another row count', ({ data }) => (first(data.sources).rows = 91)],
  [
    'nova.source',
    'a file that nobody read',
    ({ data }) => (first(data.sources).file = 'other.csv'),
  ],
  [
    'nova.baseline',
    'a value that is not its formula',
    ({ data }) => (first(data.baselines).value += 0.001),
  ],
  [
    'nova.baseline',
    'a formula over no column',
    ({ data }) => (first(data.baselines).formula = 'sum(nothing)'),
  ],
  [
    'nova.baseline',
    'an upload that no column has',
    ({ data }) => Object.assign(data.baselines.at(-1) ?? {}, { formula: null, value: 77 }),
  ],
  [
    'nova.baseline',
    'an estimate',
    ({ data, evidence }) => {
      evidence.push({ id: 'E99', claim: 'A guess', kind: 'model_estimate' });
      first(data.baselines).evidence_id = 'E99';
    },
  ],
  [
    'nova.baseline',
    'a number that the brief does not state',
    ({ data, evidence }) => {
      evidence.push({ id: 'E99', claim: 'The brief', kind: 'brief' });
      Object.assign(first(data.baselines), { evidence_id: 'E99', value: 399 });
    },
  ],
  [
    'nova.formula',
    'a formula of words',
    ({ data }) => (first(data.kpis).formula = 'orders divided by sessions'),
  ],
  [
    'nova.formula',
    'a formula with an unknown name',
    ({ data }) => (first(data.kpis).formula = 'happiness / sessions'),
  ],
  ['nova.rate', 'a rate above one', ({ data }) => (first(data.kpis).target = 2)],
  [
    'nova.target',
    'a target that is the baseline',
    ({ data }) => (first(data.kpis).target = first(data.kpis).baseline),
  ],
  ['id.unique', 'two KPIs of one id', ({ data }) => (first(data.kpis).id = 'M2')],
  ['nova.funnel', 'a funnel that grows unexplained', ({ data }) => (first(data.funnel).count = 10)],
  [
    'nova.funnel',
    'a rate that is not the quotient',
    ({ data }) => Object.assign(data.funnel[1] ?? {}, { rate_from_previous: 0.5 }),
  ],
  [
    'nova.date',
    'an anomaly outside the data',
    ({ data }) =>
      data.anomalies.push({ metric: 'orders', date: '2027-01-01', expected: 1, actual: 9, z: 4 }),
  ],
  [
    'nova.date',
    'a forecast of the past',
    ({ data }) => data.forecast.push({ ...point, date: '2026-01-05' }),
  ],
  ['nova.forecast', 'bands that cross', ({ data }) => data.forecast.push({ ...point, p10: 3 })],
  [
    'reference.resolves',
    'a forecast of no KPI',
    ({ data }) => data.forecast.push({ ...point, metric_id: 'M9' }),
  ],
  [
    'reference.resolves',
    'a limit for no KPI',
    ({ data }) => (first(data.kill_criteria).metric_id = 'M9'),
  ],
  [
    'nova.sample',
    'another sample size',
    ({ data }) => (first(data.experiments).sample_per_arm = 20_000),
  ],
  ['nova.sample', 'a rate of nothing', ({ data }) => (first(data.experiments).baseline_rate = 0)],
  [
    'nova.event',
    'an event with a capital',
    ({ data }) => (first(data.tracking_plan).event = 'Purchase'),
  ],
  [
    'nova.event',
    'an event of 41 characters',
    ({ data }) => (first(data.tracking_plan).event = 'e'.repeat(41)),
  ],
  ['nova.event', 'an event twice', ({ data }) => (first(data.tracking_plan).event = 'purchase')],
  [
    'nova.event',
    '26 parameters',
    ({ data }) =>
      (first(data.tracking_plan).params = Array.from({ length: 26 }, (_, index) => ({
        name: `p${index}`,
        type: 'string',
      }))),
  ],
  [
    'nova.privacy',
    'an e-mail address of the data',
    ({ data }) => (first(data.insights).headline = 'jane.doe@mail.example buys most'),
  ],
  [
    'nova.privacy',
    'a name of the data',
    ({ data }) => (first(data.insights).headline = 'Jane Doe buys most'),
  ],
];

describe('the checks', () => {
  test.each(faults)('%s finds %s', (id, _, spoil) => {
    const output = structuredClone(novaKind.draft(usualFacts));

    spoil(output);

    expect(failures(novaKind.check(output, usualFacts)).map((check) => check.id)).toContain(id);
  });

  test('refuse results where no table was read', () => {
    const output = novaKind.draft(usualFacts);
    const facts = factsOf(usualBrief, {
      findings: usualFindings.filter(({ tool }) => tool !== 'read_table'),
    });

    const found = failures(novaKind.check({ ...output, assumptions: [] }, facts));

    const paths = found.filter(({ id }) => id === 'nova.without_data').map(({ path }) => path);
    expect(new Set(paths)).toEqual(
      new Set(['data.sources', 'data.funnel', 'data.experiments', 'data.baselines', 'assumptions']),
    );
  });

  test('take a baseline from the brief, also where it is written in percent', () => {
    const facts = factsOf({ ...usualBrief, description: 'Our conversion rate is 2.5 %.' });
    const output = structuredClone(novaKind.draft(facts));

    output.evidence.push({ id: 'E99', claim: 'The brief', kind: 'brief' });
    output.data.baselines.push({
      metric: 'Conversion rate',
      value: 0.025,
      unit: 'rate',
      period: 'now',
      segment: null,
      formula: null,
      evidence_id: 'E99',
    });

    expect(failures(verdict(novaKind, output, facts))).toEqual([]);
  });

  test('let a funnel grow that says why', () => {
    const output = structuredClone(novaKind.draft(usualFacts));

    output.data.funnel.reverse();
    for (const stage of output.data.funnel)
      Object.assign(stage, { rate_from_previous: null, note: 'Read backwards.' });

    expect(failures(novaKind.check(output, usualFacts))).toEqual([]);
  });
});

describe('the files', () => {
  test.each([true, false])('parse, and say who drafted them (by rules: %s)', (byRules) => {
    const output = novaKind.draft(usualFacts);

    const files = novaKind.files(output, contextOf(usualBrief, byRules));

    for (const { name, kind, content } of files) {
      const text = String(content);
      expect(text.includes(byRules ? 'rules' : 'some-model'), name).toBe(true);
      if (kind === 'sheet')
        expect(parse(text, { columns: true, bom: true }).length, name).toBeGreaterThan(0);
      if (kind === 'json') expect(JSON.parse(text)).toBeTypeOf('object');
    }
  });

  test('say that there are no results where no data was read', () => {
    const output = novaKind.draft(factsOf(usualBrief));

    const [report] = novaKind.files(output, contextOf(usualBrief, true));

    expect(String(report?.content)).toContain('# Measurement plan');
    expect(String(report?.content)).toContain('No data was at hand, so there are no results');
  });
});
