// Claiming: each run to one worker, in the order of the line, as often repeated as a lost reply makes one.
import type { PoolClient } from 'pg';
import { describe, expect, test } from 'vitest';

import { completed, failed, freshQueue, transports } from '../support/queue.ts';

describe.each(transports)('claiming over %s', (transport) => {
  test('hands each run to one worker only, however many claim at once', async () => {
    await using queue = await freshQueue(transport);
    const workers = await Promise.all(Array.from({ length: 8 }, () => queue.worker()));
    await Promise.all(Array.from({ length: 10 }, () => queue.submit()));

    const claims = await Promise.all(
      workers.flatMap((worker) => [worker.claim(7), worker.claim(7)]),
    );

    const ids = claims.flat().map((run) => run.id);
    expect(ids.length).toBe(70);
    expect(new Set(ids).size).toBe(70);
  });

  test('moves the task to running at the first claim', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit();

    await worker.claim(1);

    const task = await queue.queue.readTask(id);
    expect(task?.status).toBe('running');
    expect(task?.startedAt).not.toBeNull();
  });

  test('gives everything needed to work', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const task = await queue.submit({ agents: ['echo'], brief: { objective: 'sales' } });

    const [run] = await worker.claim();

    expect(run).toMatchObject({
      taskId: task.id,
      agent: 'echo',
      attempt: 1,
      profile: 'parallel',
      brief: { title: 'Spring sale', objective: 'sales' },
      handoff: {},
      steps: [],
      timeoutSeconds: 1800,
    });
  });

  test('the same claim id answers with the same runs and counts their attempt once', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    await queue.submit();
    const claimId = crypto.randomUUID();

    const answers = await Promise.all(
      Array.from({ length: 4 }, () => queue.queue.claimRuns(worker.id, claimId, 3)),
    );

    const first = answers[0]?.map((run) => [run.id, run.attempt]);
    expect(first).toHaveLength(3);
    for (const answer of answers) {
      expect(answer.map((run) => [run.id, run.attempt])).toEqual(first);
    }
  });

  test('starts critical before high before normal before low, and equals in order of arrival', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const names = new Map<string, string>();
    for (const priority of [1, 5, 20, 10, 5]) {
      const { id } = await queue.submit({ priority, agents: ['echo'] });
      names.set(id, `${priority}-${names.size}`);
    }

    const claimed = [];
    for (let turn = 0; turn < 5; turn += 1) claimed.push(...(await worker.claim(1)));

    const order = claimed.map((run) => names.get(run.taskId));
    expect(order).toEqual(['20-2', '10-3', '5-1', '5-4', '1-0']);
  });

  test('one user with many tasks does not delay another with one', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const [many, one] = await users(queue, 2);
    await insertTasks(queue, many, 300);
    await worker.claim(50);

    await insertTasks(queue, one, 1);
    const next = await worker.claim(20);

    const theirs = await queue.db.sql(
      `select count(*)::integer as number from agent_runs where user_id = $1 and status = 'running'`,
      [one],
    );
    expect(next).toHaveLength(20);
    expect(theirs).toEqual([{ number: 7 }]);
  });

  test('a user of double weight gets two thirds of the line', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const [standard, vip] = await users(queue, 2);
    await queue.db.sql(`insert into profiles (user_id, tier, weight) values ($1, 'vip', 2)`, [vip]);
    await insertTasks(queue, standard, 30);
    await insertTasks(queue, vip, 30);

    await worker.claim(90);

    const rows = await queue.db.sql(
      `select count(*)::integer as number from agent_runs where user_id = $1 and status = 'running'`,
      [vip],
    );
    expect(rows[0]?.['number']).toBeGreaterThanOrEqual(58);
    expect(rows[0]?.['number']).toBeLessThanOrEqual(62);
  });

  test('a user over their cap waits, others go on, and a settled run makes room', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const [capped, free] = await users(queue, 2);
    await queue.db.sql(`insert into profiles (user_id, max_running) values ($1, 2)`, [capped]);
    await insertTasks(queue, capped, 2);
    await insertTasks(queue, free, 1);

    const first = await worker.claim(50);
    const more = await worker.claim(50);
    const [held] = await queue.db.sql<{ id: string; attempt: number }>(
      `select id, attempt from agent_runs where user_id = $1 and status = 'running' limit 1`,
      [capped],
    );
    await worker.settle(failed({ id: Number(held?.id), attempt: held?.attempt ?? 0 }));
    const afterwards = await worker.claim(50);

    expect([first.length, more.length, afterwards.length]).toEqual([9, 0, 1]);
  });

  test('reads no more rows than it claims, however many wait and whatever the statistics say', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const client = await queue.db.admin.connect();
    await client.query('begin');
    await client.query(`insert into tasks (title, description)
      select 'Task ' || place, 'Work' from generate_series(1, 5000) as place`);
    const readBefore = await rowsRead(client);

    await client.query('select claim_runs($1, $2, 16)', [worker.id, crypto.randomUUID()]);
    const readAfter = await rowsRead(client);
    await client.query('rollback');
    client.release();

    for (const [table, read] of readAfter) {
      expect(read - (readBefore.get(table) ?? 0), table).toBeLessThan(500);
    }
  });

  test('hands the outputs of earlier waves on, and names the agents that failed', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    await queue.submit({ profile: 'waves', agents: ['vision', 'apex', 'echo'] });

    const first = await worker.claim();
    await worker.settle(
      ...first.map((run) => (run.agent === 'apex' ? failed(run) : completed(run))),
    );
    const [echo] = await worker.claim();

    expect(first.map((run) => run.agent).toSorted()).toEqual(['apex', 'vision']);
    expect(echo).toMatchObject({ agent: 'echo', missing: ['apex'] });
    expect(echo?.handoff).toMatchObject({ vision: { data: { marker: 'vision' } } });
  });

  test('refuses a worker that never registered', async () => {
    await using queue = await freshQueue(transport);

    const claim = queue.queue.claimRuns(crypto.randomUUID(), crypto.randomUUID(), 1);

    await expect(claim).rejects.toMatchObject({ code: 'worker_unknown' });
  });
});

type Queue = Awaited<ReturnType<typeof freshQueue>>;

async function users(queue: Queue, number: number): Promise<string[]> {
  const ids = Array.from({ length: number }, () => crypto.randomUUID());
  await queue.db.sql('insert into auth.users (id) select unnest($1::uuid[])', [ids]);

  return ids;
}

async function insertTasks(
  queue: Queue,
  userId: string | undefined,
  number: number,
): Promise<void> {
  await queue.db.sql(
    `insert into tasks (user_id, title, description)
    select $1, 'Task ' || place, 'Work' from generate_series(1, $2) as place`,
    [userId, number],
  );
}

// Rows of the queue's tables that this transaction has read, by whatever way.
async function rowsRead(client: PoolClient): Promise<Map<string, number>> {
  const { rows } = await client.query<{ relname: string; read: number }>(`
    select relname, (seq_tup_read + idx_tup_fetch)::integer as read
    from pg_stat_xact_user_tables where relname in ('agent_runs', 'tasks')`);

  return new Map(rows.map(({ relname, read }) => [relname, read]));
}
