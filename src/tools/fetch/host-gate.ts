// Keeps us polite: few requests at once to one host, and a pause between their starts.
import pLimit, { type LimitFunction } from 'p-limit';

import type { Clock } from '../../core/ports.ts';

export type HostGate = {
  /** Runs `work` when the host's turn comes; rejects at once when `signal` aborts. */
  pass<T>(
    host: string,
    turn: { spacingMs: number; signal: AbortSignal },
    work: () => Promise<T>,
  ): Promise<T>;
};

type Lane = { limit: LimitFunction; nextStartMs: number };

const maxHosts = 1_000;

export function createHostGate(perHost: number, clock: Clock): HostGate {
  const lanes = new Map<string, Lane>();

  return {
    pass(host, { spacingMs, signal }, work) {
      const lane = laneOf(host);
      const turn = lane.limit(async () => {
        signal.throwIfAborted();
        const waitMs = lane.nextStartMs - clock.monotonic();
        lane.nextStartMs = Math.max(lane.nextStartMs, clock.monotonic()) + spacingMs;
        if (waitMs > 0) await clock.delay(waitMs, signal);

        return await work();
      });

      return untilAborted(turn, signal);
    },
  };

  function laneOf(host: string): Lane {
    const known = lanes.get(host);
    if (known !== undefined) return known;

    if (lanes.size >= maxHosts) forgetIdleLanes();
    const lane = { limit: pLimit(perHost), nextStartMs: 0 };
    lanes.set(host, lane);

    return lane;
  }

  function forgetIdleLanes(): void {
    for (const [host, lane] of lanes) {
      const isIdle = lane.limit.activeCount + lane.limit.pendingCount === 0;
      if (isIdle && lane.nextStartMs <= clock.monotonic()) lanes.delete(host);
    }
  }
}

/** The promise's outcome, or the abort reason as soon as the signal aborts. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });

  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
