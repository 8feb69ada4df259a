// Everything that a daemon keeps on its disk while the database is away, around one spool.
import type { Queue } from '../core/queue.ts';
import type { DaemonContext } from './context.ts';
import { createHandIn, type HandIn } from './hand-in.ts';
import { type Held, takenFrom } from './held.ts';
import { createOutcomeSpool, type OutcomeSpool } from './outcome-spool.ts';
import { replay } from './replay.ts';
import { createStepSpool, type StepSpool } from './step-spool.ts';

export type Kept = {
  steps: StepSpool;
  outcomes: OutcomeSpool;
  /** Briefs that were handed in here while there was no database to take them. */
  tasks: HandIn;
  /** Tells the database what daemons before this one left. Comes before anything else; rejects while it is away. */
  replay(): Promise<void>;
};

export function createKept(
  context: DaemonContext,
  { held, signal }: { held: Held; signal: AbortSignal },
): Kept {
  const { queue, spool, clock, log, worker } = context;
  const base = { queue, clock, log, signal, workerId: worker.id, isKnown: knownTasks(queue) };
  const steps = createStepSpool({
    ...base,
    folder: spool.steps,
    taskOf: (run) => held.find('run', run)?.taskId,
    taken: (answer) => takenFrom(held, answer),
  });

  return {
    steps,
    outcomes: createOutcomeSpool({ ...base, spool, held }),
    tasks: createHandIn({ ...base, folder: spool.tasks }),
    replay: () => replay({ ...base, spool, steps }),
  };
}

/** Runs are numbered by each database for itself, and a home can be given another database. */
function knownTasks(queue: Pick<Queue, 'findTasks'>) {
  const known = new Set<string>();

  return async ({ taskId }: { taskId: string }): Promise<boolean> => {
    if (!known.has(taskId) && (await queue.findTasks(taskId)).length > 0) known.add(taskId);
    return known.has(taskId);
  };
}
