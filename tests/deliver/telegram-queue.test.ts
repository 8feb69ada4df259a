// The Telegram sink on the real queue: folder first, one row and one message per chat, whatever dies between.
import { expect, test } from 'vitest';

import type { ClaimedDelivery } from '../../src/core/delivery.ts';
import type { Sink } from '../../src/core/ports.ts';
import { systemClock } from '../../src/daemon/clock.ts';
import { createTelegramSink } from '../../src/deliver/telegram.ts';
import {
  completed,
  failed,
  freshQueue,
  leaseSeconds,
  type TestQueue,
  type TestWorker,
  tokenOf,
} from '../support/queue.ts';
import { startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { silentLog } from './deliveries.ts';
import { context } from './telegram-sink.ts';

const chatIds = ['42', '-100200'];
const sinks = [
  { name: 'folder', stage: 0 },
  { name: 'telegram', stage: 1, targets: chatIds },
];

function sinkOn({ queue }: TestQueue, server: TelegramServer): Sink {
  const { token, url: apiRoot } = server;

  return createTelegramSink({
    token,
    apiRoot,
    chatIds,
    journal: queue,
    clock: systemClock,
    log: silentLog,
  });
}

/** A worker of the product, and a task whose runs have ended and whose folder is published. */
async function publishedTask(given: TestQueue, settle = completed) {
  const worker = await given.worker({ sinks });
  const { id } = await given.submit({ agents: ['echo', 'nova'], maxRetries: 0 });
  await worker.settle(...(await worker.claim()).map((run) => settle(run)));
  await publish(given, worker);

  return { id, worker };
}

async function publish({ queue }: TestQueue, worker: TestWorker): Promise<void> {
  const folderUrl = 'https://drive.google.com/drive/folders/abc';
  const deliveries = await worker.claimDeliveries();

  await queue.settleDeliveries(
    worker.id,
    deliveries.map((one) => ({
      ...tokenOf(one),
      outcome: { type: 'delivered', folderUrl, result: {} },
    })),
  );
}

async function settleAll({ queue }: TestQueue, worker: TestWorker, sink: Sink): Promise<void> {
  const deliver = async (one: ClaimedDelivery) => ({
    ...tokenOf(one),
    outcome: await sink.deliver(one, context),
  });

  const deliveries = await worker.claimDeliveries();
  await queue.settleDeliveries(worker.id, await Promise.all(deliveries.map(deliver)));
}

test.each([
  ['a task that ended well', completed, 'complete'],
  ['a task that failed', failed, 'failed'],
] as const)('%s is told to each chat once, with the link of its folder', async (_, settle, end) => {
  await using given = await freshQueue();
  await using server = await startTelegramServer();
  const { id, worker } = await publishedTask(given, settle);

  await settleAll(given, worker, sinkOn(given, server));

  const task = await given.queue.readTask(id);
  const results = task?.deliveries
    .filter(({ sink }) => sink === 'telegram')
    .map(({ result }) => result);
  expect(task?.status).toBe(end);
  expect(server.messages.map((message) => message.chat_id).toSorted()).toEqual(['-100200', '42']);
  expect(server.messages.map((message) => message.entities.at(-1)?.url)).toEqual(
    Array(2).fill('https://drive.google.com/drive/folders/abc'),
  );
  expect(results).toEqual(
    server.messages
      .toSorted((one, other) => one.chat_id.localeCompare(other.chat_id))
      .map((message) => ({ messages: { [message.chat_id]: [message.message_id] } })),
  );
});

test('a worker that dies after sending leaves one message per chat', async () => {
  await using given = await freshQueue();
  await using server = await startTelegramServer();
  const { id, worker } = await publishedTask(given);
  const [first] = await worker.claimDeliveries();
  if (first === undefined) throw new Error('nothing was claimed');
  await sinkOn(given, server).deliver(first, context);

  await given.db.advance({ seconds: leaseSeconds + 1 });
  const heir = await given.worker({ sinks });
  await given.queue.sweep();
  await settleAll(given, heir, sinkOn(given, server));

  expect(server.messages.map((message) => message.chat_id).toSorted()).toEqual(['-100200', '42']);
  expect((await given.queue.readTask(id))?.status).toBe('complete');
});

test('a chat that blocks the bot costs neither the task nor the other chat', async () => {
  await using given = await freshQueue();
  await using server = await startTelegramServer();
  const { id, worker } = await publishedTask(given);
  server.close('42', 'blocked');

  await settleAll(given, worker, sinkOn(given, server));

  const task = await given.queue.readTask(id);
  const news = task?.deliveries.filter(({ sink }) => sink === 'telegram');
  expect(task?.status).toBe('complete');
  expect(news?.map(({ target, status, error }) => [target, status, error?.code])).toEqual([
    ['-100200', 'delivered', undefined],
    ['42', 'failed', 'chat_refused'],
  ]);
});

test('a task that is tried again is told again when it ends', async () => {
  await using given = await freshQueue();
  await using server = await startTelegramServer();
  const { id, worker } = await publishedTask(given, failed);
  await settleAll(given, worker, sinkOn(given, server));

  await given.queue.retryTask(id);
  await worker.settle(...(await worker.claim()).map(completed));
  await publish(given, worker);
  await settleAll(given, worker, sinkOn(given, server));

  const toOne = server.messages.filter((message) => message.chat_id === '42');
  expect(toOne.map((message) => message.text?.split('\n')[1])).toEqual([
    expect.stringMatching(/^Failed/),
    'Complete: 2 of 2 agents',
  ]);
});
