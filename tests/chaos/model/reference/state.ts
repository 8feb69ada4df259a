// The queue as a small model in memory: what the promises say that the tables must hold. Times are milliseconds.
import type { TaskProfile } from '../../../../src/core/task.ts';

/** When a try is due: somewhere from `from` to `to`, until the tables have told where. */
export type Due = { from: number; to: number };

/** What runs and deliveries have in common. */
export type Work = {
  status: string;
  attempt: number;
  /** The last attempt whose outcome was taken. */
  settled: number;
  refunds: number;
  maxAttempts: number;
  isDue: boolean;
  due: Due | null;
  worker: string | null;
  claim: string | null;
  deadline: number;
  timeoutMs: number;
};

export type Step = { attempt: number; seq: number };

export type Run = Work & {
  id: number;
  agent: string;
  wave: number;
  isRequired: boolean;
  /** Steps of this attempt and of earlier ones are not resumed from. */
  freshAfter: number;
  steps: Step[];
};

export type Delivery = Work & {
  /** Known once it has been claimed. */
  id: number | undefined;
  /** Counts deliveries in the order in which they were made. */
  place: number;
  sink: string;
  target: string | null;
  stage: number;
};

export type Task = {
  id: string;
  key: string | null;
  profile: TaskProfile;
  priority: number;
  maxRetries: number;
  dependsOn: string[];
  status: string;
  outcome: string | null;
  failedAgents: string[];
  /** Whether the first wave of this round has opened: a task that is retried begins a new one. */
  isOpened: boolean;
  runs: Run[];
  deliveries: Delivery[];
};

export type Worker = {
  id: string;
  sinks: string[];
  leaseMs: number;
  beatAt: number;
  isRetired: boolean;
};

export type Sink = {
  name: string;
  stage: number;
  targets: (string | null)[];
  isEnabled: boolean;
  updatedAt: number;
};

export type Model = {
  now: number;
  tasks: Task[];
  workers: Worker[];
  sinks: Sink[];
  /** What claim ids were used for, and when. They are forgotten after an hour. */
  claims: Map<string, number>;
  made: number;
};

export function createModel(now: number): Model {
  return { now, tasks: [], workers: [], sinks: [], claims: new Map(), made: 0 };
}

/** A run or delivery that nobody has tried yet. */
export function freshWork(status: string, maxAttempts: number, timeoutMs: number): Work {
  return {
    status,
    attempt: 0,
    settled: 0,
    refunds: 0,
    maxAttempts,
    isDue: true,
    due: null,
    worker: null,
    claim: null,
    deadline: 0,
    timeoutMs,
  };
}

export function runsOf(model: Model): Run[] {
  return model.tasks.flatMap((task) => task.runs);
}

export function deliveriesOf(model: Model): Delivery[] {
  return model.tasks.flatMap((task) => task.deliveries);
}

export function taskOf(model: Model, work: Run | Delivery): Task {
  const found = model.tasks.find((task) => [...task.runs, ...task.deliveries].includes(work));
  if (found === undefined) throw new Error('work without a task');

  return found;
}

export function isClaimable(work: Work): boolean {
  return work.status === 'pending' && work.isDue;
}

export function isDelayed(work: Work): boolean {
  return work.status === 'pending' && !work.isDue;
}

export function isOpen(work: Work): boolean {
  return work.status === 'pending' || work.status === 'running';
}

export function triesOf(work: Work): number {
  return work.attempt - work.refunds;
}

/** Back into the line, at once. */
export function handBack(work: Work): void {
  work.status = 'pending';
  work.isDue = true;
  work.due = null;
  work.worker = null;
}

/** The tasks in the order of their ids, each once. */
export function inOrder(tasks: Iterable<Task>): Task[] {
  return [...new Set(tasks)].toSorted((left, right) => (left.id < right.id ? -1 : 1));
}
