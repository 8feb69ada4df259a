// Makes calls again that PostgreSQL rolled back so that others could go on: nothing of them has happened.
import { isAppError } from '../core/errors.ts';

// Deadlocks and lost races between transactions.
const rolledBack = ['40P01', '40001'];
const maxTries = 6;

/**
 * Answers as the first try does that is not rolled back; rejects with whatever else goes wrong. Two calls that need the
 * same rows in opposite orders cannot always be avoided: a turn must claim before it knows whose outcomes it brings.
 */
export async function untilKept<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (tries === maxTries || !wasRolledBack(error)) throw error;
    }
  }
}

function wasRolledBack(error: unknown): boolean {
  const sqlstate = isAppError(error) ? error.facts['sqlstate'] : undefined;

  return typeof sqlstate === 'string' && rolledBack.includes(sqlstate);
}
