// The product's verbs on a real queue.
import { expect, test } from 'vitest';

import { loadAgents } from '../../src/agents/library.ts';
import { operations } from '../../src/operations/catalogue.ts';
import { type OperationContext, perform } from '../../src/operations/operation.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { createQueue } from '../../src/queue/client.ts';
import { createPgTransport } from '../../src/queue/pg-transport.ts';
import { silentLog } from '../support/cluster.ts';
import { freshDatabase } from '../support/database.ts';

async function freshContext(): Promise<AsyncDisposable & { context: OperationContext }> {
  const db = await freshDatabase();
  const pool = createPool(db.workerUrl, { log: silentLog, applicationName: 'test', max: 2 });
  const queue = createQueue(createPgTransport(pool));
  const agents = loadAgents('agents', silentLog);
  await queue.registerAgents(
    agents
      .list()
      .map(({ limits, ...agent }) => ({ ...agent, timeoutSeconds: limits.timeout_seconds })),
  );

  return {
    context: { queue, agents },
    async [Symbol.asyncDispose]() {
      await pool.end();
      await db[Symbol.asyncDispose]();
    },
  };
}

const brief = { title: 'Launch', description: 'A launch in spring', agents: ['vision'] };

test('answers with the first task when the same key comes again', async () => {
  await using fresh = await freshContext();
  const input = { ...brief, idempotency_key: 'once' };

  const first = await perform(operations.submit, fresh.context, input);
  const second = await perform(operations.submit, fresh.context, input);

  expect(first.repeated).toBe(false);
  expect(second).toMatchObject({ id: first.id, repeated: true });
});

test('keeps what a brief says apart from how its task is to run', async () => {
  await using fresh = await freshContext();
  const input = {
    ...brief,
    objective: 'launch',
    priority: 'critical',
    profile: 'waves',
    max_retries: 0,
  };

  const { id } = await perform(operations.submit, fresh.context, input);
  const found = await perform(operations.status, fresh.context, { task: id });

  expect(found).toMatchObject({
    type: 'task',
    task: { title: 'Launch', priority: 20, profile: 'waves', brief: { objective: 'launch' } },
  });
});

test('knows a task by the first characters of its id', async () => {
  await using fresh = await freshContext();
  const { id } = await perform(operations.submit, fresh.context, brief);

  const after = await perform(operations.submit, fresh.context, {
    ...brief,
    depends_on: [id.slice(0, 12)],
  });
  const found = await perform(operations.status, fresh.context, {
    task: after.id.slice(0, 12).toUpperCase(),
  });

  expect(found).toMatchObject({ task: { id: after.id, waitsFor: [{ id }] } });
});

test.each([
  [{ task: '0000' }, 'task_not_found'],
  [{ task: '00000000-0000-4000-8000-000000000000' }, 'task_not_found'],
  [{ task: 'abc' }, 'usage'],
  [{ task: "x' or true" }, 'usage'],
])('refuses %j with %s', async (input, code) => {
  await using fresh = await freshContext();

  const showing = perform(operations.results, fresh.context, input);

  await expect(showing).rejects.toMatchObject({ code });
});

test('lists every fault of a brief with its path, and an example where one helps', async () => {
  await using fresh = await freshContext();
  const input = {
    title: '',
    agents: ['vison'],
    client: { name: 'A', domain: 'a b', tonee: 'warm' },
    attachments: [{ name: 'a.csv', kind: 'table' }],
  };

  const failure = await perform(operations.submit, fresh.context, input).catch(
    (error: Error) => error,
  );

  expect(failure).toMatchObject({ code: 'brief_invalid' });
  expect(failure instanceof Error && failure.message.split('\n').slice(1)).toEqual([
    expect.stringMatching(/^ {2}title: must not be empty, for example: /),
    expect.stringMatching(/^ {2}description: is missing, for example: /),
    expect.stringMatching(/^ {2}client.domain: is not a host name .*for example: example.com/),
    '  client.tonee: is not known: did you mean name?',
    expect.stringMatching(/^ {2}attachments.0.kind: is "table", must be one of: csv, /),
    expect.stringMatching(/^ {2}agents.0: there is no agent "vison": the agents are .*vision/),
  ]);
});

test('shows progress after a row, and says when no more can come', async () => {
  await using fresh = await freshContext();
  const { id } = await perform(operations.submit, fresh.context, brief);
  await perform(operations.cancel, fresh.context, { task: id });

  const all = await perform(operations.progress, fresh.context, { task: id });
  const rest = await perform(operations.progress, fresh.context, {
    task: id,
    after: all.rows.at(-1)?.id ?? 0,
  });

  expect(all).toMatchObject({ ended: true, task: { status: 'cancelled' } });
  expect(rest.rows).toEqual([]);
});

test('runs a cancelled task again', async () => {
  await using fresh = await freshContext();
  const { id } = await perform(operations.submit, fresh.context, brief);
  await perform(operations.cancel, fresh.context, { task: id });

  const answer = await perform(operations.retry, fresh.context, { task: id });

  expect(answer).toEqual({ task_id: id, status: 'pending', runs: 1 });
});
