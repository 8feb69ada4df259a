// Hears of new and of cancelled tasks over Supabase Realtime, which tells of changes to the table.
import { z } from 'zod';

import { messageOf } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import { hideKey } from './supabase/key.ts';
import { type Change, listenOnce, type Subscription } from './supabase/realtime.ts';
import type { WakeListener } from './wake.ts';

export type SupabaseWakeOptions = {
  url: string;
  /** The key of the transport; it is not checked again. */
  key: string;
  /** Takes part in the log only: Realtime tells everyone the same. */
  workerId: string;
  log: Log;
  clock: Clock;
};

// A row's changed status is all that tells a cancelled task, and one that is tried again, from any other change.
const subscriptions: Subscription[] = [
  { event: 'INSERT', schema: 'public', table: 'tasks' },
  { event: 'UPDATE', schema: 'public', table: 'tasks', filter: 'status=eq.cancelled' },
  { event: 'UPDATE', schema: 'public', table: 'tasks', filter: 'status=eq.pending' },
];
const Cancelled = z.object({ id: z.uuid(), status: z.literal('cancelled') });

const reconnectMs = { first: 250, most: 15_000 };
// A connection that lasted this long was a good one: the next may be tried at once.
const steadyMs = 10_000;

/**
 * Listens until disposed, and never throws: a lost connection is made again with backoff and only logged, since polling
 * goes on. `connected` is called after every (re)connection, since what changed before was not heard.
 */
export function listenSupabase(
  options: SupabaseWakeOptions,
  listener: WakeListener,
): AsyncDisposable {
  const stopping = new AbortController();
  const done = keepListening(options, listener, stopping.signal);

  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await done;
    },
  };
}

async function keepListening(
  options: SupabaseWakeOptions,
  listener: WakeListener,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, key, workerId } = options;
  let waitMs = reconnectMs.first;
  let failures = 0;

  while (!signal.aborted) {
    try {
      const { joinedMs, reason } = await listenOnce(options, ears(listener), signal);
      if (joinedMs > steadyMs) waitMs = reconnectMs.first;
      if (!signal.aborted)
        log.info('the connection to Realtime ended', { workerId, reason: hideKey(reason, key) });
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      // Once: an outage of a night must not fill the disk with its log.
      if (failures === 0) {
        log.warn('wake-ups are off until Realtime answers: tasks start at the next poll', {
          workerId,
          reason: hideKey(messageOf(error), key),
        });
      }
      failures += 1;
    }

    // Full jitter, so that many machines do not come back at once; the abort only ends the wait.
    await clock.delay(Math.random() * waitMs, signal).catch(() => undefined);
    waitMs = Math.min(waitMs * 2, reconnectMs.most);
  }
}

function ears(listener: WakeListener) {
  return {
    subscriptions,
    joined: () => listener.connected(),
    change: (change: Change) => tell(change, listener),
  };
}

function tell({ record }: Change, listener: WakeListener): void {
  const cancelled = Cancelled.safeParse(record);

  listener.wake(
    cancelled.success ? { type: 'cancelled', taskId: cancelled.data.id } : { type: 'due' },
  );
}
