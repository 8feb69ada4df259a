// Pruning tasks: what others wait for, refer to, hold or have never received stays.
import { describe, expect, test } from 'vitest';

import { day, endedTask, prune, taskWithFailedSink } from '../support/pruning.ts';
import { completed, deliverAll, failed, freshQueue, transports } from '../support/queue.ts';
import { until } from '../support/until.ts';

describe.each(transports)('pruning tasks over %s', (transport) => {
  test('what others wait for stays, and goes after them', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const upstream = await queue.submit({ agents: ['echo'] });
    await worker.settle(...(await worker.claim()).map((run) => failed(run)));
    await deliverAll(queue, worker);
    await queue.queue.retryTask(upstream.id);
    const waiting = await queue.submit({ agents: ['nova'], dependsOn: [upstream.id] });
    await worker.settle(...(await worker.claim()).map((run) => failed(run)));
    await deliverAll(queue, worker);
    await queue.db.advance({ seconds: 31 * day });

    const held = await prune(queue, { tasks: 30 });
    await queue.queue.cancelTask(waiting.id);
    const stillHeld = await prune(queue, { tasks: 30 });
    await queue.db.advance({ seconds: 31 * day });
    const counted = await prune(queue, { tasks: 30 }, { dryRun: true });
    const gone = await prune(queue, { tasks: 30 });

    expect([held, stillHeld, counted, gone]).toEqual([{}, {}, { tasks: 2 }, { tasks: 2 }]);
  });

  test('of a chain that goes on the ended part goes, and the rest starts in time', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const first = await queue.submit({ agents: ['echo'] });
    const second = await queue.submit({ agents: ['echo'], dependsOn: [first.id] });
    const third = await queue.submit({ agents: ['echo'], dependsOn: [second.id] });
    for (let round = 0; round < 2; round += 1) {
      await worker.settle(...(await worker.claim()).map(completed));
      await deliverAll(queue, worker);
    }
    await queue.db.advance({ seconds: 31 * day });

    const removed = await prune(queue, { tasks: 30 });

    const [run] = await (await queue.worker()).claim();
    expect(removed).toEqual({ tasks: 1 });
    expect(await queue.queue.readTask(second.id)).not.toBeNull();
    expect(run?.taskId).toBe(third.id);
  });

  test('results that were never published stay with their task; cancelled ones do not', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker({ sinks: [{ name: 'folder', stage: 0 }] });
    const unpublished = await taskWithFailedSink(queue, worker, 'folder');
    const cancelled = await queue.submit({ agents: ['echo', 'nova'] });
    const [run] = await worker.claim(1);
    if (run !== undefined) await worker.settle(completed(run));
    await queue.queue.cancelTask(cancelled.id);
    await queue.db.advance({ seconds: 31 * day });

    const removed = await prune(queue, { tasks: 30 });

    expect(removed).toEqual({ tasks: 1 });
    expect((await queue.queue.readTask(unpublished))?.status).toBe('partial');
    expect(await queue.queue.readTask(cancelled.id)).toBeNull();
  });
});

test('a table that refers to tasks keeps them, and does not keep others from going', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker();
  const [kept] = [await endedTask(queue, worker), await endedTask(queue, worker)];
  await queue.db.sql('create table reviewed (task_id uuid references tasks (id))');
  await queue.db.sql('insert into reviewed values ($1)', [kept]);
  await queue.db.advance({ seconds: 31 * day });

  const removed = await prune(queue, { tasks: 30 });

  expect(removed).toEqual({ tasks: 1 });
  expect(await queue.queue.readTask(kept ?? '')).not.toBeNull();
});

test('somebody who holds a task, or a row of it, is not waited for', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker();
  for (let round = 0; round < 3; round += 1) await endedTask(queue, worker);
  await queue.db.advance({ seconds: 91 * day });
  const client = await queue.db.admin.connect();
  await client.query('begin');
  await client.query('select from tasks order by created_at limit 1 for key share');
  await client.query('select from agent_runs order by id desc limit 1 for no key update');

  const removed = await prune(queue, { tasks: 90 });
  await client.query('rollback');
  client.release();

  expect(removed).toEqual({ tasks: 1 });
  expect(await prune(queue, { tasks: 90 })).toEqual({ tasks: 2 });
});

test('a task ends all the same when one that waited for it is removed at that moment', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker({ sinks: [{ name: 'folder', stage: 0 }] });
  const upstream = await taskWithFailedSink(queue, worker, 'folder');
  const waiting = await queue.submit({ agents: ['nova'], dependsOn: [upstream] });
  await queue.queue.cancelTask(waiting.id);
  await queue.queue.retryTask(upstream);
  const client = await queue.db.admin.connect();
  await client.query('begin');
  await client.query('delete from tasks where id = $1', [waiting.id]);

  const ending = deliverAll(queue, worker);
  await until(async () => (await queue.db.sql(waitingForLocks)).length > 0);
  await client.query('commit');
  client.release();

  expect(await ending).toEqual(['folder']);
  expect((await queue.queue.readTask(upstream))?.status).toBe('complete');
});

const waitingForLocks = `select from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock'`;
