// Settling: outcomes are recorded exactly once, and what follows from them happens once.
import { describe, expect, test } from 'vitest';

import { noUsage } from '../../src/core/run.ts';
import {
  completed,
  deliverAll,
  failed,
  freshQueue,
  tokenOf,
  transports,
} from '../support/queue.ts';

describe.each(transports)('settling over %s', (transport) => {
  test('settling twice answers already and leaves one deliverable', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    await queue.submit({ agents: ['echo', 'nova'] });
    const [run] = await worker.claim(1);
    if (run === undefined) throw new Error('nothing claimed');

    const first = await worker.settle(completed(run));
    const second = await worker.settle(completed(run));

    expect([first[0]?.answer, second[0]?.answer]).toEqual(['ok', 'already']);
    expect(await queue.db.sql('select from deliverables')).toHaveLength(1);
  });

  test('a task goes through delivering to complete, publishing before notifying', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit();
    await worker.settle(...(await worker.claim()).map(completed));
    const delivering = await queue.queue.readTask(id);

    const served = await deliverAll(queue, worker);

    const task = await queue.queue.readTask(id);
    expect(delivering?.status).toBe('delivering');
    expect(served).toEqual(['folder', 'terminal']);
    expect(task).toMatchObject({ status: 'complete', folderUrl: 'file:///results', runsEnded: 7 });
    expect(task?.deliverables).toHaveLength(7);
  });

  test('one failed agent of seven makes the task partial and names it', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit();
    const runs = await worker.claim();
    await worker.settle(
      ...runs.map((run) => (run.agent === 'apex' ? failed(run) : completed(run))),
    );

    await deliverAll(queue, worker);

    const task = await queue.queue.readTask(id);
    expect(task).toMatchObject({ status: 'partial', failedAgents: ['apex'] });
    expect(task?.error).toContain('apex: no such model');
  });

  test('a task whose agents all failed is delivered too, and ends failed', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo'] });
    await worker.settle(...(await worker.claim()).map((run) => failed(run)));

    const served = await deliverAll(queue, worker);

    expect(served).toEqual(['folder', 'terminal']);
    expect((await queue.queue.readTask(id))?.status).toBe('failed');
  });

  test('news of an older task go before the files of newer ones', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    for (let count = 0; count < 3; count += 1) await queue.submit({ agents: ['echo'] });
    await worker.settle(...(await worker.claim()).map(completed));
    const [first] = await worker.claimDeliveries(1);
    if (first === undefined) throw new Error('nothing to deliver');
    const outcome = { type: 'delivered', result: {} } as const;
    await queue.queue.settleDeliveries(worker.id, [{ ...tokenOf(first), outcome }]);

    const [next] = await worker.claimDeliveries(1);

    expect(next).toMatchObject({ sink: 'terminal', task: { id: first.task.id } });
  });

  test('a task that could not be published is partial, and can be delivered again', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo'] });
    await worker.settle(...(await worker.claim()).map(completed));
    const [folder] = await worker.claimDeliveries();
    if (folder === undefined) throw new Error('nothing to deliver');
    const error = { code: 'folder_not_writable', message: 'no room', retriable: false };
    await queue.queue.settleDeliveries(worker.id, [
      { ...tokenOf(folder), outcome: { type: 'fail', error } },
    ]);
    await deliverAll(queue, worker);

    const before = await queue.queue.readTask(id);
    const retried = await queue.queue.retryTask(id);
    const served = await deliverAll(queue, worker);

    const after = await queue.queue.readTask(id);
    expect(before).toMatchObject({ status: 'partial', error: 'not published: folder: no room' });
    expect(retried).toEqual({ status: 'delivering', runs: 0 });
    expect(served).toEqual(['folder']);
    expect(after).toMatchObject({ status: 'complete', folderUrl: 'file:///results', error: null });
  });

  test('a required agent that fails fails the task', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    await queue.db.sql(`update agents set required = true where name = 'echo'`);
    const { id } = await queue.submit({ agents: ['echo', 'nova'] });
    const runs = await worker.claim();
    await worker.settle(
      ...runs.map((run) => (run.agent === 'echo' ? failed(run) : completed(run))),
    );

    await deliverAll(queue, worker);

    expect((await queue.queue.readTask(id))?.status).toBe('failed');
  });

  test('a retried run waits out its backoff, and fails at its cap', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo'], maxRetries: 1 });
    const [first] = await worker.claim();
    if (first === undefined) throw new Error('nothing claimed');

    await worker.settle(failed(first, 'retry', 20_000));
    const early = await worker.claim();
    await queue.db.advance({ seconds: 21 });
    await queue.queue.sweep();
    const [second] = await worker.claim();
    if (second !== undefined) await worker.settle(failed(second, 'retry'));

    const task = await queue.queue.readTask(id);
    expect(early).toEqual([]);
    expect(second?.attempt).toBe(2);
    expect(task?.runs[0]).toMatchObject({ status: 'failed', tries: 2 });
  });

  test('a released run is due at once and costs no try', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    await queue.submit({ agents: ['echo'], maxRetries: 0 });

    for (let round = 1; round <= 3; round += 1) {
      const [run] = await worker.claim();
      expect(run?.attempt).toBe(round);
      if (run !== undefined) await worker.settle({ ...tokenOf(run), outcome: { type: 'release' } });
    }

    const [last] = await worker.claim();
    expect(last?.attempt).toBe(4);
  });

  test('an attempt that was taken over can change nothing', async () => {
    await using queue = await freshQueue(transport);
    const stale = await queue.worker();
    await queue.submit({ agents: ['echo'] });
    const [old] = await stale.claim();
    await queue.db.advance({ seconds: 46 });
    await queue.queue.sweep();
    const [taken] = await (await queue.worker()).claim();
    if (old === undefined || taken === undefined) throw new Error('nothing claimed');

    const settled = await stale.settle(completed(old));
    const recorded = await queue.queue.recordSteps([step(old, 1)]);

    expect([settled[0]?.answer, recorded[0]?.answer]).toEqual(['lost', 'lost']);
    expect(await queue.db.sql('select from deliverables')).toEqual([]);
    expect(taken.attempt).toBe(2);
  });

  test('work finished by a silent worker is kept when nobody has taken it yet', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    await queue.submit({ agents: ['echo'] });
    const [run] = await worker.claim();
    if (run === undefined) throw new Error('nothing claimed');
    await queue.db.advance({ seconds: 46 });
    await queue.queue.sweep();

    const settled = await worker.settle(completed(run));

    expect(settled[0]?.answer).toBe('ok');
    expect(await (await queue.worker()).claim()).toEqual([]);
  });

  test('a batch is all or nothing', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    await queue.submit({ agents: ['echo', 'nova'] });
    const [good, bad] = (await worker.claim()).map(completed);
    if (good === undefined || bad?.outcome.type !== 'complete') throw new Error('nothing claimed');
    const [file] = bad.outcome.deliverables;
    if (file === undefined) throw new Error('no file');
    const broken = { ...bad.outcome, deliverables: [{ ...file, title: undefined }] };

    const settled = queue.pool.query('select settle_runs($1, $2)', [
      worker.id,
      JSON.stringify([
        { ...tokenOf(good), ...good.outcome },
        { ...tokenOf(bad), ...broken },
      ]),
    ]);

    await expect(settled).rejects.toThrow(/null value/);
    expect(await queue.db.sql(`select from agent_runs where status = 'complete'`)).toEqual([]);
  });

  test('seven siblings that finish together open the next wave once', async () => {
    await using queue = await freshQueue(transport);
    const workers = await Promise.all(Array.from({ length: 3 }, () => queue.worker()));

    for (let round = 0; round < 15; round += 1) {
      const { id } = await queue.submit({
        profile: 'waves',
        agents: ['vision', 'apex', 'nova', 'echo'],
      });
      const held = await Promise.all(workers.map((worker) => worker.claim(1)));
      await Promise.all(
        workers.map((worker, place) => worker.settle(...(held[place] ?? []).map(completed))),
      );

      const [echo, ...others] = (await workers[0]?.claim()) ?? [];
      expect([echo?.taskId, echo?.agent, others.length]).toEqual([id, 'echo', 0]);
      if (echo !== undefined) await workers[0]?.settle(completed(echo));
    }
  });

  test('a batch that hands a run back moves on the task whose last run it ends', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const ending = await queue.submit({ agents: ['echo'] });
    await queue.submit({ agents: ['nova'] });
    const [last, other] = await worker.claim();
    if (last === undefined || other === undefined) throw new Error('nothing claimed');

    await worker.settle({ ...tokenOf(other), outcome: { type: 'release' } }, completed(last));

    expect((await queue.queue.readTask(ending.id))?.status).toBe('delivering');
  });

  test('a task that waits for two starts when both have ended well', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const first = await queue.submit({ agents: ['echo'] });
    const second = await queue.submit({ agents: ['echo'] });
    const last = await queue.submit({ agents: ['nova'], dependsOn: [first.id, second.id] });

    const started: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const [run] = await worker.claim(1);
      if (run === undefined) break;
      started.push(run.taskId);
      await worker.settle(completed(run));
      await deliverAll(queue, worker);
    }

    expect(started).toEqual([first.id, second.id, last.id]);
  });

  test('a task stays blocked behind one that failed, and says what it waits for', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const first = await queue.submit({ agents: ['echo'] });
    const last = await queue.submit({ agents: ['nova'], dependsOn: [first.id] });
    await worker.settle(...(await worker.claim()).map((run) => failed(run)));
    await deliverAll(queue, worker);

    const claimed = await worker.claim();

    expect(claimed).toEqual([]);
    expect((await queue.queue.readTask(last.id))?.waitsFor).toEqual([
      { id: first.id, status: 'failed' },
    ]);
  });

  test('a turn claims and settles at once, and repeating it changes nothing further', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    await queue.submit();
    const held = await worker.claim(3);
    const turn = {
      workerId: worker.id,
      claimId: crypto.randomUUID(),
      runsWanted: 2,
      deliveriesWanted: 2,
      runs: held.map(completed),
      deliveries: [],
    };

    const first = await queue.queue.takeTurn(turn);
    const again = await queue.queue.takeTurn(turn);

    expect(first.runs).toHaveLength(2);
    expect(again.runs.map(tokenOf)).toEqual(first.runs.map(tokenOf));
    expect(first.runAnswers.map((answer) => answer.answer)).toEqual(['ok', 'ok', 'ok']);
    expect(again.runAnswers.map((answer) => answer.answer)).toEqual([
      'already',
      'already',
      'already',
    ]);
  });

  test('steps are recorded once, seen as progress, and handed to the next attempt', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo'] });
    const [run] = await worker.claim();
    if (run === undefined) throw new Error('nothing claimed');

    const answers = [
      ...(await queue.queue.recordSteps([step(run, 1), step(run, 2)])),
      ...(await queue.queue.recordSteps([step(run, 2)])),
    ];
    await worker.settle({ ...tokenOf(run), outcome: { type: 'release' } });
    const [next] = await worker.claim();

    const progress = await queue.queue.readProgress(id, 0);
    expect(answers.map((answer) => answer.answer)).toEqual(['ok', 'ok', 'already']);
    expect(next?.steps.map((each) => each.seq)).toEqual([1, 2]);
    expect(progress.map((row) => row.stepLabel)).toEqual(['step 1', 'step 2']);
  });
});

function step(run: { id: number; attempt: number }, seq: number) {
  return {
    runId: run.id,
    attempt: run.attempt,
    seq,
    messages: [{ role: 'assistant' as const, content: `thought ${seq}` }],
    usage: noUsage,
    progress: { label: `step ${seq}`, percent: null, aiMessage: `thought ${seq}` },
  };
}
