// The queue as TypeScript sees it: each verb is one call of one SQL function, checked on the way back.
import { appError } from '../core/errors.ts';
import type {
  Queue,
  SettledDelivery,
  SettledRun,
  Turn,
  WorkerRegistration,
} from '../core/queue.ts';
import type { ClaimedRun, DeliverableFile } from '../core/run.ts';
import { clean } from './clean.ts';
import { type Claimed, functions, type SqlFunction, type Transport } from './functions.ts';
import { untilKept } from './rolled-back.ts';

type Call = <const Argument extends string, Result>(
  target: SqlFunction<Argument, Result>,
  args: Record<Argument, unknown>,
) => Promise<Result>;

/** A queue over any transport. Every promise rejects with errors of the catalogue only. */
export function createQueue(transport: Transport): Queue {
  const call: Call = async (target, args) => {
    const cleaned = Object.entries(args).map(([key, value]) => [key, clean(value)]);
    const answer = await untilKept(() => transport.call(target, Object.fromEntries(cleaned)));
    const parsed = target.answer.safeParse(answer);
    if (parsed.success) return parsed.data;

    throw appError('database_failed', {
      detail: `${target.name} answered in an unknown form: is the database of another version?`,
      issues: parsed.error.issues.slice(0, 5),
    });
  };

  return { ...changes(call), ...work(call), ...delivering(call), ...reading(call) };
}

function changes(call: Call) {
  return {
    submitTask: (task) => call(functions.submitTask, { p_task: task }),
    cancelTask: (taskId) => call(functions.cancelTask, { p_task_id: taskId }),
    retryTask: (taskId) => call(functions.retryTask, { p_task_id: taskId }),
    registerAgents: async (agents) => {
      await call(functions.registerAgents, { p_agents: agents });
    },
    registerWorker: async (worker) => {
      await call(functions.registerWorker, registration(worker));
    },
    retireWorker: async (workerId) => {
      await call(functions.retireWorker, { p_worker_id: workerId });
    },
    pauseWorker: async (workerId, reason) => {
      await call(functions.pauseWorker, { p_worker_id: workerId, p_reason: reason });
    },
    recordPoll: async (poll) => {
      await call(functions.recordPoll, {
        p_worker_id: poll.workerId,
        p_trigger: poll.trigger,
        p_started_at: poll.startedAt,
        p_claimed: poll.claimed,
        p_settled: poll.settled,
        p_error: poll.error ?? null,
      });
    },
  } satisfies Partial<Queue>;
}

function work(call: Call) {
  return {
    claimRuns: async (workerId, claimId, limit) => {
      const claimed = await call(functions.claimRuns, claimOf(workerId, claimId, limit));

      return runsOf(claimed);
    },
    claimDeliveries: (workerId, claimId, limit) =>
      call(functions.claimDeliveries, claimOf(workerId, claimId, limit)),
    settleRuns: (workerId, runs) =>
      call(functions.settleRuns, { p_worker_id: workerId, p_outcomes: runs.map(runRow) }),
    settleDeliveries: (workerId, deliveries) =>
      call(functions.settleDeliveries, {
        p_worker_id: workerId,
        p_outcomes: deliveries.map(deliveryRow),
      }),
    takeTurn: async (turn) => {
      const taken = await call(functions.takeTurn, turnArguments(turn));

      return { ...taken, runs: runsOf(taken) };
    },
    recordSteps: (steps) => call(functions.recordSteps, { p_steps: steps }),
    reserveCost: ({ runId, attempt, seq, wantUsd, leastUsd }) =>
      call(functions.reserveCost, {
        p_run_id: runId,
        p_attempt: attempt,
        p_seq: seq,
        p_want: wantUsd,
        p_least: leastUsd,
      }),
    beat: (workerId, runs, deliveries) =>
      call(functions.beat, { p_worker_id: workerId, p_runs: runs, p_deliveries: deliveries }),
    sweep: () => call(functions.sweep, {}),
    prune: ({ policy, limit, dryRun, after }) =>
      call(functions.prune, { p_policy: policy, p_after: after, p_limit: limit, p_dry: dryRun }),
    beginPruning: (workerId, elapsedSeconds) =>
      call(functions.beginPruning, { p_worker_id: workerId, p_elapsed_seconds: elapsedSeconds }),
    endPruning: async (id, workerId, removed) => {
      await call(functions.endPruning, {
        p_pruning_id: id,
        p_worker_id: workerId,
        p_removed: removed,
      });
    },
  } satisfies Partial<Queue>;
}

