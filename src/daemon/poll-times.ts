// Puts "every N minutes" into a cron expression, and says so where cron cannot.

/** When to knock, and how often a knock is meant to count. */
export type PollTimes = {
  /** Fires at least as often as wanted; five fields, or six with seconds. */
  expression: string;
  periodMs: number;
  /** False when the expression fires more often than wanted: knocks in between are to be passed over. */
  isExact: boolean;
};

const shortestSeconds = 1;

/**
 * Cron knows only steps that divide a minute, an hour or a day: 15 minutes are `*\/15 * * * *`, but `*\/7` would fire
 * at 56 and again at 60. For such periods the expression fires at the longest step that divides them (at most a
 * minute), and the caller counts.
 */
export function pollTimes(minutes: number): PollTimes {
  const seconds = Math.max(shortestSeconds, Math.round(minutes * 60));
  const expression = exactExpression(seconds);
  const periodMs = seconds * 1_000;
  if (expression !== undefined) return { expression, periodMs, isExact: true };

  const step = greatestDivisor(seconds, 60);
  return { expression: stepExpression(step), periodMs, isExact: false };
}

function exactExpression(seconds: number): string | undefined {
  if (60 % seconds === 0) return stepExpression(seconds);
  if (seconds % 60 !== 0) return undefined;

  const minutes = seconds / 60;
  if (60 % minutes === 0) return minutes === 60 ? '0 * * * *' : `*/${minutes} * * * *`;
  if (minutes % 60 !== 0) return undefined;

  const hours = minutes / 60;
  if (24 % hours !== 0) return undefined;
  return hours === 24 ? '0 0 * * *' : `0 */${hours} * * *`;
}

function stepExpression(seconds: number): string {
  return seconds === 60 ? '* * * * *' : `*/${seconds} * * * * *`;
}

function greatestDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestDivisor(right, left % right);
}
