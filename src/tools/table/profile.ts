// Profiles a CSV text in one pass: what its columns hold, what is broken, which dates are missing.
import { oneLine } from '../text.ts';
import {
  addCell,
  type Column,
  type ColumnType,
  createColumn,
  judgeColumn,
  maskedCell,
  type Ties,
  type Verdict,
} from './column.ts';
import { isoDay } from './dates.ts';
import { findGaps, type Gap } from './gaps.ts';
import { type BrokenRow, openSource, readRecords, type Source } from './records.ts';

export type ColumnProfile = {
  name: string;
  type: ColumnType;
  filled: number;
  empty: number;
  /** Filled values that are not of the type; they are in neither sum nor range. */
  odd: number;
  /** At most 1,000: then there are that many or more. */
  distinct: number;
  /** Numbers as numbers, dates as ISO dates, else null. */
  min: number | string | null;
  max: number | string | null;
  sum: number | null;
  mean: number | null;
  examples: string[];
};

export type TableProfile = {
  rows: number;
  /** How many rows are broken; the list names the first of them. */
  broken_count: number;
  broken_rows: BrokenRow[];
  columns: ColumnProfile[];
  /** Range of the first column of dates. */
  date_from: string | null;
  date_to: string | null;
  gaps: (Gap & { column: string })[];
  sample: Record<string, string>[];
};

const maxColumns = 200;
const maxBroken = 50;
const maxSample = 5;

/** Never throws: an empty text is a table without columns. Broken rows are counted and left out of all figures. */
export function profileTable(text: string): TableProfile {
  const source = openSource(text);
  const columns: Column[] = [];
  const sample: Record<string, string>[] = [];
  const broken: BrokenRow[] = [];
  let brokenCount = 0;
  let rows = 0;

  readRecords(source, {
    header: (fields) => {
      columns.push(...columnNames(fields.slice(0, maxColumns)).map(createColumn));
    },
    row: (fields) => {
      rows += 1;
      for (const [index, column] of columns.entries()) addCell(column, fields[index] ?? '');
      if (sample.length < maxSample) sample.push(sampleOf(columns, fields));
    },
    broken: (row) => {
      brokenCount += 1;
      if (broken.length < maxBroken) broken.push(row);
    },
  });

  return {
    rows,
    broken_count: brokenCount,
    broken_rows: broken,
    ...judged(columns, source),
    sample,
  };
}

function judged(columns: Column[], source: Source) {
  const ties = tiesOf(columns, source);
  const verdicts = columns.map((column) => ({ column, verdict: judgeColumn(column, ties) }));
  const dates = verdicts.flatMap(({ column, verdict: { days } }) =>
    days === null ? [] : [{ column: column.name, days }],
  );
  const first = dates[0]?.days;

  return {
    columns: verdicts.map(({ column, verdict }) => columnProfile(column, verdict)),
    date_from: first === undefined ? null : isoDay(first.min),
    date_to: first === undefined ? null : isoDay(first.max),
    gaps: dates.flatMap(({ column, days }) =>
      findGaps(days.days).map((gap) => ({ column, ...gap })),
    ),
  };
}

/** The columns that can be read in one way only settle those that can be read both ways. */
function tiesOf(columns: Column[], source: Source): Ties {
  let commas = 0;
  let europeanDates = 0;
  for (const { numbers, days } of columns) {
    commas += Math.sign(numbers.comma.count - numbers.point.count);
    europeanDates += Math.sign(days.eu.count - days.us.count);
  }
  // A spreadsheet that separates by semicolons does so because its commas are in the numbers.
  if (commas === 0 && source.delimiter === ';') commas = 1;
  const dates = europeanDates === 0 ? commas : europeanDates;

  return { numbers: commas > 0 ? 'comma' : 'point', dates: dates > 0 ? 'eu' : 'us' };
}

function columnProfile(column: Column, { type, odd, numbers, days }: Verdict): ColumnProfile {
  return {
    name: column.name,
    type,
    filled: column.filled,
    empty: column.empty,
    odd,
    distinct: column.distinct.size,
    min: days === null ? rounded(numbers?.min) : isoDay(days.min),
    max: days === null ? rounded(numbers?.max) : isoDay(days.max),
    sum: rounded(numbers?.sum),
    mean: numbers === null ? null : rounded(numbers.sum / numbers.count),
    examples: column.examples,
  };
}

/** Without the dust that adding binary fractions leaves. */
function rounded(value: number | undefined): number | null {
  if (value === undefined || !Number.isFinite(value)) return null;

  return Number(value.toPrecision(14));
}

function sampleOf(columns: Column[], fields: string[]): Record<string, string> {
  return Object.fromEntries(
    columns.map((column, index) => [column.name, maskedCell(column, fields[index] ?? '')]),
  );
}

/** Every column gets a name, and each another one: `amount`, `amount_2`, `column_3`. */
function columnNames(fields: string[]): string[] {
  const taken = new Set<string>(['__proto__']);

  return fields.map((field, index) => {
    const name = oneLine(field, 100) || `column_${index + 1}`;
    let unique = name;
    for (let count = 2; taken.has(unique); count += 1) unique = `${name}_${count}`;
    taken.add(unique);

    return unique;
  });
}
