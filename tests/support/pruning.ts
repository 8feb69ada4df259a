// Tasks that have ended, and what prunes them, for the suites about pruning.
import type { TaskSubmission } from '../../src/core/queue.ts';
import {
  addCounts,
  type PruneCounts,
  prunedPages,
  type PrunePolicy,
} from '../../src/core/retention.ts';
import { noUsage } from '../../src/core/run.ts';
import { completed, deliverAll, type TestQueue, type TestWorker, tokenOf } from './queue.ts';

/** In seconds. */
export const day = 86_400;

export const keepAll: PrunePolicy = {
  steps: null,
  progress: null,
  attempts: null,
  contents: null,
  tasks: null,
  polls: null,
  workers: null,
};

/** Page after page, until nothing is left. Kinds that `policy` does not name are kept. */
export async function prune(
  { queue }: TestQueue,
  policy: Partial<PrunePolicy>,
  options: { dryRun?: boolean; limit?: number } = {},
): Promise<PruneCounts> {
  const { dryRun = false } = options;
  let removed: PruneCounts = {};
  const pages = prunedPages(
    (limit, after) =>
      queue.prune({
        policy: { ...keepAll, ...policy },
        limit: options.limit ?? limit,
        dryRun,
        after,
      }),
    () => performance.now(),
  );
  for await (const page of pages) removed = addCounts(removed, page.removed);

  return removed;
}

export function allOlderThan(days: number): Partial<PrunePolicy> {
  return { steps: days, progress: days, attempts: days, tasks: days, polls: days, workers: days };
}

/** Two agents, a step each, a file each, published and told. */
export async function endedTask(
  queue: TestQueue,
  worker: TestWorker,
  task: Partial<TaskSubmission> = {},
): Promise<string> {
  const { id } = await queue.submit({ agents: ['echo', 'nova'], ...task });
  const runs = await worker.claim();
  await queue.queue.recordSteps(runs.map((run) => stepOf(run, 1)));
  await worker.settle(...runs.map(completed));
  await deliverAll(queue, worker);

  return id;
}

/** One agent delivered, and one sink could not publish it. */
export async function taskWithFailedSink(
  queue: TestQueue,
  worker: TestWorker,
  sink: string,
): Promise<string> {
  const { id } = await queue.submit({ agents: ['echo'] });
  await worker.settle(...(await worker.claim()).map(completed));
  const error = { code: 'delivery_failed', message: 'no room', retriable: false };
  const deliveries = await worker.claimDeliveries();
  await queue.queue.settleDeliveries(
    worker.id,
    deliveries.map((delivery) => ({
      ...tokenOf(delivery),
      outcome: delivery.sink === sink ? { type: 'fail', error } : { type: 'delivered', result: {} },
    })),
  );

  return id;
}

export function stepOf(run: { id: number; attempt: number }, seq: number) {
  return {
    runId: run.id,
    attempt: run.attempt,
    seq,
    messages: [{ role: 'assistant' as const, content: `thought ${seq}` }],
    usage: noUsage,
    progress: { label: `step ${seq}`, percent: null, aiMessage: null },
  };
}

export async function poll({ queue }: TestQueue, worker: TestWorker): Promise<void> {
  const startedAt = new Date().toISOString();
  await queue.recordPoll({
    workerId: worker.id,
    trigger: 'once',
    startedAt,
    claimed: 0,
    settled: 0,
  });
}

export function everything({ db }: TestQueue) {
  return db.sql(`select
    (select jsonb_agg(task order by id) from tasks as task) as tasks,
    (select jsonb_agg(run order by id) from agent_runs as run) as runs,
    (select jsonb_agg(step order by run_id, seq) from run_steps as step) as steps,
    (select jsonb_agg(progress order by id) from task_progress as progress) as progress,
    (select jsonb_agg(delivery order by id) from deliveries as delivery) as deliveries,
    (select jsonb_agg(file order by id) from deliverables as file) as files,
    (select count(*) from deliverable_contents) as contents,
    (select count(*) from poll_runs) as polls`);
}
