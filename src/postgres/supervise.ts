// Keeps a postmaster running until told to stop: a death that nobody asked for is answered by a restart.
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import { isAlive, stopPostmaster, type Delay, type Postmaster } from './postmaster.ts';

export type Supervised = {
  /** The pid of the postmaster that runs now. */
  pid(): number;
  /** Stops it for good, within a bound. May be called again. */
  stop(): Promise<void>;
};

type Supervision = {
  /** Brings it up again on the same port. */
  restart(signal: AbortSignal): Promise<Postmaster>;
  delay: Delay;
  log: Log;
};

const lookEveryMs = 2_000;
const pauseMs = { first: 200, most: 10_000, afterManyFailures: 60_000 };
const manyFailures = 40;
/** One that ran for so long was well: its death is a first one. */
const wellAfterMs = 5_000;

export function supervise(first: Postmaster, supervision: Supervision): Supervised {
  const { delay, log } = supervision;
  const stopping = new AbortController();
  let current = first;
  let isRunning = true;
  let stopped: Promise<void> | undefined;

  const watching = watch().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });

  async function watch(): Promise<void> {
    let failures = 0;

    for (;;) {
      const since = performance.now();
      await died(current, delay, stopping.signal);
      if (stopping.signal.aborted) return;
      isRunning = false;

      failures = performance.now() - since > wellAfterMs ? 1 : failures + 1;
      if (isWorthSaying(failures)) {
        log.error('PostgreSQL died: starting it again', { pid: current.pid, failures });
      }
      const revived = await revive(supervision, failures, stopping.signal);
      current = revived.postmaster;
      failures = revived.failures;
      isRunning = true;
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await watching;
    // The pid of a dead one may be a stranger's by now.
    if (isRunning) await stopPostmaster(current.pid, delay);
  }

  return {
    pid: () => current.pid,
    stop: () => (stopped ??= stop()),
  };
}

/** Tries until it is up again: what keeps it from starting, such as a full disk, may pass. Rejects when aborted. */
async function revive(
  { restart, delay, log }: Supervision,
  before: number,
  signal: AbortSignal,
): Promise<{ postmaster: Postmaster; failures: number }> {
  for (let failures = before; ; failures += 1) {
    await delay(pauseAfter(failures), signal);

    try {
      return { postmaster: await restart(signal), failures };
    } catch (error) {
      signal.throwIfAborted();
      if (isWorthSaying(failures)) {
        log.error('PostgreSQL does not come up again yet', { failures, error: messageOf(error) });
      }
    }
  }
}

function pauseAfter(failures: number): number {
  if (failures > manyFailures) return pauseMs.afterManyFailures;

  return Math.min(pauseMs.first * 2 ** (failures - 1), pauseMs.most);
}

/** True at 1, 2, 4, 8 and so on: a night of failures must not fill the disk with its log. */
function isWorthSaying(times: number): boolean {
  return Math.log2(times) % 1 === 0;
}

// One that we adopted is no child of ours: nothing tells of its end, so we look.
async function died(postmaster: Postmaster, delay: Delay, signal: AbortSignal): Promise<void> {
  if (postmaster.exited !== undefined) {
    await Promise.race([postmaster.exited, aborted(signal)]);
    return;
  }

  while (await isAlive(postmaster.pid)) await delay(lookEveryMs, signal);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
