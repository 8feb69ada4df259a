// Cancelling: work that runs is told within a beat, and nothing of it is written any more.
import { expect, test } from 'vitest';

import { freshQueue } from '../support/queue.ts';
import { complete, daemonOn, ended, eventually, stepOf } from './fixtures.ts';

test('a cancelled run is aborted by the wake-up, long before the next regular beat', async () => {
  await using given = await freshQueue();
  const reasons: unknown[] = [];
  await using worker = daemonOn({
    url: given.db.workerUrl,
    // A beat every 20 minutes: only the wake-up can have brought the news.
    settings: { leaseSeconds: 3_600 },
    runAgent: async (_run, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      reasons.push(signal.reason);
      throw signal.reason;
    },
  });
  await worker.daemon.start();
  const { id } = await given.submit({ agents: ['echo'] });
  await eventually(async () => (await given.queue.readState()).runsRunning === 1);

  await given.queue.cancelTask(id);

  await eventually(() => reasons.length === 1);
  expect(reasons).toMatchObject([{ code: 'task_cancelled' }]);
});

test('without wake-ups the regular beat brings the news', async () => {
  await using given = await freshQueue();
  const reasons: unknown[] = [];
  await using worker = daemonOn({
    url: given.db.workerUrl,
    settings: { leaseSeconds: 1, wake: false },
    runAgent: async (_run, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      reasons.push(signal.reason);
      throw signal.reason;
    },
  });
  const { id } = await given.submit({ agents: ['echo'] });
  await worker.daemon.start();
  await eventually(async () => (await given.queue.readState()).runsRunning === 1);

  await given.queue.cancelTask(id);

  await eventually(() => reasons.length === 1);
  expect(reasons).toMatchObject([{ code: 'task_cancelled' }]);
});

test('after a cancel no further step is recorded, and the slot goes to other work', async () => {
  await using given = await freshQueue();
  const steps: string[] = [];
  const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>();
  await using worker = daemonOn({
    url: given.db.workerUrl,
    settings: { concurrencyRuns: 1 },
    runAgent: async (run, { record }) => {
      if (run.brief.title === 'another') return complete(run);

      steps.push(await record(stepOf(run, 1)));
      await cancelled;
      // A loop that has not noticed yet: its step must not be written.
      steps.push(await record(stepOf(run, 2)).catch((error) => error.code));
      return complete(run);
    },
  });
  await worker.daemon.start();
  const { id } = await given.submit({ agents: ['echo'] });
  await eventually(() => steps.length === 1);

  await given.queue.cancelTask(id);
  cancel();
  const another = await given.submit({ title: 'another', agents: ['echo'] });
  await ended(given.queue, another.id);

  expect(steps[0]).toBe('ok');
  expect(['cancelled', 'task_cancelled']).toContain(steps[1]);
  expect(await given.db.sql('select seq from run_steps')).toEqual([{ seq: 1 }]);
  expect(await given.queue.readTask(id)).toMatchObject({ status: 'cancelled' });
});
