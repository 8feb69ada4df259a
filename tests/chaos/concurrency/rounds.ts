// Rounds of siblings that finish together, each from a connection of its own: two waves of seven, two stages of two.
import pg from 'pg';

import type { Queue } from '../../../src/core/queue.ts';
import { createQueue } from '../../../src/queue/client.ts';
import { createPgTransport } from '../../../src/queue/pg-transport.ts';
import type { TestDatabase } from '../../support/cluster.ts';
import { deliveryOutcome, runOutcome } from '../model/marks.ts';

const siblings = 7;
const first = Array.from({ length: siblings }, (_, place) => `first-${place}`);
const second = Array.from({ length: siblings }, (_, place) => `second-${place}`);
const sinks = [
  { name: 'drive', stage: 0 },
  { name: 'folder', stage: 0 },
  { name: 'telegram', stage: 1, targets: ['7', '11'] },
];

/** What one round came to: how much was claimed at each opening, how often the end was told, and what it was. */
export type Round = { secondWave: number; stages: number[]; ends: number; status: string };

export type Rounds = AsyncDisposable & { play(): Promise<Round> };

export async function openRounds(db: TestDatabase): Promise<Rounds> {
  await using stack = new AsyncDisposableStack();
  const queues = Array.from({ length: siblings }, () => {
    const pool = new pg.Pool({ connectionString: db.workerUrl, max: 1 });
    pool.on('error', () => undefined);
    stack.defer(() => pool.end());
    return createQueue(createPgTransport(pool));
  });
  const [queue] = queues;
  if (queue === undefined) throw new Error('no queue');
  await queue.registerAgents([...first, ...second].map(agentOf));
  const workerId = crypto.randomUUID();
  const worker = { workerId, name: 'all of them', version: '0.0.0', leaseSeconds: 3_600, sinks };
  await queue.registerWorker({ ...worker, retry: { baseMs: 1, capMs: 1 } });
  const opened = stack.move();

  return {
    play: () => play({ queues, queue, workerId, db }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

type Ports = { queues: Queue[]; queue: Queue; workerId: string; db: TestDatabase };

async function play(ports: Ports): Promise<Round> {
  const { queue, db } = ports;
  const { id } = await queue.submitTask({
    title: 'Spring sale',
    description: 'Sell the last of the winter coats.',
    profile: 'waves',
    agents: [...first, ...second],
  });

  await finishRuns(ports);
  const secondWave = await finishRuns(ports);
  const stages = [await deliver(ports), await deliver(ports)];

  const ends = await db.sql(`select from task_progress where task_id = $1 and is_final`, [id]);
  const task = await queue.readTask(id);
  return { secondWave, stages, ends: ends.length, status: task?.status ?? 'unknown' };
}

async function finishRuns({ queues, queue, workerId }: Ports): Promise<number> {
  const runs = await queue.claimRuns(workerId, crypto.randomUUID(), 50);

  await Promise.all(
    runs.map(async (run, place) => {
      const { id, attempt } = run;
      const settled = { id, attempt, outcome: runOutcome(run, 'done', 0) };
      await queues[place % queues.length]?.settleRuns(workerId, [settled]);
    }),
  );
  return runs.filter((run) => run.attempt === 1).length;
}

async function deliver({ queues, queue, workerId }: Ports): Promise<number> {
  const deliveries = await queue.claimDeliveries(workerId, crypto.randomUUID(), 50);

  await Promise.all(
    deliveries.map(async ({ id, attempt }, place) => {
      const settled = { id, attempt, outcome: deliveryOutcome('done', 0) };
      await queues[place % queues.length]?.settleDeliveries(workerId, [settled]);
    }),
  );
  return deliveries.filter((delivery) => delivery.attempt === 1).length;
}

function agentOf(name: string) {
  const wave = first.includes(name) ? 1 : 2;

  return { name, title: name, wave, hash: '', enabled: true, required: false, timeoutSeconds: 60 };
}
