// Stopping: work gets its grace time, the rest goes back to the queue, and nothing stays open.
import { expect, test } from 'vitest';

import type { Queue } from '../../src/core/queue.ts';
import { freshQueue } from '../support/queue.ts';
import { startProxy } from '../support/proxy.ts';
import { spawnChild } from './children/spawned.ts';
import { daemonOn, ended, eventually, turnstile } from './fixtures.ts';

test('waits for running work within the grace time, and settles it', async () => {
  await using given = await freshQueue();
  const gate = turnstile();
  await using worker = daemonOn({ url: given.db.workerUrl, runAgent: gate.runAgent });
  await given.submit({ agents: ['echo'] });
  await worker.daemon.start();
  await eventually(() => gate.inside.length === 1);

  const stopped = worker.daemon.stop(60_000);
  gate.openAll();

  expect(await stopped).toEqual({ interrupted: 0, unsettled: 0 });
  const rows = await given.db.sql('select status, attempt from agent_runs');
  expect(rows).toEqual([{ status: 'complete', attempt: 1 }]);
});

test('hands unfinished runs back without costing a try, and retires the worker', async () => {
  await using given = await freshQueue();
  const gate = turnstile();
  await using worker = daemonOn({ url: given.db.workerUrl, runAgent: gate.runAgent });
  await given.submit();
  await worker.daemon.start();
  await eventually(() => gate.inside.length === 4);

  const report = await worker.daemon.stop(0);

  expect(report).toEqual({ interrupted: 4, unsettled: 0 });
  const rows = await given.db.sql(
    `select count(*)::int, max(attempt - refunds) as tries from agent_runs where status = 'pending'`,
  );
  expect(rows).toEqual([{ count: 7, tries: 0 }]);
  const [retired] = await given.db.sql('select retired_at from workers where id = $1', [worker.id]);
  expect(retired?.['retired_at']).not.toBeNull();
});

test('claims nothing more once it stops', async () => {
  await using given = await freshQueue();
  const gate = turnstile();
  await using worker = daemonOn({
    url: given.db.workerUrl,
    runAgent: gate.runAgent,
    settings: { concurrencyRuns: 1 },
  });
  await given.submit();
  await worker.daemon.start();
  await eventually(() => gate.inside.length === 1);

  const stopped = worker.daemon.stop(60_000);
  gate.openAll();
  await stopped;

  const rows = await given.db.sql(
    `select status, count(*)::int from agent_runs group by 1 order by 1`,
  );
  expect(rows).toEqual([
    { status: 'complete', count: 1 },
    { status: 'pending', count: 6 },
  ]);
});

test('a second stop does not wait for the grace time of the first', async () => {
  await using given = await freshQueue();
  const gate = turnstile();
  await using worker = daemonOn({ url: given.db.workerUrl, runAgent: gate.runAgent });
  await given.submit({ agents: ['echo'] });
  await worker.daemon.start();
  await eventually(() => gate.inside.length === 1);

  const first = worker.daemon.stop(3_600_000);
  const second = worker.daemon.stop();

  expect(await first).toEqual({ interrupted: 1, unsettled: 0 });
  expect(await second).toEqual({ interrupted: 1, unsettled: 0 });
});

test('stops also while the database is away, and says what it could not settle', async () => {
  await using given = await freshQueue();
  await using proxy = await startProxy(given.db.workerUrl);
  const gate = turnstile();
  await using worker = daemonOn({
    url: proxy.url(given.db.workerUrl),
    listenUrl: given.db.workerUrl,
    runAgent: gate.runAgent,
  });
  await worker.daemon.start();
  await eventually(() => worker.lines.some(({ message }) => message === 'polled'));
  await given.submit({ agents: ['echo'] });
  await eventually(() => gate.inside.length === 1);

  proxy.cut();
  gate.openAll();
  await eventually(() => worker.lines.some(({ fields }) => fields['call'] === 'turn'));
  const stopped = worker.daemon.stop(0);
  void worker.daemon.stop();

  expect(await stopped).toEqual({ interrupted: 0, unsettled: 1 });
});

test('what a turn under way still claims is handed back, not begun', async () => {
  await using given = await freshQueue();
  const gate = turnstile();
  const { promise: travelled, resolve: arrive } = Promise.withResolvers<void>();
  const takeTurn: Queue['takeTurn'] = async (turn) => {
    const result = await given.queue.takeTurn(turn);
    await travelled;
    return result;
  };
  await using worker = daemonOn({
    url: given.db.workerUrl,
    queue: { ...given.queue, takeTurn },
    runAgent: gate.runAgent,
  });
  await given.submit();
  await worker.daemon.start();
  await eventually(async () => (await given.queue.readState()).runsRunning === 4);

  const stopped = worker.daemon.stop(60_000);
  arrive();

  expect(await stopped).toEqual({ interrupted: 0, unsettled: 0 });
  expect(gate.peak()).toBe(0);
  const rows = await given.db.sql(
    'select distinct status, attempt - refunds as tries from agent_runs',
  );
  expect(rows).toEqual([{ status: 'pending', tries: 0 }]);
});

test('stopped before it serves, the start is refused', async () => {
  await using given = await freshQueue();
  await using proxy = await startProxy(given.db.workerUrl);
  proxy.cut();
  await using worker = daemonOn({ url: proxy.url(given.db.workerUrl) });

  const started = worker.daemon.start();
  void worker.daemon.stop(0);

  await expect(started).rejects.toMatchObject({ code: 'daemon_stopping' });
});

test('work that was handed back goes on at the next daemon', async () => {
  await using given = await freshQueue();
  const gate = turnstile();
  await using first = daemonOn({ url: given.db.workerUrl, runAgent: gate.runAgent });
  const { id } = await given.submit();
  await first.daemon.start();
  await eventually(() => gate.inside.length === 4);
  await first.daemon.stop(0);

  await using second = daemonOn({ url: given.db.workerUrl });
  await second.daemon.start();

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete', failedAgents: [] });
});

test('a stopped daemon leaves nothing open: its program ends by itself', async () => {
  await using given = await freshQueue();
  await using program = spawnChild('serve', given.db.workerUrl);
  await program.prints('serving');

  program.kill('SIGTERM');

  await program.prints('stopped');
  expect(await program.ended).toBe(0);
});
