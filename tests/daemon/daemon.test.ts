// The daemon on a real database: it finds work, keeps to its limits, and does everything once.
import { expect, test } from 'vitest';

import { freshQueue } from '../support/queue.ts';
import type { Queue } from '../../src/core/queue.ts';
import { noUsage } from '../../src/core/run.ts';
import { complete, daemonOn, ended, eventually, sinkOf, turnstile } from './fixtures.ts';

test('a wake-up starts work that came while nothing was due', async () => {
  await using given = await freshQueue();
  await using worker = daemonOn({ url: given.db.workerUrl });
  await worker.daemon.start();
  await eventually(() => worker.lines.some(({ message }) => message === 'polled'));

  const { id } = await given.submit();

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete', runsEnded: 7 });
});

test('never works on more runs at once than its setting, and uses every slot', async () => {
  await using given = await freshQueue();
  const gate = turnstile();
  await using worker = daemonOn({
    url: given.db.workerUrl,
    runAgent: gate.runAgent,
    settings: { concurrencyRuns: 3 },
  });
  const { id } = await given.submit();

  await worker.daemon.start();
  await eventually(() => gate.inside.length === 3);
  const { runsRunning } = await given.queue.readState();
  gate.openAll();
  await ended(given.queue, id);

  expect({ peak: gate.peak(), claimed: runsRunning }).toEqual({ peak: 3, claimed: 3 });
});

test('fills each slot as it frees, without waiting for the rest of its batch', async () => {
  await using given = await freshQueue();
  const gate = turnstile();
  await using worker = daemonOn({
    url: given.db.workerUrl,
    runAgent: gate.runAgent,
    settings: { concurrencyRuns: 3 },
  });
  await given.submit();
  await worker.daemon.start();
  const first = await eventually(() => gate.inside.length === 3 && gate.inside.slice());

  gate.letOne();

  const second = await eventually(() => {
    const isRefilled = gate.inside.length === 3 && gate.inside[0] !== first[0];
    return isRefilled && gate.inside.slice();
  });
  expect(second.slice(0, 2)).toEqual(first.slice(1));
});

test('delivers what its runs have made, stage after stage', async () => {
  await using given = await freshQueue();
  const order: string[] = [];
  const sink = (name: string) =>
    sinkOf(name, async ({ task }) => {
      order.push(`${name} ${task.outcome}`);
      return { type: 'delivered', result: {} };
    });
  await using worker = daemonOn({
    url: given.db.workerUrl,
    sinks: [{ ...sink('terminal'), stage: 1 }, sink('folder')],
  });
  await worker.daemon.start();

  const { id } = await given.submit();
  await ended(given.queue, id);

  expect(order).toEqual(['folder complete', 'terminal complete']);
});

test('two daemons on one database share forty tasks, and do no run twice', async () => {
  await using given = await freshQueue();
  const done: string[] = [];
  const worker = (name: string) =>
    daemonOn({
      url: given.db.workerUrl,
      runAgent: async (run, io) => {
        done.push(`${name} ${run.id}`);
        return await turnstileOpen(run, io);
      },
    });
  const turnstileOpen = (() => {
    const gate = turnstile();
    gate.openAll();
    return gate.runAgent;
  })();
  await using left = worker('left');
  await using right = worker('right');
  await Promise.all(Array.from({ length: 40 }, () => given.submit()));

  await Promise.all([left.daemon.start(), right.daemon.start()]);
  await eventually(async () => {
    const [row] = await given.db.sql(`select count(*) from tasks where status = 'complete'`);
    return Number(row?.['count']) === 40;
  });

  expect(new Set(done.map((entry) => entry.split(' ')[1])).size).toBe(280);
  expect(done).toHaveLength(280);
  expect(new Set(done.map((entry) => entry.split(' ')[0])).size).toBe(2);
});

test('takes a retried run up when its backoff is over, with wake-ups and polls far away', async () => {
  await using given = await freshQueue();
  const error = { code: 'model_unavailable', message: 'gone', retriable: true };
  await using worker = daemonOn({
    url: given.db.workerUrl,
    settings: { wake: false },
    runAgent: async (run) =>
      run.attempt === 1 ? { type: 'retry', error, usage: noUsage } : complete(run),
  });
  const { id } = await given.submit({ agents: ['echo'] });

  await worker.daemon.start();

  expect(await ended(given.queue, id)).toMatchObject({
    runs: [{ attempt: 2, status: 'complete' }],
  });
});

test('settles and claims in one call for many runs', async () => {
  await using given = await freshQueue();
  let turns = 0;
  const takeTurn: Queue['takeTurn'] = async (turn) => {
    turns += 1;
    return await given.queue.takeTurn(turn);
  };
  await using worker = daemonOn({
    url: given.db.workerUrl,
    queue: { ...given.queue, takeTurn },
    settings: { concurrencyRuns: 16 },
  });
  const tasks = await Promise.all(Array.from({ length: 20 }, () => given.submit()));

  await worker.daemon.start();
  await Promise.all(tasks.map(({ id }) => ended(given.queue, id)));

  // 140 runs and 20 deliveries; one call each way would have made 320.
  expect(turns).toBeLessThan(40);
});
