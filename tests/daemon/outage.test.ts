// A database that goes away: work goes on, and every outcome arrives once it is back, exactly once.
import { expect, test } from 'vitest';

import { appError } from '../../src/core/errors.ts';
import type { Queue } from '../../src/core/queue.ts';
import { freshQueue } from '../support/queue.ts';
import { startProxy } from '../support/proxy.ts';
import { daemonOn, ended, eventually, turnstile } from './fixtures.ts';

test('outcomes that were reached while the database was cut off are settled once it is back', async () => {
  await using given = await freshQueue();
  await using proxy = await startProxy(given.db.workerUrl);
  const gate = turnstile();
  await using worker = daemonOn({ url: proxy.url(given.db.workerUrl), runAgent: gate.runAgent });
  const { id } = await given.submit();
  await worker.daemon.start();
  await eventually(() => gate.inside.length === 4);

  proxy.cut();
  gate.openAll();
  await eventually(() => worker.lines.some(({ fields }) => fields['call'] === 'turn'));
  proxy.restore();

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete', runsEnded: 7 });
  const tries = await given.db.sql('select max(attempt) from agent_runs');
  expect(tries).toEqual([{ max: 1 }]);
});

test('a reply that is lost changes nothing: no run is claimed twice, no outcome counted twice', async () => {
  await using given = await freshQueue();
  const lost = new Set<string>();
  const takeTurn: Queue['takeTurn'] = async (turn) => {
    const result = await given.queue.takeTurn(turn);
    if (lost.has(turn.claimId)) return result;

    lost.add(turn.claimId);
    throw appError('database_unavailable');
  };
  await using worker = daemonOn({
    url: given.db.workerUrl,
    queue: { ...given.queue, takeTurn },
    settings: { concurrencyRuns: 7 },
  });
  const { id } = await given.submit();

  await worker.daemon.start();

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete', runsEnded: 7 });
  const tries = await given.db.sql('select max(attempt) from agent_runs');
  expect(tries).toEqual([{ max: 1 }]);
  expect(lost.size).toBeGreaterThan(1);
});

test('a database that takes calls and answers none holds nothing up once it is back', async () => {
  await using given = await freshQueue();
  await using proxy = await startProxy(given.db.workerUrl);
  const gate = turnstile();
  await using worker = daemonOn({
    url: proxy.url(given.db.workerUrl),
    runAgent: gate.runAgent,
    queryTimeoutMs: 300,
  });
  const { id } = await given.submit({ agents: ['echo', 'vision'] });
  await worker.daemon.start();
  await eventually(() => gate.inside.length === 2);

  proxy.swallow();
  gate.openAll();
  await eventually(() => worker.lines.some(({ fields }) => fields['call'] === 'turn'));
  proxy.restore();

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete', runsEnded: 2 });
});

test('starts when the database comes up after it', async () => {
  await using given = await freshQueue();
  await using proxy = await startProxy(given.db.workerUrl);
  proxy.cut();
  await using worker = daemonOn({ url: proxy.url(given.db.workerUrl) });
  const { id } = await given.submit({ agents: ['echo'] });

  const started = worker.daemon.start();
  await eventually(() => worker.lines.some(({ fields }) => fields['call'] === 'register'));
  proxy.restore();
  await started;

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });
});

test('a worker whose row is gone registers again and goes on', async () => {
  await using given = await freshQueue();
  await using worker = daemonOn({ url: given.db.workerUrl, settings: { leaseSeconds: 1 } });
  await worker.daemon.start();
  await given.db.sql('update workers set retired_at = now()');

  const { id } = await given.submit({ agents: ['echo'] });
  await eventually(async () => {
    const [row] = await given.db.sql('select retired_at from workers');
    return row?.['retired_at'] === null;
  });
  const another = await given.submit({ agents: ['echo'] });

  expect(await ended(given.queue, another.id)).toMatchObject({ status: 'complete' });
  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });
});
