// Workers that live, fall silent, retire and are replaced; tasks that are cancelled and retried.
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';

import { noUsage } from '../../src/core/run.ts';
import {
  completed,
  deliverAll,
  failed,
  freshQueue,
  leaseSeconds,
  tokenOf,
  transports,
} from '../support/queue.ts';

describe.each(transports)('workers over %s', (transport) => {
  test('offers a run to another worker once its worker has gone silent', async () => {
    await using queue = await freshQueue(transport);
    const silent = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo'] });
    await silent.claim();

    await queue.db.advance({ seconds: leaseSeconds + 1 });
    const swept = await queue.queue.sweep();
    const [run] = await (await queue.worker()).claim();

    expect(swept).toMatchObject({ runsRecovered: 1, runsFailed: 0 });
    expect(run).toMatchObject({ taskId: id, attempt: 2 });
  });

  test('leaves the runs of a worker that beats', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    await queue.submit({ agents: ['echo'] });
    await worker.claim();

    for (let beat = 0; beat < 4; beat += 1) {
      await queue.db.advance({ seconds: leaseSeconds / 2 });
      await queue.queue.beat(worker.id, [], []);
      await queue.queue.sweep();
    }

    const rows = await queue.db.sql(`select attempt, status from agent_runs`);
    expect(rows).toEqual([{ attempt: 1, status: 'running' }]);
  });

  test('a run that kills its workers stops at its cap', async () => {
    await using queue = await freshQueue(transport);
    const { id } = await queue.submit({ agents: ['echo'], maxRetries: 2 });

    for (let life = 0; life < 3; life += 1) {
      await (await queue.worker()).claim();
      await queue.db.advance({ seconds: leaseSeconds + 1 });
      await queue.queue.sweep();
    }

    const task = await queue.queue.readTask(id);
    expect(task?.runs[0]).toMatchObject({ status: 'failed', error: { code: 'worker_lost' } });
  });

  test('a run that gets further with each worker is not charged for their deaths', async () => {
    await using queue = await freshQueue(transport);
    await queue.submit({ agents: ['echo'], maxRetries: 0 });

    for (let life = 1; life <= 4; life += 1) {
      const [run] = await (await queue.worker()).claim();
      expect(run?.attempt).toBe(life);
      if (run !== undefined) await queue.queue.recordSteps([stepOf(run, life)]);
      await queue.db.advance({ seconds: leaseSeconds + 1 });
      await queue.queue.sweep();
    }

    const rows = await queue.db.sql('select status from agent_runs');
    expect(rows).toEqual([{ status: 'pending' }]);
  });

  test('the successor on the same machine recovers at once', async () => {
    await using queue = await freshQueue(transport);
    const dead = await queue.worker();
    await queue.submit({ agents: ['echo'] });
    await dead.claim();

    const successor = await queue.worker({ replaces: dead.id });

    expect(await successor.claim()).toHaveLength(1);
  });

  test('a retiring worker hands its runs back without a try being charged', async () => {
    await using queue = await freshQueue(transport);
    const leaving = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo'] });
    await leaving.claim();

    await queue.queue.retireWorker(leaving.id);

    const task = await queue.queue.readTask(id);
    expect(task?.runs[0]).toMatchObject({ status: 'pending', attempt: 1, tries: 0 });
  });

  test('a worker whose session lock is free is dead before its lease has passed', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    await queue.submit({ agents: ['echo'] });
    await worker.claim();
    const session = new Client({ connectionString: queue.db.workerUrl });
    await session.connect();
    await session.query('select hold_session($1)', [worker.id]);

    await queue.db.advance({ seconds: leaseSeconds / 2 + 1 });
    const held = await queue.queue.sweep();
    await session.end();
    await expect.poll(() => queue.queue.sweep().then((swept) => swept.runsRecovered)).toBe(1);

    expect(held.runsRecovered).toBe(0);
  });

  test('a beat answers for runs that were cancelled or lost', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo'] });
    const [run] = await worker.claim();
    if (run === undefined) throw new Error('nothing claimed');

    const before = await queue.queue.beat(worker.id, [tokenOf(run)], []);
    await queue.queue.cancelTask(id);
    const after = await queue.queue.beat(worker.id, [tokenOf(run), { id: 999, attempt: 1 }], []);

    expect(before.abort).toEqual([]);
    expect(after.abort).toEqual([
      { kind: 'run', ...tokenOf(run), answer: 'cancelled' },
      { kind: 'run', id: 999, attempt: 1, answer: 'lost' },
    ]);
  });

  test('a run past its deadline is taken from a worker that beats, and fails at its cap', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo'], timeoutSeconds: 2, maxRetries: 1 });

    for (let life = 0; life < 2; life += 1) {
      await worker.claim();
      await queue.db.advance({ seconds: 2 + leaseSeconds + 1 });
      await queue.queue.beat(worker.id, [], []);
      await queue.queue.sweep();
    }

    const task = await queue.queue.readTask(id);
    expect(task?.runs[0]).toMatchObject({
      status: 'failed',
      tries: 2,
      error: { code: 'run_timeout' },
    });
  });

  test('a run whose row was busy when its task was cancelled is cancelled all the same', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo', 'nova'] });
    await worker.claim(1);
    const claim = await queue.pool.connect();
    await claim.query('begin');
    const { rows } = await claim.query('select claim_runs($1, $2, 1) as answer', [
      worker.id,
      crypto.randomUUID(),
    ]);
    const token = { id: rows[0]?.answer.runs[0].id, attempt: 1 };

    await queue.queue.cancelTask(id);
    await claim.query('commit');
    claim.release();
    const [recorded] = await queue.queue.recordSteps([stepOf(token, 1)]);
    const beaten = await queue.queue.beat(worker.id, [token], []);
    const [settled] = await worker.settle(failed(token));
    await queue.queue.sweep();

    expect([recorded?.answer, beaten.abort[0]?.answer, settled?.answer]).toEqual(
      Array.from({ length: 3 }, () => 'cancelled'),
    );
    const task = await queue.queue.readTask(id);
    expect(task?.runs.map((run) => run.status)).toEqual(['cancelled', 'cancelled']);
  });

  test('cancelling ends every run, and their outcomes are answered so', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ profile: 'waves' });
    const [run] = await worker.claim(1);
    if (run === undefined) throw new Error('nothing claimed');

    const [first, again] = [await queue.queue.cancelTask(id), await queue.queue.cancelTask(id)];
    const [settled] = await worker.settle(completed(run));

    const statuses = await queue.db.sql('select distinct status from agent_runs');
    expect([first.status, again.status, settled?.answer]).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
    ]);
    expect(statuses).toEqual([{ status: 'cancelled' }]);
    expect(await worker.claim()).toEqual([]);
  });

  test('cancelling a task that has ended is refused', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo'] });
    await worker.settle(...(await worker.claim()).map(completed));
    await deliverAll(queue, worker);

    const refusal = queue.queue.cancelTask(id);

    await expect(refusal).rejects.toMatchObject({ code: 'task_over' });
  });

  test('cancel, claim and settle at once leave no run behind and no deadlock', async () => {
    await using queue = await freshQueue(transport);
    const workers = await Promise.all(Array.from({ length: 4 }, () => queue.worker()));
    const tasks = await Promise.all(Array.from({ length: 30 }, () => queue.submit()));

    await Promise.all([
      ...workers.map(async (worker) => {
        for (let round = 0; round < 15; round += 1) {
          await worker.settle(...(await worker.claim(5)).map(completed));
        }
      }),
      ...tasks.map((task) => queue.queue.cancelTask(task.id).catch(() => undefined)),
    ]);
    const [last] = workers;
    for (;;) {
      const runs = (await last?.claim()) ?? [];
      if (runs.length === 0) break;
      await last?.settle(...runs.map(completed));
    }

    const open = await queue.db.sql(
      `select from agent_runs where status in ('running', 'pending', 'blocked')`,
    );
    expect(open).toEqual([]);
  });

  test('retrying runs what failed again, from the start, and delivers anew', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo', 'nova'] });
    const runs = await worker.claim();
    const echo = runs.find((run) => run.agent === 'echo');
    if (echo !== undefined) await queue.queue.recordSteps([stepOf(echo, 1)]);
    await worker.settle(
      ...runs.map((run) => (run.agent === 'echo' ? failed(run) : completed(run))),
    );
    await deliverAll(queue, worker);

    const retried = await queue.queue.retryTask(id);
    const again = await worker.claim();
    await worker.settle(...again.map(completed));
    const served = await deliverAll(queue, worker);

    expect(retried).toEqual({ status: 'pending', runs: 1 });
    expect(again.map((run) => [run.agent, run.steps.length])).toEqual([['echo', 0]]);
    expect(served).toEqual(['folder', 'terminal']);
    expect((await queue.queue.readTask(id))?.status).toBe('complete');
  });

  test('a complete task cannot be retried', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo'] });
    await worker.settle(...(await worker.claim()).map(completed));
    await deliverAll(queue, worker);

    await expect(queue.queue.retryTask(id)).rejects.toMatchObject({ code: 'task_not_retriable' });
  });

  test('the sweep repairs a task that nothing moves any more, and says so', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo'] });
    await worker.claim();
    await queue.db.sql(`update agent_runs set status = 'complete'`);

    const swept = await queue.queue.sweep();

    expect(swept.repaired).toBe(1);
    expect((await queue.queue.readTask(id))?.status).toBe('delivering');
  });

  test('each poll is a row, also an empty one', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();

    await queue.queue.recordPoll({
      workerId: worker.id,
      trigger: 'schedule',
      startedAt: new Date().toISOString(),
      claimed: 0,
      settled: 0,
    });

    expect((await queue.queue.readState()).lastPoll).toMatchObject({
      trigger: 'schedule',
      claimed: 0,
    });
  });
});

function stepOf(run: { id: number; attempt: number }, seq: number) {
  return {
    runId: run.id,
    attempt: run.attempt,
    seq,
    messages: [],
    usage: noUsage,
    progress: { label: 'thinking', percent: null, aiMessage: null },
  };
}
