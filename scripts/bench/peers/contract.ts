// What a queue has to be able to do to be measured: one adapter per queue, the workloads are written once.

/** The packages that are measured beside the product, by the names of their adapters. */
export const peerNames = ['nightshift', 'pg-boss', 'graphile-worker', 'dbos', 'absurd'] as const;
export type PeerName = (typeof peerNames)[number];

/** A database of its own for each measurement: `adminUrl` logs in as the owner, `workUrl` as the product's workers do. */
export type Address = { adminUrl: string; workUrl: string };

/** `tasks`: seven runs each, complete when all are. `jobs`: single runs that have nothing to do with each other. */
export type Shape = 'tasks' | 'jobs';

export type Work = {
  /** Runs at work at the same time. */
  concurrency: number;
  /**
   * `swift`: as its docs advise for throughput. `default`: as it comes, with wake-ups where it has them.
   * `watchful`: as swift, with the shortest sensible time until a dead worker's runs are given to another.
   */
  mode: 'swift' | 'default' | 'watchful';
  /** The id of this worker, a UUID; `replaces` is that of the one before it on the same machine, known to be dead. */
  worker: { id: string; replaces?: string };
  /** Does one run's work and resolves to its result. */
  run(): Promise<string>;
};

/** One process's use of a queue. */
export type Session = {
  /** Resolves once all are committed. */
  submit(shape: Shape, count: number): Promise<void>;
  /** Starts a worker; resolves once it serves. */
  work(work: Work): Promise<{ stop(): Promise<void> }>;
  /** Tasks and jobs whose end is not yet recorded. */
  unfinished(): Promise<number>;
  /** Puts ended jobs straight into the tables, as copies of one that has ended. */
  fillFinished(count: number): Promise<void>;
  close(): Promise<void>;
};

export type Adapter = {
  /** Makes an empty database the queue's. */
  install(address: Address): Promise<void>;
  open(address: Address): Promise<Session>;
};

/** The runs of a task. */
export const runsPerTask = 7;
