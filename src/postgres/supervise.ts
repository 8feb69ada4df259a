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
const restartsAtMost = 5;
const restartsWithinMs = 600_000;
const backoffMs = 200;

export function supervise(first: Postmaster, { restart, delay, log }: Supervision): Supervised {
  const stopping = new AbortController();
  let current = first;
  let isRunning = true;
  let stopped: Promise<void> | undefined;

  const watching = watch().catch((error: unknown) => {
    if (stopping.signal.aborted) return;
    log.error('PostgreSQL does not come up again', { error: messageOf(error) });
  });

  async function watch(): Promise<void> {
    let restarts: number[] = [];

    for (;;) {
      await died(current, delay, stopping.signal);
      if (stopping.signal.aborted) return;
      isRunning = false;

      const now = performance.now();
      restarts = [...restarts.filter((at) => at > now - restartsWithinMs), now];
      if (restarts.length > restartsAtMost) throw new Error('it died too often');

      log.error('PostgreSQL died: starting it again', { pid: current.pid });
      await delay(backoffMs * 2 ** restarts.length, stopping.signal);
      current = await restart(stopping.signal);
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