function delivering(call: Call) {
  return {
    recordDelivery: ({ id, attempt }, result) =>
      call(functions.recordDelivery, { p_delivery_id: id, p_attempt: attempt, p_result: result }),
    readDeliveryResult: (deliveryId) =>
      call(functions.readDeliveryResult, { p_delivery_id: deliveryId }),
    acquireLease: (name, holder, seconds) =>
      call(functions.acquireLease, { p_name: name, p_holder: holder, p_seconds: seconds }),
    releaseLease: async (name, holder) => {
      await call(functions.releaseLease, { p_name: name, p_holder: holder });
    },
  } satisfies Partial<Queue>;
}

function reading(call: Call) {
  return {
    readTask: (taskId) => call(functions.readTask, { p_task_id: taskId }),
    listTasks: ({ status, limit, before }) =>
      call(functions.listTasks, {
        p_status: status ?? null,
        p_limit: limit,
        p_before: before ?? null,
      }),
    findTasks: (prefix) => call(functions.findTasks, { p_prefix: prefix }),
    readProgress: (taskId, after) =>
      call(functions.readProgress, { p_task_id: taskId, p_after: after }),
    readDeliverable: async (deliverableId) => {
      const base64 = await call(functions.readDeliverable, { p_deliverable_id: deliverableId });
      if (base64 === null) {
        throw appError('database_failed', {
          detail: `deliverable ${deliverableId} has no content`,
        });
      }

      return Buffer.from(base64, 'base64');
    },
    readState: () => call(functions.readState, {}),
  } satisfies Partial<Queue>;
}

function registration(worker: WorkerRegistration) {
  return {
    p_worker_id: worker.workerId,
    p_name: worker.name,
    p_version: worker.version,
    p_lease_seconds: worker.leaseSeconds,
    p_sinks: worker.sinks,
    p_retry: worker.retry,
    p_replaces: worker.replaces ?? null,
    p_schema: worker.schema ?? null,
  };
}

function claimOf(workerId: string, claimId: string, limit: number) {
  return { p_worker_id: workerId, p_claim_id: claimId, p_limit: limit };
}

function turnArguments(turn: Turn) {
  return {
    p_worker_id: turn.workerId,
    p_claim_id: turn.claimId,
    p_runs_wanted: turn.runsWanted,
    p_deliveries_wanted: turn.deliveriesWanted,
    p_runs: turn.runs.map(runRow),
    p_deliveries: turn.deliveries.map(deliveryRow),
  };
}

// A claim carries each task once, however many of its runs it hands out.
function runsOf(claimed: Claimed): ClaimedRun[] {
  const tasks = new Map(claimed.tasks.map((task) => [task.id, task]));

  return claimed.runs.flatMap((run) => {
    const task = tasks.get(run.taskId);
    if (task === undefined) return [];

    return [{ ...run, profile: task.profile, brief: task.brief, submittedAt: task.submittedAt }];
  });
}

function runRow({ id, attempt, outcome }: SettledRun): Record<string, unknown> {
  return outcome.type === 'complete'
    ? { id, attempt, ...outcome, deliverables: outcome.deliverables.map(fileRow) }
    : { id, attempt, ...outcome };
}

function deliveryRow({ id, attempt, outcome }: SettledDelivery): Record<string, unknown> {
  return { id, attempt, ...outcome };
}

function fileRow({ content, ...file }: DeliverableFile): Record<string, unknown> {
  return typeof content === 'string'
    ? { ...file, content }
    : { ...file, base64: Buffer.from(content).toString('base64') };
}
