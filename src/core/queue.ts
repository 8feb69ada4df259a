// The queue's port: the verbs of the SQL functions, typed. Everything that changes state goes through here.
import { z } from 'zod';

import type { ClaimedDelivery, DeliveryOutcome } from './delivery.ts';
import type { PruneCounts, PruneCursor, PrunedPage, PrunePolicy } from './retention.ts';
import {
  type Answer,
  type ClaimedRun,
  type CostRequest,
  type CostReservation,
  RunError,
  type RunOutcome,
  type StepRecord,
  Usage,
} from './run.ts';
import { DeliveryStatus, RunStatus, TaskProfile, TaskStatus } from './task.ts';

/** What a door hands in. Only `title` and `description` are required; `brief` holds the rest. */
export const TaskSubmission = z.object({
  /** Chosen by whoever hands it in: the same id by the same user answers with the task that has it. */
  id: z.uuid().exactOptional(),
  title: z.string(),
  description: z.string(),
  brief: z.record(z.string(), z.unknown()).exactOptional(),
  /** Default: every enabled agent. */
  agents: z.array(z.string()).exactOptional(),
  profile: TaskProfile.exactOptional(),
  /** 1, 5, 10 or 20. */
  priority: z.number().int().exactOptional(),
  readyBy: z.string().exactOptional(),
  scheduledFor: z.string().exactOptional(),
  dependsOn: z.array(z.string()).exactOptional(),
  triggeredBy: z.enum(['user', 'scheduler', 'api', 'mcp', 'telegram']).exactOptional(),
  /** The same key by the same user answers with the task of the first submission. */
  idempotencyKey: z.string().exactOptional(),
  webhookUrl: z.string().exactOptional(),
  /** Further tries of a run after its first, 0 to 20. */
  maxRetries: z.number().int().exactOptional(),
  /** Seconds one attempt at a run may take; default: the agent's own limit. */
  timeoutSeconds: z.number().int().exactOptional(),
  metadata: z.record(z.string(), z.unknown()).exactOptional(),
});
export type TaskSubmission = z.infer<typeof TaskSubmission>;

export const SubmittedTask = z.object({
  id: z.uuid(),
  status: TaskStatus,
  folderName: z.string(),
  /** True when an earlier submission with the same id or idempotency key answered. */
  repeated: z.boolean(),
});
export type SubmittedTask = z.infer<typeof SubmittedTask>;

export const RunView = z.object({
  id: z.number().int(),
  agent: z.string(),
  wave: z.number().int(),
  status: RunStatus,
  attempt: z.number().int(),
  /** Tries that count against the cap: attempts less those handed back. */
  tries: z.number().int(),
  maxAttempts: z.number().int(),
  dueAt: z.string().nullable(),
  startedAt: z.string().nullable(),
  completedAt: z.string().nullable(),
  error: RunError.nullable(),
  usage: Usage.nullable(),
  summary: z.string().nullable(),
  workerId: z.uuid().nullable(),
});
export type RunView = z.infer<typeof RunView>;

export const DeliveryView = z.object({
  id: z.number().int(),
  sink: z.string(),
  stage: z.number().int(),
  target: z.string().nullable(),
  status: DeliveryStatus,
  attempt: z.number().int(),
  dueAt: z.string().nullable(),
  completedAt: z.string().nullable(),
  result: z.record(z.string(), z.unknown()).nullable(),
  error: RunError.nullable(),
});
export type DeliveryView = z.infer<typeof DeliveryView>;

