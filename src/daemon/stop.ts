// Stops in good order: claims nothing more, waits for work, hands the rest back, settles what can be settled.
import { messageOf } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Queue } from '../core/queue.ts';
import { stopReason } from './aborted.ts';
import { atMost } from './gate.ts';
import type { Batch } from './outbox.ts';
import type { Parts } from './parts.ts';
import { scrub } from './scrub.ts';

export type StopReport = {
  /** Runs and deliveries that were at work when the grace time ended. */
  interrupted: number;
  /** Outcomes that the database could not be told: they are on the disk, and the next daemon tells it. */
  unsettled: number;
};

export type StopPorts = {
  queue: Pick<Queue, 'retireWorker'>;
  workerId: string;
  clock: Clock;
  log: Log;
  parts: Parts;
  /** Aborts when the stop is to be quick: nothing is waited for any more but what takes a moment. */
  hurry: AbortSignal;
};

// Aborted work gets 3 s to end (see bounded.ts), then its outcome has to travel.
const flushMs = 8_000;
const hurriedFlushMs = 1_000;
const keepMs = 3_000;
const retireMs = 3_000;

/** Never rejects. Takes at most `graceMs` and some seconds, however the database behaves. */
export async function stopParts(ports: StopPorts, graceMs: number): Promise<StopReport> {
  const { clock, log, parts, hurry } = ports;
  const { turns, held, gate, giveUp } = parts;

  turns.close();
  await atMost(
    gate.until(() => parts.working() === 0),
    graceMs,
    { clock, hurry },
  );

  const interrupted = parts.working();
  held.abortAll(stopReason());
  await atMost(gate.until(parts.isQuiet), flushMs, { clock, hurry });
  if (!parts.isQuiet()) await atMost(gate.until(parts.isQuiet), hurriedFlushMs, { clock });

  giveUp.abort(stopReason());
  gate.check();
  const left = turns.unsettled();
  await atMost(keepOutcomes(parts, left), keepMs, { clock });
  await atMost(endWorker(ports), retireMs, { clock });

  const unsettled = left.runs.length + left.deliveries.length;
  if (unsettled > 0)
    log.warn('the daemon stops with outcomes that were not settled', { unsettled });
  return { interrupted, unsettled };
}

async function keepOutcomes({ kept }: Parts, left: Batch): Promise<void> {
  await kept.outcomes.keep(left);
  await kept.outcomes.idle();
}

async function endWorker({ queue, workerId, log, parts }: StopPorts): Promise<void> {
  // A beat after the end would bring the worker back to life.
  await Promise.all([parts.heartbeat, parts.housekeeping, parts.disk].map((part) => part.stop()));

  try {
    // Before its runs are handed back: steps of a run that is not under way are not taken any more.
    await parts.kept.steps.drain();
    await queue.retireWorker(workerId);
  } catch (error) {
    // The lease ends by itself.
    log.warn('the worker was not retired', { error: scrub(messageOf(error)) });
  }
}
