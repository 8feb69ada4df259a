// What this machine keeps on its disk while the database is away: the entries, and the port of the folders with them.
import { z } from 'zod';

import type { DeliveryOutcome } from './delivery.ts';
import { AnyOutput } from './output.ts';
import { TaskSubmission } from './queue.ts';
import { Message, RunError, type RunOutcome, Usage } from './run.ts';

const isBytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
// JSON has no bytes.
const Bytes = z.codec(z.strictObject({ base64: z.base64() }), isBytes, {
  decode: ({ base64 }) => new Uint8Array(Buffer.from(base64, 'base64')),
  encode: (bytes) => ({ base64: Buffer.from(bytes).toString('base64') }),
});

const File = z.object({
  name: z.string(),
  kind: z.enum(['doc', 'sheet', 'json', 'image', 'html', 'other']),
  mediaType: z.string(),
  title: z.string(),
  content: z.union([z.string(), Bytes]),
  data: z.record(z.string(), z.unknown()).exactOptional(),
});

const Finding = z.object({
  id: z.string(),
  level: z.enum(['error', 'warn']),
  ok: z.boolean(),
  path: z.string(),
  measured: z.union([z.string(), z.number()]),
  limit: z.union([z.string(), z.number()]),
});

const delay = z.number().exactOptional();
const achieved = z.record(z.string(), z.unknown());

const OfRun = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('complete'),
    output: AnyOutput,
    usage: Usage,
    checks: z.array(Finding),
    deliverables: z.array(File),
  }),
  z.object({ type: z.literal('retry'), error: RunError, usage: Usage, retryAfterMs: delay }),
  z.object({ type: z.literal('fail'), error: RunError, usage: Usage }),
  z.object({ type: z.literal('release') }),
]) satisfies z.ZodType<RunOutcome>;

const OfDelivery = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('delivered'),
    folderUrl: z.string().exactOptional(),
    result: achieved,
  }),
  z.object({
    type: z.literal('retry'),
    error: RunError,
    retryAfterMs: delay,
    result: achieved.exactOptional(),
  }),
  z.object({ type: z.literal('fail'), error: RunError, result: achieved.exactOptional() }),
  z.object({ type: z.literal('release') }),
]) satisfies z.ZodType<DeliveryOutcome>;

const Owner = z.object({
  /** The worker that did the work: a boot of the daemon on this home. */
  workerId: z.uuid(),
  /** Ids of runs and deliveries are numbers of one database: the task tells whether it is the same one. */
  taskId: z.uuid(),
});

/** A step that the database could not be told. */
export const SpooledStep = Owner.extend({
  step: z.object({
    runId: z.number().int(),
    attempt: z.number().int(),
    seq: z.number().int(),
    messages: z.array(Message),
    usage: Usage,
    progress: z.object({
      label: z.string(),
      percent: z.number().nullable(),
      aiMessage: z.string().nullable(),
    }),
  }),
});
export type SpooledStep = z.infer<typeof SpooledStep>;

const Attempt = Owner.extend({ id: z.number().int(), attempt: z.number().int() });

/** An outcome that the database could not be told. */
export const SpooledOutcome = z.discriminatedUnion('kind', [
  Attempt.extend({ kind: z.literal('run'), agent: z.string(), outcome: OfRun }),
  Attempt.extend({ kind: z.literal('delivery'), sink: z.string(), outcome: OfDelivery }),
]);
export type SpooledOutcome = z.infer<typeof SpooledOutcome>;

/** A brief that was handed in on this machine; `task.id` is the id that the task will have. */
export const SpooledTask = z.object({
  /** When it was handed in, ISO 8601. */
  at: z.string(),
  task: TaskSubmission.extend({ id: z.uuid() }),
});
export type SpooledTask = z.infer<typeof SpooledTask>;

/** An outcome that nobody waits for any more: another attempt is the current one. For people to look at. */
export const LateOutcome = z.object({
  status: z.literal('lost'),
  /** When the database said so, ISO 8601. */
  at: z.string(),
  reason: z.string(),
  task: z.uuid(),
  kind: z.enum(['run', 'delivery']),
  /** The id of the run or the delivery. */
  id: z.number().int(),
  agent: z.string().exactOptional(),
  sink: z.string().exactOptional(),
  attempt: z.number().int(),
  worker: z.uuid(),
  outcome: z.union([OfRun, OfDelivery]),
});
export type LateOutcome = z.infer<typeof LateOutcome>;

/** What the database refused for good, or what nobody could read. For people to look at. */
export const RefusedEntry = z.object({
  status: z.literal('refused'),
  at: z.string(),
  reason: z.string(),
  /** Where it was, such as `tasks/000001764000000-1f2e3d4c.json`. */
  from: z.string(),
  /** What it held; a text where it was no JSON. */
  entry: z.unknown(),
});
export type RefusedEntry = z.infer<typeof RefusedEntry>;

/**
 * A folder of entries in the order in which they came. Promises reject with what the disk says. Several programs may
 * use one at the same time: an entry is there as a whole or not at all.
 */
export type SpoolFolder<Entry> = {
  /** Puts an entry behind all others; resolves with its name once a power cut cannot take it any more. */
  add(entry: Entry): Promise<string>;
  /** The same under a name of the caller's, replacing what has it. */
  put(name: string, entry: Entry): Promise<void>;
  /** The names of all entries, in order. */
  names(): Promise<string[]>;
  /** Undefined when it is gone by now, or when it makes no sense: then it has been moved to `refused`. */
  read(name: string): Promise<Entry | undefined>;
  /** Nothing happens when it is gone already. */
  remove(name: string): Promise<void>;
  /** Moves an entry to `refused`, together with the reason. */
  refuse(name: string, reason: string): Promise<void>;
  /** Calls `heard` when something may have come, until disposed: a hint. `deaf` hears why there will be none. */
  watch(heard: () => void, deaf: (error: unknown) => void): Disposable;
};

export type Spool = {
  steps: SpoolFolder<SpooledStep>;
  outcomes: SpoolFolder<SpooledOutcome>;
  tasks: SpoolFolder<SpooledTask>;
  late: SpoolFolder<LateOutcome>;
  refused: SpoolFolder<RefusedEntry>;
  /** Drops what writers that died left half-written. */
  sweep(): Promise<void>;
};

/** A brief that was handed in on this machine and is no task of the database. */
export type KeptTask = {
  id: string;
  title: string;
  /** When it was handed in, ISO 8601. */
  at: string;
  /** `spooled`: it waits for the database. `refused`: that did not take it, and `reason` says why. */
  status: 'spooled' | 'refused';
  reason: string | null;
};

/** How much there is in a spool. */
export type SpoolFacts = {
  /** Its folder. */
  path: string;
  steps: number;
  outcomes: number;
  tasks: number;
  /** Finished work that came too late. */
  late: number;
  /** What the database refused, or what nobody could read. */
  refused: number;
  /** The newest briefs among them, at most three. */
  refusedTasks: KeptTask[];
};
