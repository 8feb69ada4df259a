// Pages of pruning: several callers share them, they cost the same whatever is kept, and what they free is used again.
import type { PoolClient } from 'pg';
import { expect, test } from 'vitest';

import {
  addCounts,
  type AskPage,
  type PruneCounts,
  prunedPages,
  type PrunePolicy,
} from '../../src/core/retention.ts';
import { allOlderThan, day, endedTask, keepAll, prune } from '../support/pruning.ts';
import { freshQueue, type TestQueue, type TestWorker } from '../support/queue.ts';

test('several who prune at once remove everything once', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker();
  for (let round = 0; round < 6; round += 1) await endedTask(queue, worker);
  await queue.db.advance({ seconds: 31 * day });
  const counted = await prune(queue, allOlderThan(30), { dryRun: true });

  const removed = await Promise.all(
    [1, 2, 3, 4].map((limit) => prune(queue, allOlderThan(30), { limit })),
  );

  expect(removed.reduce(addCounts)).toEqual(counted);
});

test('what a page reads does not grow with what is kept', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker();
  for (let round = 0; round < 5; round += 1) await endedTask(queue, worker);
  await queue.db.advance({ seconds: 91 * day });
  await keepHistory(queue);

  for (const kind of ['steps', 'progress', 'attempts', 'contents', 'tasks', 'polls'] as const) {
    const client = await queue.db.admin.connect();
    await client.query('begin');
    const policy = { [kind]: 90 };
    const readBefore = await rowsRead(client);
    const { rows } = await client.query<{ page: { removed: PruneCounts } }>(
      `select prune($1, null, 10, false) as page`,
      [policy],
    );
    const read = (await rowsRead(client)) - readBefore;
    await client.query('rollback');
    client.release();

    expect(read, kind).toBeLessThan(1_000);
    expect(rows[0]?.page.removed[kind], kind).toBeGreaterThanOrEqual(kind === 'polls' ? 0 : 5);
  }
});

test('a night looks no further than to what can be old enough', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker();
  for (let round = 0; round < 5; round += 1) await endedTask(queue, worker);
  await queue.db.advance({ seconds: 91 * day });
  await keepHistory(queue);

  for (const kind of ['steps', 'progress', 'attempts', 'tasks', 'polls'] as const) {
    expect(await pagesOf(queue, { [kind]: 90 }), kind).toBeLessThan(6);
  }
});

test('space that pruned rows took is used again', async () => {
  await using queue = await freshQueue();
  const sizes: number[] = [];

  for (let night = 0; night < 4; night += 1) {
    const worker = await queue.worker();
    await fillUp(queue, worker);
    await queue.db.advance({ seconds: 91 * day });
    await prune(queue, allOlderThan(90));
    // As autovacuum does by itself, which the tests' server has switched off.
    await queue.db.sql('vacuum run_steps');
    const [size] = await queue.db.sql(
      `select pg_total_relation_size('run_steps')::integer as bytes`,
    );
    sizes.push(size?.['bytes']);
  }

  expect(sizes[3]).toBe(sizes[1]);
});

/** Thousands of ended tasks that are younger, with a run, a step, a line, a try and a poll each. */
async function keepHistory({ db }: TestQueue): Promise<void> {
  await db.sql(
    `insert into tasks (title, agents) select 'Task ' || place, '{echo}' from generate_series(1, 3000) as place`,
  );
  await db.sql(
    `update agent_runs set status = 'complete', completed_at = nightshift.queue_now() where status = 'pending'`,
  );
  await db.sql(`insert into run_steps (run_id, attempt, seq, messages, usage)
    select id, 1, 1, '[]', '{}' from agent_runs where attempt = 0`);
  await db.sql(
    `insert into task_progress (task_id, run_id, step_label) select task_id, id, 'done' from agent_runs where attempt = 0`,
  );
  await db.sql(`insert into deliveries (task_id, sink, stage, status, priority)
    select id, 'folder', 0, 'delivered', 5 from tasks where status = 'pending'`);
  await db.sql(`insert into delivery_attempts (delivery_id, attempt, outcome)
    select id, 1, 'delivered' from deliveries where attempt = 0`);
  await db.sql(`insert into poll_runs (worker_id, trigger, started_at)
    select gen_random_uuid(), 'once', now() from generate_series(1, 3000)`);
  await db.sql(
    `update tasks set status = 'complete', completed_at = nightshift.queue_now() where status = 'pending'`,
  );
}

/** A hundred steps of some ten kilobytes that do not compress. */
async function fillUp(queue: TestQueue, worker: TestWorker): Promise<void> {
  const id = await endedTask(queue, worker);
  await queue.db.sql(
    `insert into run_steps (run_id, attempt, seq, messages, usage)
    select run.id, 1, place + 1, (
      select jsonb_agg(md5(random()::text || part || place)) from generate_series(1, 300) as part
    ), '{}'
    from agent_runs as run, generate_series(1, 50) as place
    where run.task_id = $1`,
    [id],
  );
}

// Rows that this transaction has read, in all tables and by whatever way.
async function rowsRead(client: PoolClient): Promise<number> {
  const { rows } = await client.query<{ read: number }>(
    'select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::integer as read from pg_stat_xact_user_tables',
  );

  return rows[0]?.read ?? 0;
}

/** How many pages of ten rows it takes. */
async function pagesOf({ queue }: TestQueue, policy: Partial<PrunePolicy>): Promise<number> {
  const ask: AskPage = (_limit, after) =>
    queue.prune({ policy: { ...keepAll, ...policy }, limit: 10, dryRun: true, after });
  const pages = await Array.fromAsync(prunedPages(ask, () => performance.now()));

  return pages.length;
}
