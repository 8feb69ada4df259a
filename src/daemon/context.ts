// What the daemon needs from the rest of the product: ports and settings, as one plain object.
import type { DeliverableSummary } from '../core/delivery.ts';
import type { AgentLibrary, Clock, Log, Sink } from '../core/ports.ts';
import type { Queue, Wake } from '../core/queue.ts';
import type { Spool } from '../core/spool.ts';
import type {
  AgentRun,
  Answer,
  CostRequest,
  CostReservation,
  RunOutcome,
  StepRecord,
} from '../core/run.ts';
import type { Volumes } from './disk-watch.ts';
import type { PruningSettings } from './pruning.ts';
import type { Troubles } from './troubles.ts';

/** What a run may use while it works. */
export type RunIo = {
  /** Aborts when the run was cancelled, lost, ran out of time, or the daemon stops. */
  signal: AbortSignal;
  log: Log;
  /**
   * Records one step and answers once it cannot get lost: while the database is away, on the disk.
   * `lost` and `cancelled` mean that the signal has aborted too. Rejects with the abort reason after an abort.
   */
  record(step: StepRecord): Promise<Answer>;
  /** Sets money aside for a model call under the cost cap of the task; waits while the database is away. */
  reserve(call: CostRequest): Promise<CostReservation>;
};

/** Does one run's work. May throw: the lane makes an outcome of it. */
export type RunAgent = (run: AgentRun, io: RunIo) => Promise<RunOutcome>;

export type WakeListener = {
  wake(wake: Wake): void;
  /** Called after every (re)connection: what was said before was not heard. */
  connected(): void;
};

/**
 * Hears of due work without asking, until disposed. Only ever a hint: polling finds the same. Never throws for an
 * absent database: it keeps trying.
 */
export type Listen = (listener: WakeListener) => AsyncDisposable;

export type DaemonSettings = {
  concurrencyRuns: number;
  concurrencyDeliveries: number;
  /** Minutes between poll cycles; fractions work, down to a second. */
  pollMinutes: number;
  /** False leaves polling alone to find work. */
  wake: boolean;
  leaseSeconds: number;
  sweepSeconds: number;
  retry: { baseMs: number; capMs: number };
  /** How long a stop waits for running work before it hands the work back. */
  stopGraceMs: number;
  /** The longest one try at a delivery may take, whatever the delivery itself allows. */
  deliveryTimeoutSeconds: number;
  /** What the nights' pruning lets go of, and when; absent where this daemon never does. */
  pruning?: PruningSettings;
};

export type WorkerIdentity = {
  /** A UUID made anew at each boot. */
  id: string;
  name: string;
  version: string;
  /** The newest migration that this build knows. */
  schema?: string;
  /** The worker of the last boot on this home, known to be dead. */
  replaces?: string;
};

export type DaemonContext = {
  queue: Queue;
  agents: AgentLibrary;
  runAgent: RunAgent;
  sinks: Sink[];
  readDeliverable(deliverable: DeliverableSummary): Promise<Uint8Array>;
  listen: Listen;
  /** What waits on this machine's disk while the database is away. */
  spool: Spool;
  /** The disks to keep room on; absent: only writes that find none count. */
  volumes?: Volumes;
  /** Hears what keeps this daemon from working. */
  troubles?: Pick<Troubles, 'set'>;
  clock: Clock;
  log: Log;
  settings: DaemonSettings;
  worker: WorkerIdentity;
};
