// Gathers what one column holds, value by value, keeping several readings of it until the last one is in.
import { type DateStyle, readCompactDay, readDay } from './dates.ts';
import { isPhoneColumn, maskCell } from './mask.ts';
import { isPlainNumber, type NumberStyle, readNumber } from './numbers.ts';

export type ColumnType = 'number' | 'date' | 'text' | 'boolean' | 'empty';

type NumberTally = { count: number; min: number; max: number; sum: number };
type DayTally = { count: number; min: number; max: number; days: Set<number> };

export type Column = {
  name: string;
  isPhone: boolean;
  filled: number;
  empty: number;
  booleans: number;
  numbers: Record<NumberStyle, NumberTally>;
  days: Record<DateStyle | 'compact', DayTally>;
  distinct: Set<string>;
  examples: string[];
};

export type Verdict = {
  type: ColumnType;
  /** Filled values that are not of the type. */
  odd: number;
  numbers: NumberTally | null;
  days: DayTally | null;
};

/** How a table writes what can be read in two ways, such as 1.234 and 03/04/2024. */
export type Ties = { numbers: NumberStyle; dates: 'us' | 'eu' };

/** Different values counted per column; beyond it the count stays here. */
const maxDistinct = 1_000;

const maxDays = 20_000;
const maxExamples = 3;
const emptyWords = /^(?:|n\/?a|nan|null|none|nil|-|–|—|#n\/a|\(not set\))$/i;
const booleanWords = /^(?:true|false|yes|no|y|n|ja|nein|oui|non|si|sí)$/i;
const dateName = /date|\bday\b|datum|fecha|data\b/i;
/** A column is of a type when nine values in ten are: exports end in totals and remarks. */
const share = 0.9;

export function createColumn(name: string): Column {
  return {
    name,
    isPhone: isPhoneColumn(name),
    filled: 0,
    empty: 0,
    booleans: 0,
    numbers: { point: emptyNumbers(), comma: emptyNumbers() },
    days: { iso: emptyDays(), us: emptyDays(), eu: emptyDays(), compact: emptyDays() },
    distinct: new Set(),
    examples: [],
  };
}

export function addCell(column: Column, cell: string): void {
  const text = cell.trim();
  if (emptyWords.test(text)) {
    column.empty += 1;
    return;
  }
  column.filled += 1;
  const isNew = !column.distinct.has(text);
  if (isNew && column.distinct.size < maxDistinct) column.distinct.add(text);
  if (isNew && column.examples.length < maxExamples) column.examples.push(maskedCell(column, text));
  if (column.isPhone) return;

  if (booleanWords.test(text)) column.booleans += 1;
  else if (isPlainNumber(text)) addPlainNumber(column, text);
  else addReadings(column, text);
}

/** The quick way for most cells of most tables: digits read the same in every style. */
function addPlainNumber({ name, numbers, days }: Column, text: string): void {
  const value = Number(text);
  addNumber(numbers.point, value);
  addNumber(numbers.comma, value);
  if (text.length === 8 && dateName.test(name)) addDay(days.compact, readCompactDay(text));
}

function addReadings({ numbers, days }: Column, text: string): void {
  addNumber(numbers.point, readNumber(text, 'point'));
  addNumber(numbers.comma, readNumber(text, 'comma'));
  addDay(days.iso, readDay(text, 'iso'));
  addDay(days.us, readDay(text, 'us'));
  addDay(days.eu, readDay(text, 'eu'));
}

export function maskedCell(column: Column, cell: string): string {
  return maskCell(cell, { isPhone: column.isPhone, maxLength: 120 });
}

/** What the column is, now that every value is in. Where a column can be read both ways, `ties` decide. */
export function judgeColumn(column: Column, ties: Ties): Verdict {
  const { filled, booleans } = column;
  const needed = Math.max(1, Math.ceil(filled * share));
  if (filled === 0) return { type: 'empty', odd: 0, numbers: null, days: null };
  if (booleans >= needed)
    return { type: 'boolean', odd: filled - booleans, numbers: null, days: null };

  const { iso, us, eu, compact } = column.days;
  const days = fullest(ties.dates === 'eu' ? [iso, eu, us, compact] : [iso, us, eu, compact]);
  if (days.count >= needed) return { type: 'date', odd: filled - days.count, numbers: null, days };

  const { point, comma } = column.numbers;
  const numbers = fullest(ties.numbers === 'comma' ? [comma, point] : [point, comma]);
  if (numbers.count >= needed) {
    return { type: 'number', odd: filled - numbers.count, numbers, days: null };
  }

  return { type: 'text', odd: 0, numbers: null, days: null };
}

function fullest<Tally extends { count: number }>([first, ...others]: [Tally, ...Tally[]]): Tally {
  return others.reduce((best, tally) => (tally.count > best.count ? tally : best), first);
}

function addNumber(tally: NumberTally, value: number | null): void {
  if (value === null) return;
  tally.count += 1;
  tally.sum += value;
  if (value < tally.min) tally.min = value;
  if (value > tally.max) tally.max = value;
}

function addDay(tally: DayTally, day: number | null): void {
  if (day === null) return;
  tally.count += 1;
  if (day < tally.min) tally.min = day;
  if (day > tally.max) tally.max = day;
  if (tally.days.size < maxDays) tally.days.add(day);
}

function emptyNumbers(): NumberTally {
  return { count: 0, min: Infinity, max: -Infinity, sum: 0 };
}

function emptyDays(): DayTally {
  return { count: 0, min: Infinity, max: -Infinity, days: new Set() };
}