export const TaskSummary = z.object({
  id: z.uuid(),
  title: z.string(),
  status: TaskStatus,
  profile: TaskProfile,
  priority: z.number().int(),
  agents: z.array(z.string()),
  runsEnded: z.number().int(),
  failedAgents: z.array(z.string()),
  folderUrl: z.string().nullable(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  completedAt: z.string().nullable(),
});
export type TaskSummary = z.infer<typeof TaskSummary>;

export const DeliverableView = z.object({
  id: z.uuid(),
  runId: z.number().int(),
  agent: z.string(),
  name: z.string(),
  kind: z.string(),
  mediaType: z.string(),
  title: z.string(),
  bytes: z.number().int(),
  sha256: z.string(),
  status: z.string(),
  /** Since when its bytes are no longer in the database; null while they are. */
  contentRemovedAt: z.string().nullable(),
});
export type DeliverableView = z.infer<typeof DeliverableView>;

export const TaskView = TaskSummary.extend({
  description: z.string(),
  brief: z.record(z.string(), z.unknown()),
  folderName: z.string(),
  error: z.string().nullable(),
  result: z.record(z.string(), z.unknown()).nullable(),
  /** Tasks that must end well first, and have not yet. */
  waitsFor: z.array(z.object({ id: z.uuid(), status: TaskStatus })),
  scheduledFor: z.string().nullable(),
  runs: z.array(RunView),
  deliveries: z.array(DeliveryView),
  deliverables: z.array(DeliverableView),
});
export type TaskView = z.infer<typeof TaskView>;

export const ProgressRow = z.object({
  id: z.number().int(),
  taskId: z.uuid(),
  runId: z.number().int().nullable(),
  agent: z.string().nullable(),
  stepLabel: z.string(),
  percent: z.number().nullable(),
  aiMessage: z.string().nullable(),
  isFinal: z.boolean(),
  createdAt: z.string(),
});
export type ProgressRow = z.infer<typeof ProgressRow>;

export const QueueState = z.object({
  now: z.string(),
  runsWaiting: z.number().int(),
  /** Runs that wait for their scheduled start or for the end of a backoff. */
  runsDelayed: z.number().int(),
  nextDueAt: z.string().nullable(),
  runsRunning: z.number().int(),
  oldestWaitingSeconds: z.number().nullable(),
  tasks: z.record(z.string(), z.number().int()),
  workers: z.array(
    z.object({
      id: z.uuid(),
      name: z.string(),
      version: z.string(),
      startedAt: z.string(),
      beatAt: z.string(),
      alive: z.boolean(),
      /** Why it claims nothing for now. */
      paused: z.string().nullish(),
      running: z.number().int(),
    }),
  ),
  lastPoll: z
    .object({
      startedAt: z.string(),
      endedAt: z.string().nullable(),
      trigger: z.string(),
      claimed: z.number().int(),
      settled: z.number().int(),
      error: z.string().nullable(),
    })
    .nullable(),
});
export type QueueState = z.infer<typeof QueueState>;

/** Names one attempt at a run or delivery: the fencing token. */
export type Token = { id: number; attempt: number };

export type SettledRun = Token & { outcome: RunOutcome };
export type SettledDelivery = Token & { outcome: DeliveryOutcome };
export type TokenAnswer = Token & { answer: Answer };

/** What a worker wants of one turn. Repeating a turn with the same `claimId` changes nothing further. */
export type Turn = {
  workerId: string;
  claimId: string;
  runsWanted: number;
  deliveriesWanted: number;
  runs: SettledRun[];
  deliveries: SettledDelivery[];
};

export type TurnResult = {
  runs: ClaimedRun[];
  deliveries: ClaimedDelivery[];
  runAnswers: TokenAnswer[];
  deliveryAnswers: TokenAnswer[];
  /** True when more is due now than was claimed: ask again as soon as there is room. */
  more: boolean;
  /** Milliseconds until the next delayed run or delivery is due; null when none waits. */
  nextDueMs: number | null;
};

export type WorkerRegistration = {
  workerId: string;
  /** A label that people recognise; need not be unique. */
  name: string;
  version: string;
  /** The newest migration that the worker's build knows; without it, it counts as of the first release. */
  schema?: string;
  leaseSeconds: number;
  /** A sink with targets gets a delivery of each task for each of them. */
  sinks: { name: string; stage: number; targets?: readonly string[] }[];
  /** The worker of the last boot on this home, known to be dead: its runs are due again at once. */
  replaces?: string;
  retry: { baseMs: number; capMs: number };
};

export type BeatResult = {
  /** Runs and deliveries whose work must stop now, and why. */
  abort: (Token & { kind: 'run' | 'delivery'; answer: Answer })[];
};

export type SweepResult = {
  runsRecovered: number;
  runsFailed: number;
  deliveriesRecovered: number;
  /** Things that no path should have left behind, now repaired: each is a bug to report. */
  repaired: number;
};

/** `begun`: this worker is to prune, under that id; `elsewhere`: another is at it; `done`: nothing to do this night. */
export const PruningAnswer = z.discriminatedUnion('state', [
  z.object({ state: z.literal('begun'), id: z.number().int() }),
  z.object({ state: z.enum(['elsewhere', 'done']) }),
]);
export type PruningAnswer = z.infer<typeof PruningAnswer>;

/** Which page to prune. A dry run counts, and removes nothing. */
export type PruneRequest = {
  policy: PrunePolicy;
  /** Rows to look at, 1 to 500. */
  limit: number;
  dryRun: boolean;
  /** The `next` of the page before; null at first. */
  after: PruneCursor | null;
};

export type PollRecord = {
  workerId: string;
  trigger: 'start' | 'schedule' | 'once';
  startedAt: string;
  claimed: number;
  settled: number;
  error?: string;
};

/** What the workers of a database hear without asking. Only ever a hint: polling finds the same. */
export type Wake = { type: 'due' } | { type: 'cancelled'; taskId: string };

export type Queue = {
  registerAgents(
    agents: {
      name: string;
      title: string;
      wave: number;
      hash: string;
      enabled: boolean;
      required: boolean;
      timeoutSeconds: number;
    }[],
  ): Promise<void>;
  /** Rejects with `database_newer` where the schema needs a newer build than the worker's. */
  registerWorker(worker: WorkerRegistration): Promise<void>;
  /** Ends the worker: whatever it still holds goes back to the queue without costing a try. */
  retireWorker(workerId: string): Promise<void>;
  /** Lets people see why a worker claims nothing for now; null: it goes on. */
  pauseWorker(workerId: string, reason: string | null): Promise<void>;

  submitTask(task: TaskSubmission): Promise<SubmittedTask>;
  cancelTask(taskId: string): Promise<{ status: TaskStatus }>;
  retryTask(taskId: string): Promise<{ status: TaskStatus; runs: number }>;

  claimRuns(workerId: string, claimId: string, limit: number): Promise<ClaimedRun[]>;
  claimDeliveries(workerId: string, claimId: string, limit: number): Promise<ClaimedDelivery[]>;
  settleRuns(workerId: string, runs: SettledRun[]): Promise<TokenAnswer[]>;
  settleDeliveries(workerId: string, deliveries: SettledDelivery[]): Promise<TokenAnswer[]>;
  /** Claims, then settles, in one transaction: the worker's one round trip. */
  takeTurn(turn: Turn): Promise<TurnResult>;
  recordSteps(steps: StepRecord[]): Promise<TokenAnswer[]>;
  /** Sets money aside for a model call of a task with a cost cap; repeating it changes nothing further. */
  reserveCost(call: CostRequest): Promise<CostReservation>;
  beat(workerId: string, runs: Token[], deliveries: Token[]): Promise<BeatResult>;
  sweep(): Promise<SweepResult>;
  recordPoll(poll: PollRecord): Promise<void>;
  /** Removes one page of what is old enough, in one short transaction. Repeating it is harmless. */
  prune(request: PruneRequest): Promise<PrunedPage>;
  /** Asks for the night's pruning; `elapsedSeconds` is how long ago the night's hour was. */
  beginPruning(workerId: string, elapsedSeconds: number): Promise<PruningAnswer>;
  endPruning(id: number, workerId: string, removed: PruneCounts): Promise<void>;

  /** Keeps what a try at a delivery has achieved so far; `lost` where another attempt is the current one. */
  recordDelivery(delivery: Token, result: Record<string, unknown>): Promise<'ok' | 'lost'>;
  /** What earlier tries at a delivery have achieved; null where that is nothing. */
  readDeliveryResult(deliveryId: number): Promise<Record<string, unknown> | null>;
  /** Takes or renews a lease; false when another holds it. `holder` is a UUID. */
  acquireLease(name: string, holder: string, seconds: number): Promise<boolean>;
  releaseLease(name: string, holder: string): Promise<void>;

  readTask(taskId: string): Promise<TaskView | null>;
  /** Newest first; `before` is the `createdAt` of the last one seen. */
  listTasks(filter: {
    status?: TaskStatus;
    limit: number;
    before?: string;
  }): Promise<TaskSummary[]>;
  /** Ids of tasks that begin with `prefix`, at most ten, newest first. */
  findTasks(prefix: string): Promise<string[]>;
  /** Progress of one task in order, after the row `after`. */
  readProgress(taskId: string, after: number): Promise<ProgressRow[]>;
  readDeliverable(deliverableId: string): Promise<Uint8Array>;
  readState(): Promise<QueueState>;
};
