// Sinks with several places: a delivery for each, a journal of what was achieved, and leases by name.
import { expect, test } from 'vitest';

import { completed, failed, freshQueue, type TestQueue, tokenOf } from '../support/queue.ts';

const sinks = [
  { name: 'folder', stage: 0 },
  { name: 'telegram', stage: 1, targets: ['42', '-100200', '42'] },
];

async function endedTask(queue: TestQueue, settle = completed) {
  const worker = await queue.worker({ sinks });
  const { id } = await queue.submit({ agents: ['echo'], maxRetries: 0 });
  await worker.settle(...(await worker.claim()).map((run) => settle(run)));

  return { id, worker };
}

async function settleAll(queue: TestQueue, worker: { id: string }, deliveries: Claimed[]) {
  await queue.queue.settleDeliveries(
    worker.id,
    deliveries.map((delivery) => ({
      ...tokenOf(delivery),
      outcome: { type: 'delivered', result: { messages: { [delivery.target ?? '']: [1] } } },
    })),
  );
}

type Claimed = Awaited<ReturnType<TestQueue['queue']['claimDeliveries']>>[number];

test('a task gets a delivery for each place of a sink, once all of stage 0 has ended', async () => {
  await using queue = await freshQueue();
  const { id, worker } = await endedTask(queue);

  const files = await worker.claimDeliveries();
  await settleAll(queue, worker, files);
  const news = await worker.claimDeliveries();
  await settleAll(queue, worker, news);

  expect(files.map(({ sink, target }) => [sink, target])).toEqual([['folder', null]]);
  expect(news.map(({ sink, target }) => [sink, target]).toSorted()).toEqual([
    ['telegram', '-100200'],
    ['telegram', '42'],
  ]);
  expect((await queue.queue.readTask(id))?.status).toBe('complete');
});

test('places that are taken out of the settings get no further deliveries', async () => {
  await using queue = await freshQueue();
  await queue.worker({ sinks });

  const { id } = await endedTask(queue).then(async (first) => {
    await queue.worker({ sinks: [{ name: 'telegram', stage: 1, targets: ['42'] }] });
    const second = await queue.submit({ agents: ['echo'] });
    await first.worker.settle(...(await first.worker.claim()).map(completed));
    return second;
  });

  const deliveries = (await queue.queue.readTask(id))?.deliveries ?? [];
  expect(deliveries.map(({ sink, target }) => [sink, target])).toEqual([
    ['folder', null],
    ['telegram', '42'],
  ]);
});

test('what a try has achieved is there for the next one, and after its failure', async () => {
  await using queue = await freshQueue();
  const { worker } = await endedTask(queue);
  const [delivery] = await worker.claimDeliveries();
  if (delivery === undefined) throw new Error('nothing was claimed');
  const result = { messages: { 42: [7] } };

  const kept = await queue.queue.recordDelivery(tokenOf(delivery), result);
  const late = await queue.queue.recordDelivery({ ...tokenOf(delivery), attempt: 9 }, {});
  const error = { code: 'delivery_failed', message: 'no answer', retriable: true };
  await queue.queue.settleDeliveries(worker.id, [
    { ...tokenOf(delivery), outcome: { type: 'retry', error } },
  ]);

  expect([kept, late]).toEqual(['ok', 'lost']);
  expect(await queue.queue.readDeliveryResult(delivery.id)).toEqual(result);
});

test('what was achieved by a try that is to be repeated can come with its outcome', async () => {
  await using queue = await freshQueue();
  const { worker } = await endedTask(queue);
  const [delivery] = await worker.claimDeliveries();
  if (delivery === undefined) throw new Error('nothing was claimed');
  const error = { code: 'delivery_failed', message: 'no answer', retriable: true };

  const outcome = { type: 'retry' as const, error, result: { messages: { 42: [7] } } };
  await queue.queue.settleDeliveries(worker.id, [{ ...tokenOf(delivery), outcome }]);

  expect(await queue.queue.readDeliveryResult(delivery.id)).toEqual(outcome.result);
});

test('a task that is tried again is told anew, and its files go where they are', async () => {
  await using queue = await freshQueue();
  const { id, worker } = await endedTask(queue, failed);
  await settleAll(queue, worker, await worker.claimDeliveries());
  await settleAll(queue, worker, await worker.claimDeliveries());

  await queue.queue.retryTask(id);
  await worker.settle(...(await worker.claim()).map(completed));

  const deliveries = (await queue.queue.readTask(id))?.deliveries ?? [];
  expect(deliveries.map(({ sink, status, result }) => [sink, status, result !== null])).toEqual([
    ['folder', 'pending', true],
    ['telegram', 'blocked', false],
    ['telegram', 'blocked', false],
  ]);
});

test('a lease has one holder, who may renew it and give it back', async () => {
  await using queue = await freshQueue();
  const [one, other] = [crypto.randomUUID(), crypto.randomUUID()];
  const { acquireLease, releaseLease } = queue.queue;

  const answers = [
    await acquireLease('bot', one, 60),
    await acquireLease('bot', other, 60),
    await acquireLease('bot', one, 60),
    await acquireLease('another bot', other, 60),
  ];
  await releaseLease('bot', other);
  answers.push(await acquireLease('bot', other, 60));
  await releaseLease('bot', one);
  answers.push(await acquireLease('bot', other, 60));

  expect(answers).toEqual([true, false, true, true, false, true]);
});

test('a lease that nobody renews is free again after its seconds', async () => {
  await using queue = await freshQueue();
  const [one, other] = [crypto.randomUUID(), crypto.randomUUID()];
  await queue.queue.acquireLease('bot', one, 60);

  await queue.db.advance({ seconds: 61 });

  expect(await queue.queue.acquireLease('bot', other, 60)).toBe(true);
  expect(await queue.queue.acquireLease('bot', one, 60)).toBe(false);
});

test('of many who want a lease at once, one gets it', async () => {
  await using queue = await freshQueue();

  const answers = await Promise.all(
    Array.from({ length: 12 }, () => queue.queue.acquireLease('bot', crypto.randomUUID(), 60)),
  );

  expect(answers.filter(Boolean)).toHaveLength(1);
});
