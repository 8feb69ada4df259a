// Keeps steps on the disk while the database is away, and records them, in order, as soon as it is back.
import pLimit from 'p-limit';

import { isAppError, messageOf } from '../core/errors.ts';
import type { Queue, Token, TokenAnswer } from '../core/queue.ts';
import type { StepRecord } from '../core/run.ts';
import type { SpooledStep, SpoolFolder } from '../core/spool.ts';
import { isRefusal, persist, type Persistence } from './persist.ts';
import { createPump } from './pump.ts';
import { scrub } from './scrub.ts';

export type StepSpoolPorts = Persistence & {
  folder: SpoolFolder<SpooledStep>;
  queue: Pick<Queue, 'recordSteps'>;
  workerId: string;
  /** The task of a run that this worker holds. */
  taskOf(run: Token): string | undefined;
  /** Whether this is the database that an entry is about. Rejects while it is away. */
  isKnown(entry: SpooledStep): Promise<boolean>;
  /** Hears of runs that the database has taken away from us. */
  taken(answer: TokenAnswer): void;
};

export type StepSpool = {
  /** True while steps wait on the disk: later ones go behind them. */
  isHolding(): boolean;
  /** Puts steps on the disk. False when the disk failed; they are still the caller's then. */
  keep(steps: StepRecord[]): Promise<boolean>;
  /**
   * Records all that waits; calls meanwhile share it. Rejects while the database is away. A disk that cannot be read
   * holds up the steps on it, and nothing else.
   */
  drain(): Promise<void>;
};

type Kept = { name: string; entry: SpooledStep };

// As much as one call writes well within a statement's time limit, also over a slow line.
const maxBatch = 100;
const maxBatchLength = 1_000_000;

export function createStepSpool(ports: StepSpoolPorts): StepSpool {
  const { log, signal } = ports;
  const waiting = createWaiting(ports);
  let isFailing = false;
  let draining: Promise<void> | undefined;

  const pump = createPump({
    hasWork: () => waiting.isAny() && !signal.aborted,
    // It only ever rejects when the daemon gives up on the database.
    work: () => persist('record spooled steps', drainAll, ports).catch(() => undefined),
  });

  function drainAll(): Promise<void> {
    draining ??= recordAll(ports, waiting).finally(() => (draining = undefined));
    return draining;
  }

  return {
    isHolding: waiting.isAny,
    async drain() {
      if (!waiting.isAny()) return;
      await drainAll().catch((error: unknown) => {
        if (isAppError(error)) throw error;
      });
    },
    async keep(steps) {
      try {
        for (const step of steps) await waiting.add(step);
        isFailing = false;
        return true;
      } catch (error) {
        if (!isFailing) log.error('the spool cannot be written: steps wait in memory', told(error));
        isFailing = true;
        return false;
      } finally {
        pump.knock();
      }
    },
  };
}

type Waiting = {
  isAny(): boolean;
  add(step: StepRecord): Promise<void>;
  /** The first of them, as many as go into one call. */
  first(): Promise<Kept[]>;
};

/** The steps on the disk. Nothing comes between a look at them and what is made of it. */
function createWaiting({ folder, workerId, taskOf, log }: StepSpoolPorts): Waiting {
  const alone = pLimit(1);
  // Until somebody has looked: a daemon before us may have left some.
  let isAny = true;

  return {
    isAny: () => isAny,
    first: () =>
      alone(async () => {
        const names = await folder.names();
        isAny = names.length > 0;
        return isAny ? await readSome(folder, names) : [];
      }),

    async add(step) {
      const taskId = taskOf({ id: step.runId, attempt: step.attempt });
      // A run that is not held any more has been settled: its steps are of no use.
      if (taskId === undefined) return;

      await alone(async () => {
        await folder.add({ workerId, taskId, step });
        if (!isAny) log.warn('steps wait on the disk for the database', { runId: step.runId });
        isAny = true;
      });
    },
  };
}

async function recordAll(ports: StepSpoolPorts, waiting: Waiting): Promise<void> {
  let recorded = 0;
  while (waiting.isAny()) {
    const kept = await waiting.first();
    await record(ports, kept);
    recorded += kept.length;
  }

  if (recorded > 0) ports.log.info('spooled steps are recorded', { steps: recorded });
}

async function readSome(folder: SpoolFolder<SpooledStep>, names: string[]): Promise<Kept[]> {
  const kept: Kept[] = [];
  let length = 0;

  for (const name of names) {
    const entry = await folder.read(name);
    if (entry !== undefined) kept.push({ name, entry });
    length += entry === undefined ? 0 : JSON.stringify(entry).length;
    if (kept.length === maxBatch || length > maxBatchLength) break;
  }
  return kept;
}

async function record(ports: StepSpoolPorts, kept: Kept[]): Promise<void> {
  const { folder, queue, log, taken } = ports;
  if (kept.length === 0) return;
  const ours = await known(ports, kept);

  try {
    const steps = ours.map(({ entry }) => entry.step);
    const answers = steps.length === 0 ? [] : await queue.recordSteps(steps);
    for (const { name } of ours) await folder.remove(name);
    for (const answer of answers) {
      if (answer.answer !== 'lost' && answer.answer !== 'cancelled') continue;
      log.info('a spooled step came too late', answer);
      taken(answer);
    }
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // One bad step must not hold up all others: refused together, they are recorded one by one.
    const [only] = ours;
    if (ours.length > 1) for (const one of ours) await record(ports, [one]);
    else if (only !== undefined) {
      log.error('the database refused a spooled step', { spooled: only.name, ...told(error) });
      await folder.refuse(only.name, scrub(messageOf(error)));
    }
  }
}

/** What another worker left may be about the runs of another database, which have the same numbers. */
async function known(
  { workerId, isKnown, folder, log }: StepSpoolPorts,
  kept: Kept[],
): Promise<Kept[]> {
  const ours: Kept[] = [];
  for (const one of kept) {
    if (one.entry.workerId === workerId || (await isKnown(one.entry))) ours.push(one);
    else {
      log.warn('a spooled step is of a task that is not in this database', { spooled: one.name });
      await folder.refuse(one.name, 'This database does not know the task: it is another one.');
    }
  }

  return ours;
}

const told = (error: unknown) => ({ error: scrub(messageOf(error)) });
