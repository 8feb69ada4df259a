// Reads dates as people write them: 2024-03-31, 3/31/2024, 31.03.2024, 20240331, with or without a time.

/** Which part comes first: the year, the month (US) or the day (EU). */
export type DateStyle = 'iso' | 'us' | 'eu';

const time = String.raw`(?:[T ,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[ap]m)?(?: ?Z| ?[+-]\d{2}:?\d{2}| UTC)?)?`;
const yearFirst = new RegExp(`^(\\d{4})([-/.])(\\d{1,2})\\2(\\d{1,2})${time}$`, 'i');
const yearLast = new RegExp(`^(\\d{1,2})([-/.])(\\d{1,2})\\2(\\d{4}|\\d{2})${time}$`, 'i');
const startsWithDigits = /^\d{1,4}[-/.]/;
const compact = /^(\d{4})(\d{2})(\d{2})$/;

const dayMs = 86_400_000;

/** Days since 1970 of the date that `text` is in this style, or null; the time of day is left out. */
export function readDay(text: string, style: DateStyle): number | null {
  if (text.length < 6 || text.length > 40 || !startsWithDigits.test(text)) return null;
  if (style === 'iso') {
    const [, year, , month, day] = yearFirst.exec(text) ?? [];
    return dayOf(Number(year), Number(month), Number(day));
  }

  const [, first, separator, second, year] = yearLast.exec(text) ?? [];
  // Nobody writes the month first and then dots.
  if (year === undefined || (style === 'us' && separator === '.')) return null;
  const [month, day] = style === 'us' ? [first, second] : [second, first];

  return dayOf(fullYear(year), Number(month), Number(day));
}

/** The day of eight digits in a row, which only a column that calls itself a date may hold. */
export function readCompactDay(text: string): number | null {
  const [, year, month, day] = compact.exec(text) ?? [];

  return dayOf(Number(year), Number(month), Number(day));
}

/** `2024-03-31` for days since 1970. */
export function isoDay(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

export function isWeekend(day: number): boolean {
  const weekday = new Date(day * dayMs).getUTCDay();

  return weekday === 0 || weekday === 6;
}

function fullYear(year: string): number {
  if (year.length === 4) return Number(year);
  return Number(year) + (Number(year) < 70 ? 2_000 : 1_900);
}

function dayOf(year: number, month: number, day: number): number | null {
  if (!(year >= 1_900 && year <= 2_200 && month >= 1 && month <= 12)) return null;
  const date = new Date(Date.UTC(year, month - 1, day));

  // Date rolls the 31st of February over into March: such a date is none.
  return date.getUTCDate() === day && date.getUTCMonth() === month - 1
    ? date.getTime() / dayMs
    : null;
}
