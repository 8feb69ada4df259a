// The mechanical checks on Nova's output: every number is worked out again from what the tools read.
import type { Check } from '../../../core/output.ts';
import { type Fault, repeatedIds, rule } from '../envelope-checks.ts';
import { type TableFinding, tablesIn } from '../findings.ts';
import type { OutputFacts } from '../kind.ts';
import { hasSucceeded } from '../sources.ts';
import { namesIn, readFormula } from './formula.ts';
import { checkNumbers, type Known } from './number-checks.ts';
import { checkPlan } from './plan-checks.ts';
import { personalLeaks } from './privacy.ts';
import type { NovaOutput } from './schema.ts';

/** The checks on Nova's own data; the runner makes those of the envelope. Pure. */
export function checkNova(output: NovaOutput, facts: OutputFacts): Check[] {
  const tables = tablesIn(facts.findings);

  return [
    ...checkNumbers(output, { facts, tables }),
    ...formulas(output, tables),
    ...kpis(output),
    ...dates(output, tables),
    ...withoutData(output, facts),
    ...privacy(output, { facts, tables }),
    ...checkPlan(output),
  ];
}

/** Names a formula may use beside columns and planned events: what ad and analytics platforms count themselves. */
const platformCounts = [
  'ad_cost',
  'clicks',
  'impressions',
  'opens',
  'reach',
  'revenue',
  'sends',
  'sessions',
  'users',
];

function formulas({ data }: NovaOutput, tables: TableFinding[]): Check[] {
  const names = new Set([
    ...platformCounts,
    ...tables.flatMap(({ columns }) => columns.map(({ name }) => name)),
    ...data.sources.filter(({ kind }) => kind === 'api').flatMap(({ columns }) => columns),
    ...data.tracking_plan.map(({ event }) => event),
  ]);
  const faults = data.kpis.flatMap(({ formula }, index): Fault[] => {
    const path = `data.kpis[${index}].formula`;
    const read = readFormula(formula);
    if (read.type === 'unreadable')
      return [{ path, measured: formula, limit: `a formula; this one ${read.problem}` }];
    const unknown = namesIn(read.formula).filter((name) => !names.has(name));
    return unknown.length === 0 ? [] : [{ path, measured: unknown.join(', ') }];
  });

  return rule(
    {
      id: 'nova.formula',
      path: 'data.kpis',
      limit: `numbers, + - * /, brackets, sum() mean() min() max() count() distinct() over columns, events of the tracking plan, or ${platformCounts.join(', ')}`,
    },
    faults,
  );
}

function kpis({ data }: NovaOutput): Check[] {
  const rates = [
    ...data.baselines.map(({ unit, value }, index) => ({
      unit,
      value,
      path: `data.baselines[${index}].value`,
    })),
    ...data.kpis.map(({ unit, baseline }, index) => ({
      unit,
      value: baseline,
      path: `data.kpis[${index}].baseline`,
    })),
    ...data.kpis.map(({ unit, target }, index) => ({
      unit,
      value: target,
      path: `data.kpis[${index}].target`,
    })),
    ...data.funnel.map((stage, index) => ({
      unit: 'rate',
      value: stage.rate_from_previous,
      path: `data.funnel[${index}].rate_from_previous`,
    })),
  ];
  const outside = rates.flatMap(({ unit, value, path }) =>
    unit === 'rate' && value !== null && (value < 0 || value > 1)
      ? [{ path, measured: value }]
      : [],
  );
  const idle = data.kpis.flatMap(({ baseline, target }, index) =>
    target !== null && target === baseline
      ? [{ path: `data.kpis[${index}].target`, measured: target }]
      : [],
  );

  return [
    ...repeatedIds(
      data.kpis.map(({ id }) => id),
      'data.kpis',
    ),
    ...rule({ id: 'nova.rate', path: 'data', limit: '0 to 1, since its unit is rate' }, outside),
    ...rule(
      { id: 'nova.target', path: 'data.kpis', limit: 'a target other than the baseline, or null' },
      idle,
    ),
  ];
}

function dates({ data }: NovaOutput, tables: TableFinding[]): Check[] {
  const from = tables
    .flatMap(({ date_from: date }) => (date === null ? [] : [date.slice(0, 10)]))
    .toSorted()[0];
  const to = tables
    .flatMap(({ date_to: date }) => (date === null ? [] : [date.slice(0, 10)]))
    .toSorted()
    .at(-1);
  if (from === undefined || to === undefined) return [];

  const outside = data.anomalies.flatMap(({ date }, index) =>
    date.slice(0, 10) >= from && date.slice(0, 10) <= to
      ? []
      : [{ path: `data.anomalies[${index}].date`, measured: date }],
  );
  const past = data.forecast.flatMap(({ date }, index) =>
    date.slice(0, 10) > to
      ? []
      : [{ path: `data.forecast[${index}].date`, measured: date, limit: `after ${to}` }],
  );

  return rule({ id: 'nova.date', path: 'data', limit: `${from} to ${to}, the days of the data` }, [
    ...outside,
    ...past,
  ]);
}

// Without data there is nothing to report: the plan for measuring is the whole result.
function withoutData(
  { data, evidence, assumptions }: NovaOutput,
  { findings }: OutputFacts,
): Check[] {
  const hasData = findings.some(
    (finding) => hasSucceeded(finding) && !finding.tool.endsWith('_page'),
  );
  if (hasData) return [];

  const fromBrief = new Set(evidence.filter(({ kind }) => kind === 'brief').map(({ id }) => id));
  const lists = (['sources', 'funnel', 'anomalies', 'segments', 'forecast', 'experiments'] as const)
    .filter((name) => data[name].length > 0)
    .map((name) => ({
      path: `data.${name}`,
      measured: data[name].length,
      limit: 'an empty list: no data was read',
    }));
  const numbers = data.baselines
    .filter((baseline) => !fromBrief.has(baseline.evidence_id))
    .map((baseline) => ({
      path: 'data.baselines',
      measured: baseline.metric,
      limit: 'none but those of the brief',
    }));
  const isSaid = assumptions.some((line) => /data|upload|file|measure/i.test(line));
  const unsaid = isSaid
    ? []
    : [{ path: 'assumptions', measured: 'not said', limit: 'say that no data was at hand' }];

  return rule({ id: 'nova.without_data', path: 'data', limit: 'a measurement plan only' }, [
    ...lists,
    ...numbers,
    ...unsaid,
  ]);
}

function privacy(output: NovaOutput, { facts, tables }: Known): Check[] {
  const leaks = personalLeaks(output, facts.brief, tables);

  return rule(
    {
      id: 'nova.privacy',
      path: '',
      limit: 'no e-mail address, phone number or name of a person from the data',
    },
    leaks.map(({ path, kind }) => ({ path, measured: kind })),
  );
}
