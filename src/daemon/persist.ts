// Repeats a call while the database is away, for as long as it takes; what it refuses is thrown.
import { isAppError, messageOf } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import { scrub } from './scrub.ts';

export type Persistence = { clock: Clock; log: Log; signal: AbortSignal };

const backoff = { baseMs: 200, capMs: 5_000 };

/** Full jitter: anything up to the exponential bound, so that many workers do not come back at the same moment. */
export function jitteredMs(tries: number): number {
  return Math.random() * Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(tries, 20));
}

const longestRetryAfterMs = 60_000;

/** The pause that the other side asked for, if it did. */
function retryAfterMs(error: unknown): number {
  const wanted = isAppError(error) ? error.facts['retryAfterMs'] : undefined;

  return typeof wanted === 'number' ? Math.min(wanted, longestRetryAfterMs) : 0;
}

/** True when the call itself is at fault, so that the same call again can only fail again. */
export function isRefusal(error: unknown): boolean {
  return isAppError(error) && !error.retriable;
}

/** True at 1, 2, 4, 8 and so on: an outage of a night must not fill the disk with its log. */
export function isWorthSaying(times: number): boolean {
  return Math.log2(times) % 1 === 0;
}

/**
 * Calls until the call succeeds, is refused (the refusal is thrown), or the signal aborts (its reason is thrown).
 * `call` gets the number of tries before it.
 */
export async function persist<Result>(
  name: string,
  call: (tries: number) => Promise<Result>,
  { clock, log, signal }: Persistence,
): Promise<Result> {
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted();

    try {
      const result = await call(tries);
      if (tries > 0) log.info('the database answers again', { call: name, tries });
      return result;
    } catch (error) {
      if (isRefusal(error)) throw error;
      if (isWorthSaying(tries + 1)) {
        log.warn('a call failed and is tried again', {
          call: name,
          tries: tries + 1,
          error: scrub(messageOf(error)),
        });
      }
      await clock.delay(jitteredMs(tries) + retryAfterMs(error), signal);
    }
  }
}
