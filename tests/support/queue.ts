// A queue on a database of its own, with workers to drive it by hand.
import pg from 'pg';

import type { SettledRun, TaskSubmission, WorkerRegistration } from '../../src/core/queue.ts';
import type { ClaimedRun, RunOutcome } from '../../src/core/run.ts';
import { noUsage } from '../../src/core/run.ts';
import { createQueue } from '../../src/queue/client.ts';
import type { Transport } from '../../src/queue/functions.ts';
import { createPgTransport } from '../../src/queue/pg-transport.ts';
import { createSupabaseTransport } from '../../src/queue/supabase-transport.ts';
import { silentLog, type TestDatabase } from './cluster.ts';
import { freshDatabase } from './database.ts';
import { secretKey, startPostgrest } from './postgrest-server.ts';

export const leaseSeconds = 45;

/** The ways to the database. Whatever holds for the queue holds over each of them. */
export const transports = ['pg', 'supabase'] as const;
export type TransportName = (typeof transports)[number];

/** A migrated database, and the queue on it as workers reach it: neither owner nor superuser. */
export async function freshQueue(name: TransportName = 'pg') {
  return await openQueue(name, await freshDatabase());
}

/** The queue on a database, which it disposes of with itself. */
export async function openQueue(name: TransportName, database: TestDatabase) {
  await using stack = new AsyncDisposableStack();
  const db = stack.use(database);
  const pool = new pg.Pool({ connectionString: db.workerUrl, max: 16 });
  pool.on('error', () => undefined);
  stack.defer(() => pool.end());
  const queue = createQueue(await openTransport(name, { pool, url: db.workerUrl, stack }));
  const opened = stack.move();

  return {
    db,
    pool,
    queue,
    /** Registers a worker that offers the sinks of the product. */
    async worker(options: Partial<WorkerRegistration> = {}) {
      const workerId = crypto.randomUUID();
      await queue.registerWorker({ ...registration, workerId, ...options });

      return {
        id: workerId,
        claim: (limit = 50) => queue.claimRuns(workerId, crypto.randomUUID(), limit),
        claimDeliveries: (limit = 50) =>
          queue.claimDeliveries(workerId, crypto.randomUUID(), limit),
        settle: (...runs: SettledRun[]) => queue.settleRuns(workerId, runs),
      };
    },
    submit: (task: Partial<TaskSubmission> = {}) => queue.submitTask({ ...brief, ...task }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function openTransport(
  name: TransportName,
  { pool, url, stack }: { pool: pg.Pool; url: string; stack: AsyncDisposableStack },
): Promise<Transport> {
  switch (name) {
    case 'pg':
      return createPgTransport(pool);
    case 'supabase': {
      const server = stack.use(await startPostgrest(url));
      return createSupabaseTransport({ url: server.url, key: secretKey, log: silentLog });
    }
  }
}

export type TestQueue = Awaited<ReturnType<typeof openQueue>>;
export type TestWorker = Awaited<ReturnType<TestQueue['worker']>>;

export const brief = { title: 'Spring sale', description: 'Sell the last of the winter coats.' };

const registration: Omit<WorkerRegistration, 'workerId'> = {
  name: 'test',
  version: '0.0.0',
  leaseSeconds,
  sinks: [
    { name: 'folder', stage: 0 },
    { name: 'terminal', stage: 1 },
  ],
  retry: { baseMs: 1_000, capMs: 8_000 },
};

export function tokenOf(run: { id: number; attempt: number }) {
  return { id: run.id, attempt: run.attempt };
}

/** A finished run with one file. */
export function completed(run: ClaimedRun): SettledRun {
  return {
    ...tokenOf(run),
    outcome: {
      type: 'complete',
      usage: { ...noUsage, calls: 1 },
      checks: [],
      output: {
        schema_version: 1,
        agent: run.agent,
        summary: `What ${run.agent} found, told in a sentence that is long enough.`,
        data: { marker: run.agent },
        evidence: [],
        uses: [],
        assumptions: [],
        open_questions: [],
        confidence: 'low',
      },
      deliverables: [
        {
          name: `${run.agent}.md`,
          kind: 'doc',
          mediaType: 'text/markdown',
          title: run.agent,
          content: `# ${run.agent}`,
        },
      ],
    },
  };
}

/** A run that ended in failure, or that is to be tried again. */
export function failed(
  run: { id: number; attempt: number },
  type: 'fail' | 'retry' = 'fail',
  retryAfterMs?: number,
): SettledRun {
  const error = { code: 'model_refused', message: 'no such model', retriable: type === 'retry' };
  const outcome: RunOutcome =
    type === 'fail'
      ? { type, error, usage: noUsage }
      : { type, error, usage: noUsage, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };

  return { ...tokenOf(run), outcome };
}

/** Serves every delivery that is due, stage after stage, until none is. */
export async function deliverAll(queue: TestQueue, worker: TestWorker): Promise<string[]> {
  const served: string[] = [];

  for (;;) {
    const deliveries = await worker.claimDeliveries();
    if (deliveries.length === 0) return served;

    served.push(...deliveries.map((delivery) => delivery.sink));
    await queue.queue.settleDeliveries(
      worker.id,
      deliveries.map((delivery) => ({
        ...tokenOf(delivery),
        outcome: { type: 'delivered', folderUrl: 'file:///results', result: {} },
      })),
    );
  }
}
