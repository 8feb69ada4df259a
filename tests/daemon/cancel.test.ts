// Cancelling: work that runs is told within a beat, and nothing of it is written any more.
import { expect, test } from 'vitest';

import type { Queue } from '../../src/core/queue.ts';
import { freshQueue } from '../support/queue.ts';
import { complete, daemonOn, ended, eventually, stepOf, turnstile } from './fixtures.ts';

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
  await using worker = daemonOn({
    url: given.db.workerUrl,
    settings: { concurrencyRuns: 1 },
    runAgent: async (run, { record, signal }) => {
      if (run.brief.title === 'another') return complete(run);

      steps.push(await record(stepOf(run, 1)));
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      // An agent that goes on all the same.
      steps.push(await record(stepOf(run, 2)).catch((error) => error.code));
      return complete(run);
    },
  });
  await worker.daemon.start();
  const { id } = await given.submit({ agents: ['echo'] });
  await eventually(() => steps.length === 1);

  await given.queue.cancelTask(id);
  const another = await given.submit({ title: 'another', agents: ['echo'] });
  await ended(given.queue, another.id);

  expect(steps).toEqual(['ok', 'task_cancelled']);
  expect(await given.db.sql('select seq from run_steps')).toEqual([{ seq: 1 }]);
  expect(await given.queue.readTask(id)).toMatchObject({ status: 'cancelled' });
});

test('a step that comes before the news of the cancel is refused, and stops the run', async () => {
  await using given = await freshQueue();
  const heard: unknown[] = [];
  await using worker = daemonOn({
    url: given.db.workerUrl,
    settings: { wake: false },
    runAgent: async (run, { record, signal }) => {
      await given.queue.cancelTask(run.taskId);
      heard.push(await record(stepOf(run, 1)), signal.reason);
      return complete(run);
    },
  });
  await given.submit({ agents: ['echo'] });

  await worker.daemon.start();

  await eventually(() => heard.length === 2);
  expect(heard).toMatchObject(['cancelled', { code: 'task_cancelled' }]);
  expect(await given.db.sql('select seq from run_steps')).toEqual([]);
});

test('the slot of a cancelled run goes to work that became due while no slot was free', async () => {
  await using given = await freshQueue();
  const gate = turnstile();
  let turns = 0;
  const takeTurn: Queue['takeTurn'] = async (turn) => {
    const result = await given.queue.takeTurn(turn);
    turns += 1;
    return result;
  };
  await using worker = daemonOn({
    url: given.db.workerUrl,
    queue: { ...given.queue, takeTurn },
    settings: { concurrencyRuns: 1 },
    runAgent: gate.runAgent,
  });
  const { id } = await given.submit({ agents: ['echo'] });
  await worker.daemon.start();
  await eventually(() => gate.inside.length === 1);
  const before = turns;
  await given.submit({ title: 'another', agents: ['echo'] });
  await eventually(() => turns > before);

  await given.queue.cancelTask(id);

  expect(await eventually(() => gate.inside[0]?.run.brief.title === 'another')).toBe(true);
});
