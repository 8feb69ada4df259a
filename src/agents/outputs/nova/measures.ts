// Finds out what the columns of a table count, and works out totals, ratios and the funnel.
import type { Column, TableFinding } from '../findings.ts';
import type { Ledger } from '../ledger.ts';
import { contactsIn } from '../contacts.ts';
import { listed } from '../material.ts';
import { counted, oneLine, trimTo } from '../wording.ts';
import { readFormula, workOut } from './formula.ts';
import { isPersonal } from './privacy.ts';
import type { Baseline, Stage } from './schema.ts';

/** What a column may count, in the order in which people pass through. */
const roles = [
  ['impressions', /impression|einblendung|views?$/i],
  ['clicks', /clicks?|klicks?/i],
  ['sessions', /sessions?|visits?|sitzungen|besuche/i],
  ['leads', /leads?|sign[ _-]?ups?|registrations?|enquir|inquir|anfragen/i],
  ['orders', /orders?|purchases?|transactions?|conversions?|bestellungen/i],
  ['revenue', /revenue|turnover|sales|umsatz|value/i],
  ['cost', /cost|spend|kosten|ausgaben/i],
] as const;
export type Role = (typeof roles)[number][0];

const stages = ['impressions', 'clicks', 'sessions', 'leads', 'orders'] as const;

export type Measured = { table: TableFinding; columns: Map<Role, string> };

/** The roles of a table's number columns; a name that says a rate or a price counts nothing. */
export function measured(table: TableFinding): Measured {
  const usable = countable(table).filter(({ name }) => !ratioName.test(name));
  const columns = new Map<Role, string>();
  for (const [role, pattern] of roles) {
    const taken = [...columns.values()];
    const found = usable.find(({ name }) => pattern.test(name) && !taken.includes(name));
    if (found !== undefined) columns.set(role, found.name);
  }
  return { table, columns };
}

const ratioName =
  /rate|ctr|cvr|cpc|cpa|cpm|roas|percent|pct|%|avg|average|mean|price|position|score|ratio|quote|preis/i;
const labelName =
  /(?:^|[_ -])(?:id|nr|no|zip|plz|year|month|week|day|hour|code|number)$|^id|postcode/i;

// Names with quotes cannot be written in a formula, and names that are addresses must not be shown.
function countable({ columns }: TableFinding): Column[] {
  return columns.filter(
    ({ name, type, filled }) =>
      type === 'number' &&
      filled > 0 &&
      name.trim() !== '' &&
      name.length <= 80 &&
      !name.includes('"') &&
      !labelName.test(name) &&
      !isPersonal({ name }) &&
      contactsIn(name).length === 0,
  );
}

export function periodOf({ date_from: from, date_to: to }: TableFinding): string {
  return from === null || to === null
    ? 'the whole file'
    : `${from.slice(0, 10)} to ${to.slice(0, 10)}`;
}

/** At most this many columns of a table become baselines. */
const maxColumns = 8;

/** Totals of counting columns, means of the others. */
export function columnBaselines(table: TableFinding, ledger: Ledger): Baseline[] {
  return countable(table)
    .slice(0, maxColumns)
    .flatMap((column) => {
      const aggregate = ratioName.test(column.name) ? 'mean' : 'sum';
      const value = column[aggregate];
      if (value === null || !Number.isFinite(value)) return [];
      const metric = `${aggregate === 'sum' ? 'Total' : 'Mean'} of ${trimTo(column.name, 60)}`;
      const evidence = evidenceOf(table, ledger, {
        claim: `${metric} over ${table.rows} rows`,
        value,
        kind: 'upload',
      });
      return [
        baseline(
          { metric, value, unit: 'as in the file', formula: `${aggregate}("${column.name}")` },
          table,
          evidence,
        ),
      ];
    });
}

type Ratio = { metric: string; over: Role; under: Role; unit: 'rate' | 'amount' };

const ratios: Ratio[] = [
  { metric: 'Click-through rate', over: 'clicks', under: 'impressions', unit: 'rate' },
  { metric: 'Conversion rate', over: 'orders', under: 'sessions', unit: 'rate' },
  { metric: 'Lead rate', over: 'leads', under: 'sessions', unit: 'rate' },
  { metric: 'Cost per click', over: 'cost', under: 'clicks', unit: 'amount' },
  { metric: 'Cost per lead', over: 'cost', under: 'leads', unit: 'amount' },
  { metric: 'Cost per order', over: 'cost', under: 'orders', unit: 'amount' },
  { metric: 'Revenue per order', over: 'revenue', under: 'orders', unit: 'amount' },
  { metric: 'Return on ad spend', over: 'revenue', under: 'cost', unit: 'amount' },
];

