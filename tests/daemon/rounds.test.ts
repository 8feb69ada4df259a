// Heartbeat and housekeeping: a worker that lives is known to live, and work of dead ones is found.
import { expect, test } from 'vitest';

import type { Clock } from '../../src/core/ports.ts';
import { systemClock } from '../../src/daemon/clock.ts';
import { createHeartbeat } from '../../src/daemon/heartbeat.ts';
import { createHeld } from '../../src/daemon/held.ts';
import { silentLog } from '../support/cluster.ts';
import { freshQueue } from '../support/queue.ts';
import { daemonOn, ended, eventually, sinkOf, turnstile } from './fixtures.ts';

test('beats keep a worker alive past its lease', async () => {
  await using given = await freshQueue();
  const gate = turnstile();
  await using worker = daemonOn({
    url: given.db.workerUrl,
    runAgent: gate.runAgent,
    settings: { leaseSeconds: 1, sweepSeconds: 0.2 },
  });
  const { id } = await given.submit({ agents: ['echo'] });
  await worker.daemon.start();
  const registered = await beatOf(given.db.sql);

  await eventually(async () => (await beatOf(given.db.sql)) - registered > 2_500);
  gate.openAll();

  expect(await ended(given.queue, id)).toMatchObject({
    runs: [{ attempt: 1, status: 'complete' }],
  });
});

test('a sweep finds the work of a worker that fell silent, and it is done', async () => {
  await using given = await freshQueue();
  const dead = await given.worker({ leaseSeconds: 1, sinks: [] });
  const { id } = await given.submit();
  await dead.claim();
  await using worker = daemonOn({
    url: given.db.workerUrl,
    settings: { wake: false, sweepSeconds: 0.1 },
  });
  await worker.daemon.start();

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });
  expect(worker.lines).toContainEqual(
    expect.objectContaining({ message: 'work of silent workers was recovered' }),
  );
});

test('the worker that this boot replaces gives its work up at once, whatever its lease', async () => {
  await using given = await freshQueue();
  const dead = await given.worker({ leaseSeconds: 3_600, sinks: [] });
  const { id } = await given.submit();
  await dead.claim();
  const workerId = crypto.randomUUID();
  await using worker = daemonOn({
    url: given.db.workerUrl,
    worker: { id: workerId, name: 'test', version: '0.0.0', replaces: dead.id },
  });

  await worker.daemon.start();

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });
});

test('after the machine slept it looks for work at once', async () => {
  await using given = await freshQueue();
  let sleptMs = 0;
  const clock: Clock = { ...systemClock, now: () => Date.now() + sleptMs };
  await using worker = daemonOn({
    url: given.db.workerUrl,
    clock,
    settings: { wake: false, leaseSeconds: 1 },
  });
  await worker.daemon.start();
  await eventually(() => worker.lines.some(({ message }) => message === 'polled'));
  const { id } = await given.submit({ agents: ['echo'] });

  sleptMs = 3_600_000;

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });
  expect(worker.lines).toContainEqual(expect.objectContaining({ message: 'the machine slept' }));
});

test('a worker that was retired behind its back is known again after a beat, and looks for what nobody told it of', async () => {
  await using given = await freshQueue();
  await using worker = daemonOn({ url: given.db.workerUrl, settings: { leaseSeconds: 1 } });
  await worker.daemon.start();
  await eventually(() => worker.lines.some(({ message }) => message === 'polled'));

  await given.db.sql('update workers set retired_at = now()');
  const { id } = await given.submit({ agents: ['echo'] });

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });
});

test('after a sleep its own sweep does not take it for dead', async () => {
  await using given = await freshQueue();
  const gate = turnstile();
  let sleptMs = 0;
  const clock: Clock = { ...systemClock, now: () => Date.now() + sleptMs };
  await using worker = daemonOn({
    url: given.db.workerUrl,
    clock,
    runAgent: gate.runAgent,
    // The next beat is 20 s away: the sweep comes first.
    settings: { wake: false, leaseSeconds: 60, sweepSeconds: 0.2 },
  });
  const { id } = await given.submit({ agents: ['echo'] });
  await worker.daemon.start();
  await eventually(() => gate.inside.length === 1);

  sleptMs = 600_000;
  await given.db.advance({ seconds: 600 });
  await eventually(async () => (await given.queue.readState()).workers[0]?.alive);
  gate.openAll();

  expect(await ended(given.queue, id)).toMatchObject({
    runs: [{ attempt: 1, status: 'complete' }],
  });
});

test('after an outage it gives the others one beat to come back before it judges them', async () => {
  await using given = await freshQueue();
  const { id: workerId } = await given.worker();
  let passedMs = 0;
  const heartbeat = createHeartbeat({
    queue: given.queue,
    workerId,
    leaseSeconds: 60,
    held: createHeld(),
    clock: { ...systemClock, now: () => Date.now() + passedMs },
    log: silentLog,
    register: async () => undefined,
    missed: () => undefined,
  });
  const before = await heartbeat.refresh();

  passedMs = 600_000;
  const atOnce = await heartbeat.refresh();
  passedMs += 20_000;
  const later = await heartbeat.refresh();

  expect([before, atOnce, later]).toEqual([true, false, true]);
});

test('a delivery makes no further effect after a silence in which another may have begun it', async () => {
  await using given = await freshQueue();
  const asleep = Promise.withResolvers<void>();
  const clock = { ...systemClock, now: () => Date.now() + sleptMs };
  let sleptMs = 0;
  let effects = 0;
  const sink = sinkOf('folder', async (_, { check }) => {
    check();
    effects += 1;
    if (effects === 1) await asleep.promise;
    check();
    return { type: 'delivered', result: {} };
  });
  await using worker = daemonOn({ url: given.db.workerUrl, clock, sinks: [sink] });
  const { id } = await given.submit({ agents: ['echo'] });
  await worker.daemon.start();
  await eventually(() => effects === 1);

  // Longer than the lease, and woken in the middle of the delivery.
  sleptMs = 50_000;
  asleep.resolve();

  const task = await ended(given.queue, id);
  expect(task).toMatchObject({ status: 'complete', deliveries: [{ attempt: 2 }] });
  expect(effects).toBe(2);
});

async function beatOf(sql: (text: string) => Promise<Record<string, unknown>[]>): Promise<number> {
  const [row] = await sql('select extract(epoch from beat_at)::float8 * 1000 as ms from workers');

  return Number(row?.['ms']);
}
