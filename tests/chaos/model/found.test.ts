// What the model and the crowd have found, each in its smallest form.
import { expect, test } from 'vitest';

import {
  completed,
  deliverAll,
  failed,
  freshQueue,
  type TestQueue,
  tokenOf,
} from '../../support/queue.ts';
import { until } from '../../support/until.ts';
import { deliveryOutcome } from './marks.ts';

test('a batch that hands one run back and ends another moves the task of the other on', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker();
  await queue.submit({ agents: ['echo'] });
  const { id } = await queue.submit({ agents: ['nova'] });
  const [first, second] = await worker.claim();
  if (first === undefined || second === undefined) throw new Error('nothing claimed');

  await worker.settle({ ...tokenOf(first), outcome: { type: 'release' } }, completed(second));

  expect((await queue.queue.readTask(id))?.status).toBe('delivering');
});

test('a claim that arrives again after its runs have ended claims nothing', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker();
  await queue.submit({ agents: ['echo', 'nova'] });
  const claimId = crypto.randomUUID();
  const first = await queue.queue.claimRuns(worker.id, claimId, 1);
  await worker.settle(...first.map(completed));

  const again = await queue.queue.claimRuns(worker.id, claimId, 1);

  expect([first.length, again.length]).toEqual([1, 0]);
});

test('a turn that found nothing claims nothing when it arrives again', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker();
  const claimId = crypto.randomUUID();
  const turn = { workerId: worker.id, claimId, runsWanted: 5, deliveriesWanted: 5 };
  await queue.queue.takeTurn({ ...turn, runs: [], deliveries: [] });
  await queue.submit({ agents: ['echo'] });

  const again = await queue.queue.takeTurn({ ...turn, runs: [], deliveries: [] });

  expect(again).toMatchObject({ runs: [], deliveries: [] });
});

test('a task that is retried waits for all that it depends on, whoever speaks of it meanwhile', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker();
  const upstream = [await partial(queue), await partial(queue)];
  const { id } = await queue.submit({ agents: ['echo'], dependsOn: upstream });
  await worker.settle(...(await worker.claim()).map((run) => failed(run)));
  const [folder] = await worker.claimDeliveries(1);
  if (folder === undefined) throw new Error('nothing to deliver');
  const delivered = [{ ...tokenOf(folder), outcome: deliveryOutcome('done', 0) }];
  await queue.queue.settleDeliveries(worker.id, delivered);
  await deliverAll(queue, worker);
  for (const task of [...upstream, id]) await queue.queue.retryTask(task);

  await queue.queue.settleDeliveries(worker.id, delivered);
  const [first, second] = await worker.claim();
  if (first !== undefined) await worker.settle(completed(first));
  await deliverAll(queue, worker);

  expect((await queue.queue.readTask(id))?.runs[0]?.status).toBe('blocked');
  if (second !== undefined) await worker.settle(completed(second));
  await deliverAll(queue, worker);
  expect(await worker.claim()).toMatchObject([{ taskId: id, attempt: 2 }]);
});

test('what a claim under way gives to a worker that retires meanwhile is taken at the next sweep', async () => {
  await using queue = await freshQueue();
  const dead = await queue.worker();
  await queue.submit({ agents: ['echo'] });
  const claim = await queue.pool.connect();
  await claim.query('begin');
  await claim.query('select claim_runs($1, $2, 1)', [dead.id, crypto.randomUUID()]);

  const successor = await queue.worker({ replaces: dead.id });
  await claim.query('commit');
  claim.release();
  const swept = await queue.queue.sweep();

  expect(swept.runsRecovered).toBe(1);
  expect(await successor.claim()).toHaveLength(1);
});

test('a delivery in its last try goes back when its worker leaves in good order', async () => {
  await using queue = await freshQueue();
  const leaving = await queue.worker();
  await queue.submit({ agents: ['echo'] });
  await leaving.settle(...(await leaving.claim()).map(completed));
  await queue.db.sql('update deliveries set max_attempts = 1');
  await leaving.claimDeliveries();

  await queue.queue.retireWorker(leaving.id);

  expect(await (await queue.worker()).claimDeliveries()).toMatchObject([{ attempt: 2 }]);
});

test('a task says when it started, also when its row was held at its first claim', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker();
  const { id } = await queue.submit({ agents: ['echo'] });
  const holder = await queue.db.admin.connect();
  await holder.query('begin');
  await holder.query('select from tasks for share');

  const runs = await worker.claim();
  await holder.query('commit');
  holder.release();
  await worker.settle(...runs.map(completed));

  expect((await queue.queue.readTask(id))?.startedAt).not.toBeNull();
});

test('a call that loses a deadlock is made again, and nobody hears of it', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker();
  await queue.submit({ agents: ['echo'] });
  const runs = await worker.claim();
  const other = await queue.db.admin.connect();
  // So that it is the worker's call that gives way.
  await other.query(`set deadlock_timeout = '1min'`);
  await other.query('begin');
  await other.query('select from agent_runs for update');

  const settled = worker.settle(...runs.map(completed));
  await until(() => isWaiting(queue));
  await other.query('select from tasks for update');
  await other.query('commit');
  other.release();

  expect(await settled).toMatchObject([{ answer: 'ok' }]);
});

/** A task that one agent of two let down, and that was delivered. */
async function partial(queue: TestQueue): Promise<string> {
  const worker = await queue.worker();
  const { id } = await queue.submit({ agents: ['apex', 'vision'] });
  const [lost, ...others] = await worker.claim();
  if (lost !== undefined) await worker.settle(failed(lost), ...others.map(completed));
  await deliverAll(queue, worker);

  return id;
}

async function isWaiting(queue: TestQueue): Promise<boolean> {
  const waiting = await queue.db.sql(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );

  return waiting.length > 0;
}
