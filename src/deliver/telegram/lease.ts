// Lets one program at a time do what only one may do: work goes on as long as its lease is renewed.
import { messageOf } from '../../core/errors.ts';
import type { Clock, Log } from '../../core/ports.ts';

/** A lease on something in the database that all programs share. All may throw while the database is away. */
export type Lease = {
  /** False when another holds it. */
  acquire(): Promise<boolean>;
  /** False when another holds it by now. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
  /** How long it holds without being renewed. */
  seconds: number;
};

export type Leasing = { lease: Lease; clock: Clock; log: Log; signal: AbortSignal };

/** Renewed so often that one failure does not lose it. */
const renewalsPerLease = 3;

/** Does `work` whenever the lease is held, its signal aborted once it is not; until `signal` aborts or work ends by itself. */
export async function underLease(
  work: (held: AbortSignal) => Promise<void>,
  leasing: Leasing,
): Promise<void> {
  const { lease, clock, log, signal } = leasing;
  let isWaiting = false;

  while (!signal.aborted) {
    if (await tryTo('acquire', leasing)) {
      isWaiting = false;
      const isDone = await workWhileHeld(work, leasing);
      if (isDone) return;
    } else if (!isWaiting) {
      isWaiting = true;
      log.info('another Nightshift receives the messages to this bot: waiting for it to end');
    }
    await clock.delay((lease.seconds * 1_000) / renewalsPerLease, signal).catch(() => undefined);
  }
}

/** True when the work has come to its own end. */
async function workWhileHeld(
  work: (held: AbortSignal) => Promise<void>,
  leasing: Leasing,
): Promise<boolean> {
  const { signal, log } = leasing;
  const lost = new AbortController();
  const over = new AbortController();
  const held = AbortSignal.any([signal, lost.signal]);
  const renewing = keepRenewing(leasing, { lost, over: AbortSignal.any([held, over.signal]) });

  try {
    await work(held);
  } catch (error) {
    if (!held.aborted) throw error;
  } finally {
    over.abort();
    await renewing;
    if (!lost.signal.aborted) await release(leasing);
  }

  if (lost.signal.aborted) log.warn('the lease on the bot was lost: another may listen now');
  return !held.aborted;
}

async function keepRenewing(
  leasing: Leasing,
  { lost, over }: { lost: AbortController; over: AbortSignal },
): Promise<void> {
  const { lease, clock } = leasing;
  const partMs = (lease.seconds * 1_000) / renewalsPerLease;
  let renewedAt = clock.monotonic();

  while (!over.aborted) {
    await clock.delay(partMs, over).catch(() => undefined);
    if (over.aborted) return;

    const askedAt = clock.monotonic();
    const answer = await tryTo('renew', leasing);
    if (answer === true) renewedAt = askedAt;
    // While the database is away nobody else can take it either, but once it has run out it is anybody's.
    const isRunOut = clock.monotonic() - renewedAt > (renewalsPerLease - 1) * partMs;
    if (answer === false || isRunOut) lost.abort();
  }
}

/** Undefined when the database did not answer. */
async function tryTo(
  verb: 'acquire' | 'renew',
  { lease, log }: Leasing,
): Promise<boolean | undefined> {
  try {
    return await lease[verb]();
  } catch (error) {
    log.debug('the lease on the bot could not be kept', { verb, error: messageOf(error) });
    return undefined;
  }
}

async function release({ lease, log }: Leasing): Promise<void> {
  await lease.release().catch((error: unknown) => {
    // It runs out by itself.
    log.debug('the lease on the bot could not be given back', { error: messageOf(error) });
  });
}