/**
 * Ratios of columns of one table, such as cost per order. Left out are rates that are none (above 1), and ratios of
 * columns with holes: one sum would be of fewer rows than the other.
 */
export function ratioBaselines({ table, columns }: Measured, ledger: Ledger): Baseline[] {
  return ratios.flatMap(({ metric, over, under, unit }) => {
    const [top, bottom] = [columns.get(over), columns.get(under)];
    if (top === undefined || bottom === undefined) return [];
    if ([top, bottom].some((name) => holesIn(table, name) > 0)) return [];
    const formula = `sum("${top}") / sum("${bottom}")`;
    const read = readFormula(formula);
    const value = read.type === 'formula' ? workOut(read.formula, table.columns) : null;
    if (value === null || (unit === 'rate' && (value < 0 || value > 1))) return [];
    const evidence = evidenceOf(table, ledger, {
      claim: `${metric}: ${formula}`,
      value,
      kind: 'calc',
    });
    return [
      baseline(
        { metric, value, unit: unit === 'rate' ? 'rate' : 'as in the file', formula },
        table,
        evidence,
      ),
    ];
  });
}

/** The ratios that holes in a column forbid, and how many rows lack it: one line for each such column. */
export function unworkedRatios({ table, columns }: Measured): string[] {
  return [...columns].flatMap(([role, name]) => {
    const holes = holesIn(table, name);
    const metrics = ratios
      .filter(({ over, under }) => [over, under].includes(role))
      .filter(({ over, under }) => columns.has(over) && columns.has(under))
      .map(({ metric }) => metric);
    if (holes === 0 || metrics.length === 0) return [];

    const verb = metrics.length === 1 ? 'was' : 'were';
    const lack = `${holes} of ${counted(table.rows, 'row')} lack ${trimTo(name, 60)}`;
    return [`${listed(metrics)} ${verb} not worked out: ${lack} in ${oneLine(table.file)}.`];
  });
}

/** Rows of a table without a usable value in a column. */
function holesIn({ columns }: TableFinding, name: string): number {
  const column = columns.find((one) => one.name === name);
  return column === undefined ? 0 : Math.max(0, Math.trunc(column.empty + column.odd));
}

type Value = { claim: string; value: number; kind: 'upload' | 'calc' };

function evidenceOf(table: TableFinding, ledger: Ledger, { claim, value, kind }: Value): string {
  return ledger.add({
    kind,
    claim: `${claim} of ${oneLine(table.file)}`,
    file: table.file,
    tool_call_id: table.callId,
    value,
  });
}

function baseline(
  { metric, value, unit, formula }: Pick<Baseline, 'metric' | 'value' | 'unit' | 'formula'>,
  table: TableFinding,
  evidence: string,
): Baseline {
  return {
    metric,
    value,
    unit,
    period: periodOf(table),
    segment: null,
    formula,
    evidence_id: evidence,
  };
}

/** The stages that a table counts, in order; empty where it counts fewer than two. */
export function funnelOf({ table, columns }: Measured, ledger: Ledger): Stage[] {
  const passed = stages.flatMap((role) => {
    const name = columns.get(role);
    const count = table.columns.find((column) => column.name === name)?.sum ?? null;
    return name === undefined || count === null || count < 0 ? [] : [{ name, count }];
  });
  if (passed.length < 2) return [];

  return passed.map(({ name, count }, index) => {
    const before = passed[index - 1]?.count;
    const grows = before !== undefined && count > before;
    const isWhole = [name, passed[index - 1]?.name ?? name].every(
      (one) => holesIn(table, one) === 0,
    );
    return {
      stage: trimTo(name, 60),
      count,
      rate_from_previous:
        before === undefined || before === 0 || grows || !isWhole ? null : count / before,
      note: grows
        ? 'More than at the stage before: the two columns are probably counted by different systems.'
        : isWhole || before === undefined
          ? null
          : 'Some rows lack this count or the one before, so no rate was worked out.',
      evidence_id: evidenceOf(table, ledger, {
        claim: `Total of ${trimTo(name, 60)} over ${table.rows} rows`,
        value: count,
        kind: 'upload',
      }),
    };
  });
}

/** Days that a table covers; null where it has no dates. */
export function daysOf({ date_from: from, date_to: to }: TableFinding): number | null {
  if (from === null || to === null) return null;
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;
  return Number.isFinite(days) && days >= 1 ? Math.round(days) : null;
}
