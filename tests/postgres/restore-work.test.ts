// Work and news of a backup after its restore: nothing is lost, and nobody is told anything twice.
import { describe, expect, test } from 'vitest';

import { noUsage } from '../../src/core/run.ts';
import { faultsIn } from '../chaos/support/invariants.ts';
import type { TestDatabase } from '../support/cluster.ts';
import { emptyDatabase } from '../support/database.ts';
import {
  completed,
  deliverAll,
  failed,
  freshQueue,
  openQueue,
  type TestQueue,
  tokenOf,
} from '../support/queue.ts';
import { backUpTo, freshPlace, restoreFrom } from './backups.ts';

describe('what was unfinished', () => {
  test('goes on without a lost try, after the last recorded step', async () => {
    await using source = await freshQueue();
    await source.submit({ agents: ['echo', 'vision'], maxRetries: 0 });
    const worker = await source.worker();
    const [run] = await worker.claim(1);
    if (run === undefined) throw new Error('nothing to claim');
    await source.queue.recordSteps([{ ...step, runId: run.id, attempt: run.attempt }]);

    await using queue = await restored(source);

    expect(await faultsIn(queue.db.sql)).toEqual([]);
    const claimed = await (await queue.worker()).claim();
    expect(claimed.map(({ id, attempt, steps }) => [id, attempt, steps.length])).toEqual([
      [run.id, 2, 1],
      [expect.any(Number), 1, 0],
    ]);
    const [{ tries } = {}] = await queue.db.sql(
      'select attempt - refunds as tries from agent_runs where id = $1',
      [run.id],
    );
    expect(tries).toBe(1);
  });

  test('is published where it was being published, and not told', async () => {
    await using source = await freshQueue();
    await source.submit({ agents: ['echo'] });
    const worker = await source.worker();
    await worker.settle(...(await worker.claim()).map(completed));
    await worker.claimDeliveries();

    await using queue = await restored(source);

    const next = await queue.worker();
    expect(await deliverAll(queue, next)).toEqual(['folder']);
    expect(await statesOf(queue.db)).toEqual(['complete', 'folder delivered', 'terminal skipped']);
    expect(await faultsIn(queue.db.sql)).toEqual([]);
  });

  test.each(['blocked behind another', 'pending', 'running'])(
    'ends where only its notification was open: %s',
    async (state) => {
      await using source = await freshQueue();
      const { id } = await source.submit({ agents: ['echo'] });
      await source.submit({ agents: ['nova'], dependsOn: [id] });
      await untilTold(source, state);

      await using queue = await restored(source);

      expect(await faultsIn(queue.db.sql)).toEqual([]);
      const worker = await queue.worker();
      expect(await deliverAll(queue, worker)).toEqual(state.startsWith('b') ? ['folder'] : []);
      expect(await statesOf(queue.db, id)).toEqual([
        'complete',
        'folder delivered',
        'terminal skipped',
      ]);
      const waiting = await worker.claim();
      expect(waiting.map(({ agent }) => agent)).toEqual(['nova']);
    },
  );

  test('of a cancelled task ends as cancelled', async () => {
    await using source = await freshQueue();
    const { id } = await source.submit({ agents: ['echo'] });
    await (await source.worker()).claim();
    await source.db.sql(
      `update tasks set status = 'cancelled', completed_at = now() where id = $1`,
      [id],
    );
    await source.db.sql(
      `insert into task_progress (task_id, step_label, is_final) values ($1, 'cancelled', true)`,
      [id],
    );

    await using queue = await restored(source);

    expect(await queue.db.sql('select status from agent_runs')).toEqual([{ status: 'cancelled' }]);
    expect(await faultsIn(queue.db.sql)).toEqual([]);
  });
});

describe('news', () => {
  test('from before are not sent by a retry, which has nothing else to do', async () => {
    await using source = await freshQueue();
    const { id } = await source.submit({ agents: ['echo'] });
    await untilTold(source, 'pending');

    await using queue = await restored(source);

    const refused = queue.queue.retryTask(id);
    await expect(refused).rejects.toMatchObject({ code: 'task_not_retriable' });
    expect(await deliverAll(queue, await queue.worker())).toEqual([]);
  });

  test('from before stay unsent when what was not published is tried again', async () => {
    await using source = await freshQueue();
    const { id } = await source.submit({ agents: ['echo'] });
    const worker = await source.worker();
    await worker.settle(...(await worker.claim()).map(completed));
    const [folder] = await worker.claimDeliveries();
    if (folder === undefined) throw new Error('nothing to deliver');
    await source.queue.settleDeliveries(worker.id, [failed(folder)].map(asDelivery));

    await using queue = await restored(source);
    await queue.queue.retryTask(id);

    expect(await deliverAll(queue, await queue.worker())).toEqual(['folder']);
    expect(await statesOf(queue.db)).toEqual(['complete', 'folder delivered', 'terminal skipped']);
  });

  test('are sent of work that ends here, also where a former round had been told', async () => {
    await using source = await freshQueue();
    const { id } = await source.submit({ agents: ['echo'], maxRetries: 0 });
    const worker = await source.worker();
    await worker.settle(...(await worker.claim()).map((run) => failed(run)));
    await untilTold(source, 'pending');

    await using queue = await restored(source);
    await queue.queue.retryTask(id);
    const next = await queue.worker();
    await next.settle(...(await next.claim()).map(completed));

    expect(await deliverAll(queue, next)).toEqual(['folder', 'terminal']);
    expect(await faultsIn(queue.db.sql)).toEqual([]);
  });
});

const step = {
  seq: 1,
  messages: [{ role: 'assistant' as const, content: 'A thought.' }],
  usage: { ...noUsage, calls: 1 },
  progress: { label: 'thinking', percent: 10, aiMessage: null },
};

/** A queue on what comes of a backup of another. */
async function restored(source: TestQueue): Promise<TestQueue> {
  await using place = await freshPlace();
  await backUpTo(source.db, place.file);
  const db = await emptyDatabase();
  await restoreFrom(db, place);

  return await openQueue('pg', db);
}

/** Works until a task's only open delivery is the notification, in this state. */
async function untilTold(queue: TestQueue, state: string): Promise<void> {
  const worker = await queue.worker();
  await worker.settle(...(await worker.claim()).map(completed));
  if (state.startsWith('blocked')) return;

  const folder = await worker.claimDeliveries();
  await queue.queue.settleDeliveries(
    worker.id,
    folder.map((delivery) => ({
      ...tokenOf(delivery),
      outcome: { type: 'delivered', folderUrl: 'file:///results/', result: {} },
    })),
  );
  if (state === 'running') await worker.claimDeliveries();
}

async function statesOf(db: TestDatabase, id?: string): Promise<unknown[]> {
  const [task] = await db.sql('select id, status from tasks where id = $1 or $1 is null', [
    id ?? null,
  ]);
  const deliveries = await db.sql(
    `select sink || ' ' || status as state from deliveries where task_id = $1 order by stage`,
    [task?.['id']],
  );

  return [task?.['status'], ...deliveries.map((row) => row['state'])];
}

function asDelivery({ id, attempt }: { id: number; attempt: number }) {
  const error = { code: 'folder_refused', message: 'no place', retriable: false };

  return { id, attempt, outcome: { type: 'fail' as const, error } };
}
