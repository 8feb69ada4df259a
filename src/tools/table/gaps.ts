// Finds the holes in a column of dates that otherwise come at a steady pace.
import { isoDay, isWeekend } from './dates.ts';

export type Gap = { from: string; to: string; missing_days: number };

const maxGaps = 20;
const minDates = 5;
const minCoverage = 0.5;

/**
 * The stretches without a date, `from` and `to` being the first and last day that is missing. None when the dates
 * come at no steady pace; weekends are no holes in a table that never has one.
 */
export function findGaps(days: Set<number>): Gap[] {
  const sorted = [...days].toSorted((left, right) => left - right);
  const pace = paceOf(sorted);
  if (pace === null) return [];

  const hasWeekends = sorted.some(isWeekend);
  const gaps: Gap[] = [];
  for (const [index, day] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next === undefined || next - day <= pace) continue;
    const missing = missingDays(day + 1, next - 1, hasWeekends || pace > 1);
    if (missing > 0)
      gaps.push({ from: isoDay(day + 1), to: isoDay(next - 1), missing_days: missing });
  }

  return gaps.slice(0, maxGaps);
}

/** Days from one date to the next as a rule: 1 for daily, 7 for weekly, 31 for monthly tables. */
function paceOf(sorted: number[]): number | null {
  const [first = 0] = sorted;
  const last = sorted.at(-1) ?? 0;
  if (sorted.length < minDates) return null;

  const counts = new Map<number, number>();
  for (const [index, day] of sorted.slice(1).entries()) {
    const step = day - (sorted[index] ?? day);
    counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  const usual = [...counts].toSorted((left, right) => right[1] - left[1])[0]?.[0] ?? 1;
  const pace = usual >= 28 && usual <= 31 ? 31 : usual;
  const expected = (last - first) / pace + 1;

  return sorted.length / expected >= minCoverage ? pace : null;
}

function missingDays(from: number, to: number, countsWeekends: boolean): number {
  if (countsWeekends) return to - from + 1;

  let missing = 0;
  for (let day = from; day <= to; day += 1) if (!isWeekend(day)) missing += 1;

  return missing;
}
