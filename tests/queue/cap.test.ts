// The cost cap of a task: money is set aside before each model call, whichever worker makes it.
import { describe, expect, test } from 'vitest';

import type { ClaimedRun, CostReservation, StepRecord } from '../../src/core/run.ts';
import { noUsage } from '../../src/core/run.ts';
import { failed, freshQueue, leaseSeconds, type TestQueue, transports } from '../support/queue.ts';

describe.each(transports)('the cost cap of a task over %s', (transport) => {
  test('grants what the cap leaves, all runs of the task together', async () => {
    await using queue = await freshQueue(transport);
    const [first, second] = await claimCapped(queue, 1);

    const whole = await reserve(queue, first, { wantUsd: 0.7 });
    const rest = await reserve(queue, second, { wantUsd: 0.7, leastUsd: 0.1 });

    expect(whole).toMatchObject({ answer: 'granted', usd: 0.7 });
    expect(rest).toMatchObject({ answer: 'granted', usd: 0.3 });
  });

  test('has a run wait for money that a call under way may not need', async () => {
    await using queue = await freshQueue(transport);
    const [first, second] = await claimCapped(queue, 1);
    await reserve(queue, first, { wantUsd: 0.9 });
    const waiting = await reserve(queue, second, { wantUsd: 0.5 });

    await queue.queue.recordSteps([stepOf(first, 0.2)]);
    const after = await reserve(queue, second, { wantUsd: 0.5 });

    expect(waiting).toMatchObject({ answer: 'wait', capUsd: 1, spentUsd: 0, reservedUsd: 0.9 });
    expect(after).toMatchObject({ answer: 'granted', usd: 0.5 });
  });

  test('says that the money is spent where no call under way can bring it back', async () => {
    await using queue = await freshQueue(transport);
    const [first, second] = await claimCapped(queue, 1);
    await reserve(queue, first, { wantUsd: 0.9 });
    await queue.queue.recordSteps([stepOf(first, 0.9)]);

    const answer = await reserve(queue, second, { wantUsd: 0.5 });

    expect(answer).toMatchObject({ answer: 'spent', spentUsd: 0.9, reservedUsd: 0 });
  });

  test('repeating a request, and giving money back, leaves what one request would', async () => {
    await using queue = await freshQueue(transport);
    const [first, second] = await claimCapped(queue, 1);

    await reserve(queue, first, { wantUsd: 0.9 });
    const repeated = await reserve(queue, first, { wantUsd: 0.9 });
    await reserve(queue, first, { wantUsd: 0, leastUsd: 0 });
    const other = await reserve(queue, second, { wantUsd: 0.9 });

    expect([repeated, other]).toMatchObject([{ answer: 'granted' }, { answer: 'granted' }]);
  });

  test('counts the call of a worker that died as paid', async () => {
    await using queue = await freshQueue(transport);
    const [first] = await claimCapped(queue, 1);
    await reserve(queue, first, { wantUsd: 0.9 });

    await queue.db.advance({ seconds: leaseSeconds + 1 });
    await queue.queue.sweep();
    const again = (await (await queue.worker()).claim()).find(({ id }) => id === first.id);
    if (again === undefined) throw new Error('the run was not offered again');

    const old = await reserve(queue, first, { wantUsd: 0.1 });
    const fresh = await reserve(queue, again, { wantUsd: 0.5 });
    expect(old).toEqual({ answer: 'lost' });
    expect(fresh).toMatchObject({ answer: 'spent', spentUsd: 0.9 });
  });

  test('grants nothing to a run that has ended or was cancelled', async () => {
    await using queue = await freshQueue(transport);
    const [first, second] = await claimCapped(queue, 1);
    await queue.queue.settleRuns(first.workerId, [failed(first)]);
    const ended = await reserve(queue, first, { wantUsd: 0.1 });

    await queue.queue.cancelTask(second.taskId);

    expect(ended).toEqual({ answer: 'lost' });
    expect(await reserve(queue, second, { wantUsd: 0.1 })).toEqual({ answer: 'cancelled' });
  });
});

test('never grants more than the cap, however many ask at once', async () => {
  await using queue = await freshQueue();
  const runs = await claimCapped(queue, 1);

  const answers = await Promise.all(
    runs.map((run) => reserve(queue, run, { wantUsd: 0.4, leastUsd: 0.05 })),
  );

  const usd = answers.map((answer) => (answer.answer === 'granted' ? answer.usd : 0));
  expect(runs).toHaveLength(7);
  expect(usd.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1);
});

async function claimCapped(queue: TestQueue, maxCostUsd: number) {
  await queue.submit({ brief: { limits: { max_cost_usd: maxCostUsd } } });
  const worker = await queue.worker();
  const claimed = await worker.claim();
  const [first, second, ...others] = claimed.map((run) => ({ ...run, workerId: worker.id }));
  if (first === undefined || second === undefined) throw new Error('nothing claimed');

  return [first, second, ...others] as const;
}

function reserve(
  { queue }: TestQueue,
  { id, attempt }: ClaimedRun,
  usd: { wantUsd: number; leastUsd?: number },
): Promise<CostReservation> {
  return queue.reserveCost({ runId: id, attempt, seq: 1, leastUsd: usd.wantUsd, ...usd });
}

function stepOf({ id, attempt }: ClaimedRun, costUsd: number): StepRecord {
  return {
    runId: id,
    attempt,
    seq: 1,
    messages: [{ role: 'assistant', content: 'Thinking.' }],
    usage: { ...noUsage, calls: 1, costUsd },
    progress: { label: 'step 1', percent: null, aiMessage: null },
  };
}
