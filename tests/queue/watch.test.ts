// Workers that watch each other's sessions: a process that dies is known within seconds.
import { Client } from 'pg';
import { expect, test } from 'vitest';

import { freshQueue, type TestQueue } from '../support/queue.ts';

test('a worker whose process has died is found by another at its second look', async () => {
  await using queue = await freshQueue();
  await using watched = await watchedWorker(queue);

  await watched.die();
  await watched.look();
  const first = await watched.status();
  await queue.db.advance({ seconds: 4 });
  await watched.look();

  expect([first, await watched.status()]).toEqual(['running', 'pending']);
});

test('a worker that has its session again before the second look keeps its runs', async () => {
  await using queue = await freshQueue();
  await using watched = await watchedWorker(queue);

  await watched.die();
  await watched.look();
  await watched.live();
  await queue.db.advance({ seconds: 4 });
  await watched.look();

  expect(await watched.status()).toBe('running');
});

test('a worker that beats between two looks keeps its runs', async () => {
  await using queue = await freshQueue();
  await using watched = await watchedWorker(queue);

  await watched.die();
  await watched.look();
  await queue.db.advance({ seconds: 1 });
  await queue.queue.beat(watched.id, [], []);
  await queue.db.advance({ seconds: 4 });
  await watched.look();

  expect(await watched.status()).toBe('running');
});

test('a worker that has not come back since the server started is not judged by its session', async () => {
  await using queue = await freshQueue();
  await using watched = await watchedWorker(queue);
  await queue.db.sql(
    `update workers set locked_at = pg_postmaster_start_time() - interval '1 second'`,
  );

  await watched.die();
  await watched.look();
  await queue.db.advance({ seconds: 4 });
  await watched.look();

  expect(await watched.status()).toBe('running');
});

/** A worker with one run and a session of its own, and another worker that looks whether it lives. */
async function watchedWorker(queue: TestQueue) {
  const worker = await queue.worker();
  const watcher = await queue.worker();
  await queue.submit({ agents: ['echo'] });
  await worker.claim();
  let session = await openSession(queue, worker.id);
  const eyes = await openSession(queue, watcher.id);

  return {
    id: worker.id,
    /** Resolves once the server knows it. */
    async die() {
      await session.end();
      await expect
        .poll(() =>
          queue.db.sql(`select pg_try_advisory_xact_lock(nightshift.worker_lock($1)) as free`, [
            worker.id,
          ]),
        )
        .toEqual([{ free: true }]);
    },
    async live() {
      session = await openSession(queue, worker.id);
    },
    look: () => eyes.query('select hold_session($1)', [watcher.id]),
    async status() {
      const [run] = await queue.db.sql('select status from agent_runs');
      return run?.['status'];
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([session.end(), eyes.end()]);
    },
  };
}

async function openSession(queue: TestQueue, workerId: string): Promise<Client> {
  const session = new Client({ connectionString: queue.db.workerUrl });
  await session.connect();
  await session.query('select hold_session($1)', [workerId]);

  return session;
}
