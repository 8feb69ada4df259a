// Politeness: how many requests at once to one host, and how far apart.
import { expect, test } from 'vitest';

import { systemClock } from '../../../src/daemon/clock.ts';
import { createHostGate } from '../../../src/tools/fetch/host-gate.ts';
import { signal } from '../fetching.ts';

/** Work that has started and ends when told to. */
function heldWork() {
  const started: (() => void)[] = [];
  const work = () => new Promise<void>((resolve) => started.push(resolve));

  return { started, work };
}

test('lets two through to one host, and the next when one is done', async () => {
  const gate = createHostGate(2, systemClock);
  const { started, work } = heldWork();
  const turns = [1, 2, 3].map(() => gate.pass('a', { spacingMs: 0, signal }, work));

  await expect.poll(() => started.length).toBe(2);
  started[0]?.();
  await expect.poll(() => started.length).toBe(3);

  for (const finish of started) finish();
  await Promise.all(turns);
});

test('lets other hosts through meanwhile', async () => {
  const gate = createHostGate(1, systemClock);
  const { started, work } = heldWork();
  const turns = ['a', 'b'].map((host) => gate.pass(host, { spacingMs: 0, signal }, work));

  await expect.poll(() => started.length).toBe(2);

  for (const finish of started) finish();
  await Promise.all(turns);
});

test('keeps the starts of requests to one host apart', async () => {
  const waits: number[] = [];
  const clock = {
    ...systemClock,
    monotonic: () => 1_000,
    delay: async (ms: number) => void waits.push(ms),
  };
  const gate = createHostGate(2, clock);

  for (const spacingMs of [250, 250, 2_000, 250]) {
    await gate.pass('a', { spacingMs, signal }, () => Promise.resolve());
  }

  expect(waits).toEqual([250, 500, 2_500]);
});

test('frees who waits as soon as the run is cancelled', async () => {
  const gate = createHostGate(1, systemClock);
  const { started, work } = heldWork();
  const controller = new AbortController();
  const first = gate.pass('a', { spacingMs: 0, signal }, work);

  const second = gate.pass('a', { spacingMs: 0, signal: controller.signal }, work);
  controller.abort(new Error('cancelled'));

  await expect(second).rejects.toThrow('cancelled');
  started[0]?.();
  await first;
  expect(started).toHaveLength(1);
});
