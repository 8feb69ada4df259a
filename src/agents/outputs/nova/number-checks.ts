// The checks that work Nova's measured numbers out again: sources, baselines and funnel.
import type { Check } from '../../../core/output.ts';
import { type Fault, repeatedIds, rule } from '../envelope-checks.ts';
import type { TableFinding } from '../findings.ts';
import type { OutputFacts } from '../kind.ts';
import { readFormula, workOut } from './formula.ts';
import type { NovaOutput } from './schema.ts';

/** What an output is measured against. */
export type Known = { facts: OutputFacts; tables: TableFinding[] };

export function checkNumbers(output: NovaOutput, known: Known): Check[] {
  return [
    ...sources(output, known.tables),
    ...baselines(output, known),
    ...funnel(output, known.tables),
  ];
}

function sources({ data }: NovaOutput, tables: TableFinding[]): Check[] {
  const faults = data.sources.flatMap(({ kind, file, rows }, index): Fault[] => {
    if (kind === 'api') return [];
    const path = `data.sources[${index}]`;
    const table = tables.find((one) => one.file === file);
    if (table === undefined) {
      return [
        { path: `${path}.file`, measured: file ?? 'null', limit: 'a file that read_table read' },
      ];
    }
    return table.rows === rows ? [] : [{ path: `${path}.rows`, measured: rows, limit: table.rows }];
  });

  return [
    ...repeatedIds(
      data.sources.map(({ id }) => id),
      'data.sources',
    ),
    ...rule(
      {
        id: 'nova.source',
        path: 'data.sources',
        limit: 'files and row counts as read_table read them',
      },
      faults,
    ),
  ];
}

function baselines({ data, evidence }: NovaOutput, known: Known): Check[] {
  const byId = new Map(evidence.map((item) => [item.id, item]));
  const faults = data.baselines.flatMap((baseline, index): Fault[] => {
    const item = byId.get(baseline.evidence_id);
    const fault = item === undefined ? null : baselineFault(baseline, item, known);
    return fault === null
      ? []
      : [{ path: `data.baselines[${index}].value`, measured: baseline.value, limit: fault }];
  });

  return rule(
    {
      id: 'nova.baseline',
      path: 'data.baselines',
      limit: 'equal to the value in its source within 0.000001',
    },
    faults,
  );
}

type Item = NovaOutput['evidence'][number];
type Baseline = NovaOutput['data']['baselines'][number];

/** What is wrong with a baseline; null when it holds. */
function baselineFault(
  { value, formula }: Baseline,
  { kind, file }: Item,
  { facts, tables }: Known,
): string | null {
  if (kind === 'model_estimate') return 'measured: a baseline cannot be an estimate';
  if (kind === 'brief') {
    return isStated(JSON.stringify({ ...facts.brief, attachments: [] }), value)
      ? null
      : 'a number that stands in the brief';
  }
  if (kind === 'page' || kind === 'api') return null;

  const table =
    tables.find((one) => one.file === file) ?? (tables.length === 1 ? tables[0] : undefined);
  if (table === undefined) return 'evidence that names the file (`file`) it comes from';
  if (formula === null) {
    return kind === 'upload' && aggregatesOf(table).some((known) => isSame(known, value))
      ? null
      : 'a sum, mean, min, max or count of a column, or a value with its `formula`';
  }
  const read = readFormula(formula);
  const result = read.type === 'formula' ? workOut(read.formula, table.columns) : null;
  if (result === null) return `a formula that works out over the columns of ${table.file}`;
  return isSame(result, value) ? null : `${result} by its formula`;
}

function aggregatesOf({ rows, columns }: TableFinding): number[] {
  return columns
    .flatMap(({ sum, mean, min, max, filled, distinct }) => [sum, mean, min, max, filled, distinct])
    .concat(rows)
    .filter((value) => typeof value === 'number');
}

function isSame(left: number, right: number): boolean {
  return Math.abs(left - right) <= 1e-6 * Math.max(1, Math.abs(left));
}

// Percentages of the brief become rates.
function isStated(text: string, value: number): boolean {
  const numbers = (text.match(/\d+(?:[.,' ]\d{3})*(?:[.,]\d+)?/g) ?? []).flatMap((number) => [
    Number(number.replace(/[,' ]/g, '')),
    Number(number.replace(/[.' ]/g, '').replace(',', '.')),
  ]);
  return numbers.some((number) => isSame(number, value) || isSame(number / 100, value));
}

function funnel({ data, evidence }: NovaOutput, tables: TableFinding[]): Check[] {
  const files = new Map(
    evidence.filter(({ kind }) => kind === 'upload').map(({ id, file }) => [id, file]),
  );
  const faults = data.funnel.flatMap(
    ({ count, rate_from_previous: rate, note, evidence_id: id }, index): Fault[] => {
      const before = data.funnel[index - 1]?.count;
      const path = `data.funnel[${index}]`;
      const grows = before !== undefined && count > before && (note ?? '').trim() === '';
      const expected = before === undefined || before === 0 ? null : count / before;
      const isOff = rate !== null && (expected === null || Math.abs(rate - expected) > 0.001);
      const table = tables.find(({ file }) => file === files.get(id));
      const isUnknown =
        table !== undefined && !aggregatesOf(table).some((known) => isSame(known, count));

      return [
        ...(grows
          ? [
              {
                path: `${path}.count`,
                measured: count,
                limit: `at most ${before}, or a note that explains the growth`,
              },
            ]
          : []),
        ...(isOff
          ? [{ path: `${path}.rate_from_previous`, measured: rate, limit: expected ?? 'null' }]
          : []),
        ...(isUnknown
          ? [
              {
                path: `${path}.count`,
                measured: count,
                limit: `a sum or count of a column of ${table.file}`,
              },
            ]
          : []),
      ];
    },
  );

  return rule(
    {
      id: 'nova.funnel',
      path: 'data.funnel',
      limit: 'counts as measured, each at most the one before',
    },
    faults,
  );
}
