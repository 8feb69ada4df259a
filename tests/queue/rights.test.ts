// Row security: users see and change their own, hand in tasks as themselves, and nothing else.
import type { PoolClient } from 'pg';
import { expect, test } from 'vitest';

import { completed, freshQueue, type TestQueue } from '../support/queue.ts';

test('a user sees only own tasks, runs, progress and deliverables', async () => {
  await using queue = await freshQueue();
  const [first, second] = [await newUser(queue), await newUser(queue)];
  await asUser(queue, first, insertOne);
  const worker = await queue.worker();
  await worker.settle(...(await worker.claim()).map(completed));

  const seen = await Promise.all([first, second].map((id) => asUser(queue, id, counts)));

  expect(seen).toEqual([
    { tasks: 1, runs: 1, progress: 1, deliverables: 1, contents: 1 },
    { tasks: 0, runs: 0, progress: 0, deliverables: 0, contents: 0 },
  ]);
});

test.each([
  ['a task for someone else', `insert into tasks (user_id, title) values (gen_random_uuid(), 'x')`],
  ['a state', `insert into tasks (title, status) values ('x', 'complete')`],
  ['a run', `insert into agent_runs (task_id, agent) values (gen_random_uuid(), 'echo')`],
  ['a change of a task', `update tasks set title = 'y'`],
  ['a claim', `select claim_runs(gen_random_uuid(), gen_random_uuid(), 1)`],
  ['the workers', `select * from workers`],
])('a user may not insert or call: %s', async (_name, statement) => {
  await using queue = await freshQueue();
  const user = await newUser(queue);

  const refusal = asUser(queue, user, (client) => client.query(statement));

  await expect(refusal).rejects.toMatchObject({ code: '42501' });
});

test('a user may cancel an own task and not know of another', async () => {
  await using queue = await freshQueue();
  const [first, second] = [await newUser(queue), await newUser(queue)];
  const id = await asUser(queue, first, insertOne);

  const foreign = asUser(queue, second, (client) => client.query('select cancel_task($1)', [id]));

  await expect(foreign).rejects.toMatchObject({ code: 'NS005' });
  await asUser(queue, first, (client) => client.query('select cancel_task($1)', [id]));
  expect((await queue.queue.readTask(id))?.status).toBe('cancelled');
});

test('a user may choose the id of a task, and not take one of another user', async () => {
  await using queue = await freshQueue();
  const [first, second] = [await newUser(queue), await newUser(queue)];
  const id = crypto.randomUUID();
  const task = JSON.stringify({ id, title: 'Mine', description: 'Work' });
  const submit = (client: PoolClient) => client.query('select submit_task($1) as task', [task]);

  await asUser(queue, first, submit);
  const again = await asUser(queue, first, submit);
  const foreign = asUser(queue, second, submit);

  await expect(foreign).rejects.toMatchObject({ code: 'NS002' });
  expect(again.rows).toMatchObject([{ task: { id, repeated: true } }]);
});

test('the worker is neither owner nor superuser', async () => {
  await using queue = await freshQueue();

  const { rows } = await queue.pool.query(`
    select role.rolsuper, current_user, (select tableowner from pg_tables where tablename = 'tasks') as owner
    from pg_roles as role where role.rolname = session_user`);

  expect(rows[0]).toMatchObject({ rolsuper: false, current_user: 'service_role' });
  expect(rows[0]?.owner).not.toBe('nightshift_worker');
});

test('deleting a user deletes everything of theirs', async () => {
  await using queue = await freshQueue();
  const user = await newUser(queue);
  await asUser(queue, user, insertOne);
  const worker = await queue.worker();
  await worker.settle(...(await worker.claim()).map(completed));

  await queue.db.sql('delete from auth.users where id = $1', [user]);

  const [left] = await queue.db.sql(`
    select (select count(*) from tasks) + (select count(*) from agent_runs) + (select count(*) from deliverables)
      + (select count(*) from deliverable_contents) + (select count(*) from task_progress) as number`);
  expect(Number(left?.['number'])).toBe(0);
});

async function newUser(queue: TestQueue): Promise<string> {
  const id = crypto.randomUUID();
  await queue.db.sql('insert into auth.users (id) values ($1)', [id]);

  return id;
}

// As PostgREST does it: the role and the claims hold for one transaction.
async function asUser<Result>(
  queue: TestQueue,
  id: string,
  act: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await queue.pool.connect();
  try {
    await client.query('begin');
    await client.query('set local role authenticated');
    await client.query(`select set_config('request.jwt.claims', $1, true)`, [
      JSON.stringify({ sub: id, role: 'authenticated' }),
    ]);
    const result = await act(client);
    await client.query('commit');

    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

async function insertOne(client: PoolClient): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into tasks (title, description, agents) values ('Mine', 'Work', '{echo}') returning id`,
  );

  return rows[0]?.id ?? '';
}

async function counts(client: PoolClient): Promise<unknown> {
  const { rows } = await client.query(`
    select (select count(*)::integer from tasks) as tasks, (select count(*)::integer from agent_runs) as runs,
      (select count(*)::integer from task_progress) as progress,
      (select count(*)::integer from deliverables) as deliverables,
      (select count(*)::integer from deliverable_contents) as contents`);

  return rows[0];
}
