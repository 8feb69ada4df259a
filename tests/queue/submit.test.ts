// Handing in a task: by any insert, checked there, expanded into runs in the same transaction.
import { describe, expect, test } from 'vitest';

import { brief, freshQueue, transports } from '../support/queue.ts';

const seven = ['apex', 'echo', 'nova', 'pixel', 'reel', 'social', 'vision'];

describe.each(transports)('handing in over %s', (transport) => {
  test('a plain insert with title and description becomes a pending task with seven due runs', async () => {
    await using queue = await freshQueue(transport);

    const [task] = await queue.db.sql(
      `insert into tasks (title, description) values ('Spring sale', 'Sell coats') returning id, status, folder_name`,
    );

    const runs = await queue.db.sql(`select agent, status, is_due from agent_runs order by agent`);
    expect(task?.['status']).toBe('pending');
    expect(task?.['folder_name']).toMatch(/^task-\d{4}-\d\d-\d\d-spring-sale-[0-9a-z]{4}$/);
    expect(runs.map((run) => run['agent'])).toEqual(seven);
    expect(runs.every((run) => run['status'] === 'pending' && run['is_due'])).toBe(true);
  });

  test('an insert with only a title takes the title as the description', async () => {
    await using queue = await freshQueue(transport);

    const rows = await queue.db.sql(
      `insert into tasks (title) values ('x') returning status, description`,
    );

    expect(rows).toEqual([{ status: 'pending', description: 'x' }]);
  });

  test.each([
    ['an empty title', { title: '  ' }, 'brief_invalid', 'title'],
    ['an empty description', { description: ' \n' }, 'brief_invalid', 'description'],
    [
      'a description past the limit',
      { description: 'x'.repeat(100_001) },
      'brief_invalid',
      '100001',
    ],
    ['an unknown key', { brief: { clinet: {} } }, 'brief_invalid', 'clinet'],
    ['a key of the wrong kind', { brief: { client: 'Acme' } }, 'brief_invalid', 'client'],
    ['an unknown agent', { agents: ['vision', 'nobody'] }, 'agent_unknown', 'nobody'],
  ])('refuses %s and stores nothing', async (...[, change, code, word]) => {
    await using queue = await freshQueue(transport);

    const refusal = queue.submit(change);

    await expect(refusal).rejects.toMatchObject({ code, message: expect.stringContaining(word) });
    expect(await queue.db.sql('select from tasks')).toEqual([]);
    expect(await queue.db.sql('select from agent_runs')).toEqual([]);
  });

  test('names the agents there are when one is unknown', async () => {
    await using queue = await freshQueue(transport);

    const refusal = queue.submit({ agents: ['nobody'] });

    await expect(refusal).rejects.toThrow(/apex, nova, vision, echo, pixel, reel, social/);
  });

  test('takes emoji, and drops NUL and lone surrogates', async () => {
    await using queue = await freshQueue(transport);

    const { id } = await queue.submit({ title: 'Soldes 🎉\0 \ud800', description: 'a\0b 🚀' });

    const task = await queue.queue.readTask(id);
    expect(task).toMatchObject({ title: 'Soldes 🎉 \ufffd', description: 'ab 🚀' });
  });

  test('the same idempotency key answers with the first task', async () => {
    await using queue = await freshQueue(transport);

    const both = await Promise.all([
      queue.submit({ idempotencyKey: 'once' }),
      queue.submit({ idempotencyKey: 'once' }),
    ]);

    expect(new Set(both.map((task) => task.id)).size).toBe(1);
    expect(both.filter((task) => task.repeated)).toHaveLength(1);
  });

  test('the same id answers with the task that has it, also when several hand it in at once', async () => {
    await using queue = await freshQueue(transport);
    const id = crypto.randomUUID();

    const tasks = await Promise.all([1, 2, 3].map(() => queue.submit({ id })));
    await queue.db.sql('update agents set enabled = false');
    const later = await queue.submit({ id, title: 'Something else' });

    expect(new Set([...tasks, later].map((task) => task.id))).toEqual(new Set([id]));
    expect(tasks.filter((task) => task.repeated)).toHaveLength(2);
    expect(later).toMatchObject({ repeated: true });
    expect(await queue.db.sql('select title from tasks')).toEqual([{ title: brief.title }]);
  });

  test('an id that another user has is refused, and nothing of that task is told', async () => {
    await using queue = await freshQueue(transport);
    const [user, id] = [crypto.randomUUID(), crypto.randomUUID()];
    await queue.db.sql('insert into auth.users (id) values ($1)', [user]);
    await queue.db.sql(`insert into tasks (id, user_id, title) values ($1, $2, 'Theirs')`, [
      id,
      user,
    ]);

    const refusal = queue.submit({ id, idempotencyKey: 'once' });

    await expect(refusal).rejects.toMatchObject({
      code: 'brief_invalid',
      message: expect.stringContaining(`the id ${id} is taken`),
    });
    expect(await queue.db.sql('select title from tasks')).toEqual([{ title: 'Theirs' }]);
  });

  test('tasks of one title on one day have folders of different names', async () => {
    await using queue = await freshQueue(transport);

    const tasks = await Promise.all(Array.from({ length: 40 }, () => queue.submit()));

    expect(new Set(tasks.map((task) => task.folderName)).size).toBe(40);
  });

  test('ten thousand tasks go in with one statement', async () => {
    await using queue = await freshQueue(transport);

    await queue.db.sql(`insert into tasks (title, description, agents)
      select 'Task ' || place, 'Work', '{echo}' from generate_series(1, 10000) as place`);

    const [row] = await queue.db.sql(
      `select count(distinct folder_name)::integer as names, count(*)::integer as tasks from tasks`,
    );
    expect(row).toEqual({ names: 10_000, tasks: 10_000 });
  });

  test('a task cannot wait for one that has failed', async () => {
    await using queue = await freshQueue(transport);
    const { id } = await queue.submit();
    await queue.db.sql(`update tasks set status = 'failed'`);

    const refusal = queue.submit({ dependsOn: [id] });

    await expect(refusal).rejects.toMatchObject({ code: 'dependency_invalid' });
  });

  test('in waves only the first wave is due', async () => {
    await using queue = await freshQueue(transport);

    await queue.submit({ profile: 'waves' });

    const rows = await queue.db.sql(
      `select agent from agent_runs where status = 'pending' order by 1`,
    );
    expect(rows.map((row) => row['agent'])).toEqual(['apex', 'nova', 'vision']);
  });

  test('a task without its first wave begins with the wave it has', async () => {
    await using queue = await freshQueue(transport);

    await queue.submit({ profile: 'waves', agents: ['social', 'echo'] });

    const rows = await queue.db.sql(`select agent from agent_runs where status = 'pending'`);
    expect(rows.map((row) => row['agent'])).toEqual(['echo']);
  });

  test('a scheduled task is not handed out before its time', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const [row] = await queue.db.sql(`select nightshift.queue_now() + interval '1 hour' as at`);
    await queue.submit({ scheduledFor: String(row?.['at'].toISOString()), agents: ['echo'] });

    const early = await worker.claim();
    await queue.db.advance({ seconds: 3601 });
    await queue.queue.sweep();
    const late = await (await queue.worker()).claim();

    expect([early.length, late.length]).toEqual([0, 1]);
  });

  test('a circle of dependencies is refused with its path', async () => {
    await using queue = await freshQueue(transport);
    const first = await queue.submit();
    const second = await queue.submit({ dependsOn: [first.id] });

    const circle = queue.db.sql(
      `insert into task_dependencies (task_id, depends_on_id) values ($1, $2)`,
      [first.id, second.id],
    );

    await expect(circle).rejects.toThrow(`${first.id} → ${second.id} → ${first.id}`);
  });

  test('an unknown dependency is refused and nothing is stored', async () => {
    await using queue = await freshQueue(transport);

    const refusal = queue.submit({ ...brief, dependsOn: [crypto.randomUUID()] });

    await expect(refusal).rejects.toMatchObject({ code: 'dependency_invalid' });
    expect(await queue.db.sql('select from tasks')).toEqual([]);
  });
});
