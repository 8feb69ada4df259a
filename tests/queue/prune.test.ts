// Pruning: what is old enough goes, in pages, and all else stays as it is.
import { describe, expect, test } from 'vitest';

import { noUsage } from '../../src/core/run.ts';
import { faultsIn } from '../chaos/support/invariants.ts';
import {
  allOlderThan,
  day,
  endedTask,
  everything,
  poll,
  prune,
  stepOf,
} from '../support/pruning.ts';
import {
  completed,
  deliverAll,
  failed,
  freshQueue,
  type TestQueue,
  transports,
} from '../support/queue.ts';

describe.each(transports)('pruning over %s', (transport) => {
  test('transcripts, progress and tries of old ended tasks go, and the task stays as it is', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const old = await endedTask(queue, worker);
    await queue.db.advance({ seconds: 91 * day });
    const young = await endedTask(queue, worker);
    const before = await queue.queue.readTask(old);

    const removed = await prune(queue, { steps: 90, progress: 90, attempts: 90 });

    expect(removed).toEqual({ steps: 2, progress: 4, attempts: 2 });
    expect(await queue.queue.readTask(old)).toEqual(before);
    expect(await labelsOf(queue, old)).toEqual(['complete']);
    expect(await labelsOf(queue, young)).toHaveLength(5);
    expect(await faultsIn(queue.db.admin)).toEqual([]);
  });

  test('an ended task goes with all that belongs to it, and its idempotency key is free again', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const old = await endedTask(queue, worker, { idempotencyKey: 'weekly' });
    await queue.db.advance({ seconds: 31 * day });
    const young = await endedTask(queue, worker);

    const removed = await prune(queue, { tasks: 30 });

    const again = await queue.submit({ idempotencyKey: 'weekly' });
    expect(removed).toEqual({ tasks: 1 });
    expect(await queue.queue.readTask(old)).toBeNull();
    expect(await queue.queue.readTask(young)).not.toBeNull();
    expect(again.repeated).toBe(false);
    expect(await leftovers(queue)).toEqual([{ steps: '2', contents: '2', tries: '2' }]);
  });

  test('a retry of a task without its transcripts starts the failed run anew', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo', 'nova'] });
    const runs = await worker.claim();
    await queue.queue.recordSteps(runs.map((run) => stepOf(run, 1)));
    await worker.settle(
      ...runs.map((run) => (run.agent === 'nova' ? failed(run) : completed(run))),
    );
    await deliverAll(queue, worker);
    await queue.db.advance({ seconds: 91 * day });
    await prune(queue, { steps: 90 });

    await queue.queue.retryTask(id);
    const again = await (await queue.worker()).claim();

    expect(again).toMatchObject([{ agent: 'nova', attempt: 2, steps: [] }]);
    expect(await faultsIn(queue.db.admin)).toEqual([]);
  });

  test('work that has not ended is never touched, however old', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    await queue.submit();
    const [run] = await worker.claim(1);
    if (run === undefined) throw new Error('nothing claimed');
    await queue.queue.recordSteps([stepOf(run, 1)]);
    const delivering = await queue.submit({ agents: ['echo'], priority: 20 });
    await worker.settle(...(await worker.claim(1)).map(completed));
    await queue.db.advance({ seconds: 1_000 * day });
    const before = await everything(queue);

    const removed = await prune(queue, allOlderThan(1));

    expect(removed).toEqual({});
    expect(await everything(queue)).toEqual(before);
    expect((await queue.queue.readTask(delivering.id))?.status).toBe('delivering');
  });

  test('polls and workers of long ago go, those that hold work or live stay', async () => {
    await using queue = await freshQueue(transport);
    const [gone, holding] = [await queue.worker(), await queue.worker()];
    await queue.submit({ agents: ['echo'] });
    await holding.claim();
    await poll(queue, gone);
    await queue.queue.retireWorker(gone.id);
    await queue.db.sql('update workers set retired_at = now() where id = $1', [holding.id]);
    await queue.db.advance({ seconds: 31 * day });
    const living = await queue.worker();
    await poll(queue, living);

    const removed = await prune(queue, { polls: 30, workers: 30 });

    const left = await queue.db.sql('select id from workers order by beat_at');
    expect(removed).toEqual({ polls: 1, workers: 1 });
    expect(left).toEqual([{ id: holding.id }, { id: living.id }]);
    expect(await queue.db.sql('select worker_id from poll_runs')).toEqual([
      { worker_id: living.id },
    ]);
  });

  test('a dry run counts what the real one removes, and removes nothing', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    for (let round = 0; round < 3; round += 1) await endedTask(queue, worker);
    await poll(queue, worker);
    await queue.queue.retireWorker(worker.id);
    await queue.db.advance({ seconds: 31 * day });
    const before = await everything(queue);

    const counted = await prune(queue, allOlderThan(30), { dryRun: true });

    expect(await everything(queue)).toEqual(before);
    expect(counted).toMatchObject({ tasks: 3, steps: 6, polls: 1, workers: 1 });
    expect(await prune(queue, allOlderThan(30))).toEqual(counted);
    expect(await prune(queue, allOlderThan(30))).toEqual({});
  });

  test('pages of one row find the same as one page of all', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    for (let round = 0; round < 3; round += 1) await endedTask(queue, worker);
    await queue.db.advance({ seconds: 31 * day });
    await endedTask(queue, await queue.worker());

    const counted = await prune(queue, allOlderThan(30), { dryRun: true, limit: 500 });
    const removed = await prune(queue, allOlderThan(30), { limit: 1 });

    expect(removed).toEqual(counted);
    expect(await prune(queue, allOlderThan(30))).toEqual({});
  });

  test('what a pruned task had spent still counts against its cap', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const brief = { limits: { max_cost_usd: 1 } };
    const { id } = await queue.submit({ agents: ['echo'], brief });
    const [run] = await worker.claim();
    if (run === undefined) throw new Error('nothing claimed');
    const usage = { ...noUsage, calls: 1, costUsd: 0.4 };
    await queue.queue.recordSteps([1, 2].map((seq) => ({ ...stepOf(run, seq), usage })));
    await worker.settle(failed(run));
    await deliverAll(queue, worker);
    await queue.db.advance({ seconds: 91 * day });

    await prune(queue, { steps: 90 });
    await queue.queue.retryTask(id);

    const spent = await queue.db.sql('select * from nightshift.task_costs($1, null, null, null)', [
      id,
    ]);
    expect(spent).toEqual([{ spent: '0.8', reserved: '0' }]);
  });
});

async function labelsOf({ queue }: TestQueue, taskId: string): Promise<string[]> {
  return (await queue.readProgress(taskId, 0)).map(({ stepLabel }) => stepLabel);
}

function leftovers({ db }: TestQueue) {
  return db.sql(`select
    (select count(*) from run_steps) as steps,
    (select count(*) from deliverable_contents) as contents,
    (select count(*) from delivery_attempts) as tries`);
}
