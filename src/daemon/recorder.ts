// Writes steps down, those of one tick in one call: in the database, or on the disk while it is away.
import type { Queue, TokenAnswer } from '../core/queue.ts';
import type { Answer, StepRecord } from '../core/run.ts';
import { isRefusal, type Persistence, persist } from './persist.ts';
import { createPump } from './pump.ts';
import type { StepSpool } from './step-spool.ts';

export type RecorderPorts = Persistence & {
  queue: Pick<Queue, 'recordSteps'>;
  steps: StepSpool;
  /** Hears of runs that the database has taken away from us. */
  taken(answer: TokenAnswer): void;
};

export type Recorder = {
  /** Answers once the step cannot get lost any more. Rejects with the reason when the run is aborted first. */
  record(step: StepRecord, signal: AbortSignal): Promise<Answer>;
};

type Waiting = {
  step: StepRecord;
  signal: AbortSignal;
  resolve(answer: Answer): void;
  reject(reason: unknown): void;
};

// As many steps as one call writes well within a statement's time limit.
const maxBatch = 100;

export function createRecorder(ports: RecorderPorts): Recorder {
  const waiting: Waiting[] = [];
  const pump = createPump({
    hasWork: () => waiting.length > 0,
    work: () => recordBatch(ports, takeLive(waiting)),
  });

  return {
    async record(step, signal) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const abort = (): void => reject(signal.reason);

      signal.addEventListener('abort', abort, { once: true });
      waiting.push({ step, signal, resolve, reject });
      pump.knock();

      try {
        return await promise;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
  };
}

/** Steps of runs that were aborted while they waited are not written any more. */
function takeLive(waiting: Waiting[]): Waiting[] {
  return waiting.splice(0, maxBatch).filter(({ signal }) => !signal.aborted);
}

async function recordBatch(ports: RecorderPorts, batch: Waiting[]): Promise<void> {
  if (batch.length === 0) return;

  try {
    const steps = batch.map(({ step }) => step);
    const answers = await persist('record steps', () => recordOrKeep(ports, steps), ports);

    for (const waiter of batch) answer(ports, waiter, answers);
  } catch (error) {
    // One bad step must not fail the others' runs: refused together, they are written one by one.
    if (batch.length === 1 || ports.signal.aborted) for (const { reject } of batch) reject(error);
    else for (const waiter of batch) await recordBatch(ports, [waiter]);
  }
}

/** Rejects only where neither the database nor the disk takes them. */
async function recordOrKeep(ports: RecorderPorts, steps: StepRecord[]): Promise<TokenAnswer[]> {
  const { queue, steps: spool } = ports;
  // Behind those that wait already: a run's steps stay in their order.
  if (spool.isHolding() && (await spool.keep(steps))) return kept(steps);

  try {
    await spool.drain();
    return await queue.recordSteps(steps);
  } catch (error) {
    if (isRefusal(error) || !(await spool.keep(steps))) throw error;
    return kept(steps);
  }
}

function kept(steps: StepRecord[]): TokenAnswer[] {
  return steps.map(({ runId: id, attempt }) => ({ id, attempt, answer: 'ok' }));
}

function answer(ports: RecorderPorts, { step, resolve }: Waiting, answers: TokenAnswer[]): void {
  const own = answers.find(({ id, attempt }) => id === step.runId && attempt === step.attempt);
  // An answer that is not there tells as little as `already`: the step was sent, and no one objected.
  const token = own ?? { id: step.runId, attempt: step.attempt, answer: 'already' };

  // First the answer: the abort that follows would reject the wait for it.
  resolve(token.answer);
  if (token.answer === 'lost' || token.answer === 'cancelled') ports.taken(token);
}
