// The SQL functions that make up the queue: their arguments and the shapes of their answers.
import { z } from 'zod';

import { ClaimedDelivery } from '../core/delivery.ts';
import {
  ProgressRow,
  PruningAnswer,
  QueueState,
  SubmittedTask,
  TaskSummary,
  TaskView,
} from '../core/queue.ts';
import { PrunedPage } from '../core/retention.ts';
import { Answer, ClaimedRun, CostReservation } from '../core/run.ts';
import { TaskProfile, TaskStatus } from '../core/task.ts';

/** A SQL function of schema `public`: the names of its arguments and the schema of what it returns. */
export type SqlFunction<Argument extends string, Result> = {
  name: string;
  args: readonly Argument[];
  answer: z.ZodType<Result>;
};

/** Carries a call to the database. Rejects with errors of the catalogue. */
export type Transport = {
  call(
    target: SqlFunction<string, unknown>,
    args: Readonly<Record<string, unknown>>,
  ): Promise<unknown>;
};

const Answers = z.array(z.object({ id: z.number(), attempt: z.number(), answer: Answer }));

const Claimed = z.object({
  runs: z.array(ClaimedRun.omit({ brief: true, profile: true, submittedAt: true })),
  tasks: z.array(
    z.object({
      id: z.uuid(),
      profile: TaskProfile,
      brief: z.record(z.string(), z.unknown()),
      submittedAt: z.string(),
    }),
  ),
});
export type Claimed = z.infer<typeof Claimed>;

const Turned = Claimed.extend({
  deliveries: z.array(ClaimedDelivery),
  runAnswers: Answers,
  deliveryAnswers: Answers,
  more: z.boolean(),
  nextDueMs: z.number().nullable(),
});

const Beaten = z.object({
  abort: z.array(
    z.object({
      kind: z.enum(['run', 'delivery']),
      id: z.number(),
      attempt: z.number(),
      answer: Answer,
    }),
  ),
});

const Swept = z.object({
  runsRecovered: z.number(),
  runsFailed: z.number(),
  deliveriesRecovered: z.number(),
  repaired: z.number(),
});

const SchemaVersion = z.object({
  /** Null where the files were run by hand: then nobody keeps a history. */
  versions: z.array(z.string()).nullable(),
  /** Whether Realtime tells of changes to `tasks`. */
  realtime: z.boolean(),
  /** The migration that a build must know at least; absent where no migration has said it yet. */
  oldestClient: z.string().optional(),
});

const nothing = z.unknown();
const claim = ['p_worker_id', 'p_claim_id', 'p_limit'] as const;
const settle = ['p_worker_id', 'p_outcomes'] as const;
const registerArguments = [
  'p_worker_id',
  'p_name',
  'p_version',
  'p_lease_seconds',
  'p_sinks',
  'p_retry',
  'p_replaces',
  'p_schema',
] as const;

/** Every function that TypeScript calls. A test holds the table against the catalog. */
export const functions = {
  registerAgents: define('register_agents', ['p_agents'], nothing),
  registerWorker: define('register_worker', registerArguments, nothing),
  holdSession: define('hold_session', ['p_worker_id'], z.boolean()),
  pauseWorker: define('pause_worker', ['p_worker_id', 'p_reason'], nothing),
  retireWorker: define('retire_worker', ['p_worker_id'], nothing),
  submitTask: define('submit_task', ['p_task'], SubmittedTask),
  cancelTask: define('cancel_task', ['p_task_id'], z.object({ status: TaskStatus })),
  retryTask: define(
    'retry_task',
    ['p_task_id'],
    z.object({ status: TaskStatus, runs: z.number().int() }),
  ),
  claimRuns: define('claim_runs', claim, Claimed),
  claimDeliveries: define('claim_deliveries', claim, z.array(ClaimedDelivery)),
  settleRuns: define('settle_runs', settle, Answers),
  settleDeliveries: define('settle_deliveries', settle, Answers),
  takeTurn: define(
    'take_turn',
    ['p_worker_id', 'p_claim_id', 'p_runs_wanted', 'p_deliveries_wanted', 'p_runs', 'p_deliveries'],
    Turned,
  ),
  recordSteps: define('record_steps', ['p_steps'], Answers),
  beat: define('beat', ['p_worker_id', 'p_runs', 'p_deliveries'], Beaten),
  sweep: define('sweep', [], Swept),
  recordPoll: define(
    'record_poll',
    ['p_worker_id', 'p_trigger', 'p_started_at', 'p_claimed', 'p_settled', 'p_error'],
    nothing,
  ),
  prune: define('prune', ['p_policy', 'p_after', 'p_limit', 'p_dry'], PrunedPage),
  beginPruning: define('begin_pruning', ['p_worker_id', 'p_elapsed_seconds'], PruningAnswer),
  endPruning: define('end_pruning', ['p_pruning_id', 'p_worker_id', 'p_removed'], nothing),
  readTask: define('read_task', ['p_task_id'], TaskView.nullable()),
  listTasks: define('list_tasks', ['p_status', 'p_limit', 'p_before'], z.array(TaskSummary)),
  findTasks: define('find_tasks', ['p_prefix'], z.array(z.uuid())),
  readProgress: define('read_progress', ['p_task_id', 'p_after'], z.array(ProgressRow)),
  readDeliverable: define('read_deliverable', ['p_deliverable_id'], z.string().nullable()),
  readState: define('read_state', [], QueueState),
  schemaVersion: define('schema_version', [], SchemaVersion),
  recordDelivery: define(
    'record_delivery',
    ['p_delivery_id', 'p_attempt', 'p_result'],
    z.enum(['ok', 'lost']),
  ),
  readDeliveryResult: define(
    'read_delivery_result',
    ['p_delivery_id'],
    z.record(z.string(), z.unknown()).nullable(),
  ),
  reserveCost: define(
    'reserve_cost',
    ['p_run_id', 'p_attempt', 'p_seq', 'p_want', 'p_least'],
    CostReservation,
  ),
  acquireLease: define('acquire_lease', ['p_name', 'p_holder', 'p_seconds'], z.boolean()),
  releaseLease: define('release_lease', ['p_name', 'p_holder'], nothing),
};

function define<const Argument extends string, Result>(
  name: string,
  args: readonly Argument[],
  answer: z.ZodType<Result>,
): SqlFunction<Argument, Result> {
  return { name, args, answer };
}
