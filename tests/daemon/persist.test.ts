// Repeating a call: with growing pauses, and never sooner than the other side asked for.
import { expect, test } from 'vitest';

import { appError } from '../../src/core/errors.ts';
import type { Clock } from '../../src/core/ports.ts';
import { systemClock } from '../../src/daemon/clock.ts';
import { persist } from '../../src/daemon/persist.ts';
import { silentLog } from '../support/cluster.ts';

test('waits at least as long as the other side asks for, and at most a minute longer than by itself', async () => {
  const { clock, waits } = countingClock();
  const asked = [2_000, 3_600_000, undefined];

  await persist(
    'call',
    async (tries) => {
      const retryAfterMs = asked[tries];
      if (tries < asked.length) throw appError('database_unavailable', { retryAfterMs });
    },
    { clock, log: silentLog, signal: new AbortController().signal },
  );

  const [first = 0, second = 0, third = 0] = waits;
  expect(first).toBeGreaterThanOrEqual(2_000);
  expect(second).toBeGreaterThanOrEqual(60_000);
  expect(second).toBeLessThan(65_000);
  expect(third).toBeLessThan(1_000);
});

test('throws a refusal at once', async () => {
  const { clock, waits } = countingClock();
  const refusal = appError('database_failed');

  const calling = persist('call', () => Promise.reject(refusal), {
    clock,
    log: silentLog,
    signal: new AbortController().signal,
  });

  await expect(calling).rejects.toBe(refusal);
  expect(waits).toEqual([]);
});

/** A clock whose waits are over at once, and counted. */
function countingClock(): { clock: Clock; waits: number[] } {
  const waits: number[] = [];
  const delay = async (ms: number): Promise<void> => void waits.push(ms);

  return { clock: { ...systemClock, delay }, waits };
}
