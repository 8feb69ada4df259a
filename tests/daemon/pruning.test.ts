// The nights' pruning: at its hour by the machine's clock, once for all daemons of a database, and stopped at once.
import { expect, test } from 'vitest';

import type { PrunePolicy } from '../../src/core/retention.ts';
import { systemClock } from '../../src/daemon/clock.ts';
import { lastNight, type PruningSettings } from '../../src/daemon/pruning.ts';
import { completed, deliverAll, freshQueue, type TestQueue } from '../support/queue.ts';
import { daemonOn, eventually } from './fixtures.ts';

const day = 86_400;
const policy: PrunePolicy = {
  steps: 90,
  progress: 90,
  attempts: 90,
  contents: null,
  tasks: 30,
  polls: 90,
  workers: 90,
};

test.each([
  ['03:30', new Date(2027, 2, 10, 9, 0), new Date(2027, 2, 10, 3, 30)],
  ['03:30', new Date(2027, 2, 10, 3, 29), new Date(2027, 2, 9, 3, 30)],
  ['03:30', new Date(2027, 2, 10, 3, 30), new Date(2027, 2, 10, 3, 30)],
  ['00:00', new Date(2027, 0, 1, 0, 1), new Date(2027, 0, 1, 0, 0)],
  ['23:59', new Date(2027, 0, 1, 12, 0), new Date(2026, 11, 31, 23, 59)],
])('the last %s before %s was at %s', (at, now, expected) => {
  expect(new Date(lastNight(now.getTime(), at))).toEqual(expected);
});

test('a night that the machine slept through is made up for when it wakes, and says what went', async () => {
  await using given = await freshQueue();
  await endedTasks(given, 3);
  await firstNight(given);
  await given.db.advance({ seconds: 31 * day });
  await using worker = daemonOn({ url: given.db.workerUrl, settings: { pruning: hoursAgo(5) } });

  await worker.daemon.start();

  const line = await eventually(() =>
    worker.lines.find(({ message }) => message.startsWith('pruned')),
  );
  expect(line).toMatchObject({ level: 'info', fields: { tasks: 3 } });
  expect(await given.db.sql('select from tasks')).toEqual([]);
  expect(await nights(given)).toEqual([
    { ended: true, removed: {} },
    { ended: true, removed: { tasks: 3 } },
  ]);
});

test('a database that was never pruned waits for its first night', async () => {
  await using given = await freshQueue();
  await endedTasks(given, 1);
  await given.db.advance({ seconds: 31 * day });
  await using worker = daemonOn({ url: given.db.workerUrl, settings: { pruning: hoursAgo(5) } });

  await worker.daemon.start();
  await eventually(async () => (await nights(given)).length > 0);
  await worker.daemon.stop(0);

  expect(await nights(given)).toEqual([{ ended: true, removed: {} }]);
  expect(await given.db.sql('select from tasks')).toHaveLength(1);
});

test('three daemons prune a night once, also when it is asked for again and again', async () => {
  await using given = await freshQueue();
  await endedTasks(given, 3);
  await firstNight(given);
  await given.db.advance({ seconds: 31 * day });
  const options = { url: given.db.workerUrl, settings: { pruning: hoursAgo(5) } };
  await using one = daemonOn({ ...options, clock: hurried });
  await using two = daemonOn({ ...options, clock: hurried });
  await using three = daemonOn({ ...options, clock: hurried });

  await Promise.all([one, two, three].map(({ daemon }) => daemon.start()));
  await eventually(async () => (await nights(given)).at(-1)?.['removed']?.tasks === 3);
  await Promise.all([one, two, three].map(({ daemon }) => daemon.stop(0)));

  const said = [one, two, three].flatMap(({ lines }) =>
    lines.filter(({ message }) => message.startsWith('pruned')),
  );
  expect(said).toHaveLength(1);
  expect(await nights(given)).toHaveLength(2);
});

test('a stop breaks the pruning off between two pages, and the next daemon goes on with it', async () => {
  await using given = await freshQueue();
  await endedTasks(given, 30);
  await firstNight(given);
  await given.db.advance({ seconds: 31 * day });
  await using slow = daemonOn({
    url: given.db.workerUrl,
    clock: dawdling,
    settings: { pruning: hoursAgo(5) },
  });
  await slow.daemon.start();
  await eventually(async () => (await nights(given)).length === 2);

  await slow.daemon.stop(0);
  const brokenOff = await nights(given);
  await using next = daemonOn({ url: given.db.workerUrl, settings: { pruning: hoursAgo(5) } });
  await next.daemon.start();
  await eventually(async () => (await nights(given)).at(-1)?.['ended']);

  expect(brokenOff.at(-1)).toEqual({ ended: false, removed: {} });
  expect(await nights(given)).toHaveLength(2);
  expect(await given.db.sql('select from tasks')).toEqual([]);
  expect(slow.lines.filter(({ level }) => level === 'warn')).toEqual([]);
});

test('without the setting nothing is pruned, and no night is noted', async () => {
  await using given = await freshQueue();
  await endedTasks(given, 1);
  await given.db.advance({ seconds: 1_000 * day });
  await using worker = daemonOn({ url: given.db.workerUrl });

  await worker.daemon.start();
  await eventually(() => worker.lines.some(({ message }) => message === 'polled'));
  await worker.daemon.stop(0);

  expect(await nights(given)).toEqual([]);
  expect(await given.db.sql('select from tasks')).toHaveLength(1);
});

/** It looks again at once, as if ten minutes had passed. */
const hurried = {
  ...systemClock,
  delay: (ms: number, signal?: AbortSignal) => systemClock.delay(ms === 600_000 ? 5 : ms, signal),
};

/** Pauses between pages never end by themselves. */
const dawdling = {
  ...systemClock,
  delay: (ms: number, signal?: AbortSignal) =>
    systemClock.delay(ms >= 100 && ms < 10_000 ? 3_600_000 : ms, signal),
};

function hoursAgo(hours: number): PruningSettings {
  const then = new Date(Date.now() - hours * 3_600_000);
  const two = (count: number) => String(count).padStart(2, '0');

  return { at: `${two(then.getHours())}:${two(then.getMinutes())}`, policy };
}

/** As on the day of the installation. */
async function firstNight({ queue }: TestQueue): Promise<void> {
  await queue.beginPruning(crypto.randomUUID(), 60);
}

async function endedTasks(given: TestQueue, count: number): Promise<void> {
  const worker = await given.worker({ sinks: [{ name: 'folder', stage: 0 }] });
  for (let made = 0; made < count; made += 1) await given.submit({ agents: ['echo'] });
  await worker.settle(...(await worker.claim()).map(completed));
  await deliverAll(given, worker);
  await given.queue.retireWorker(worker.id);
}

function nights({ db }: TestQueue) {
  return db.sql('select ended_at is not null as ended, removed from prunings order by id');
}
