// Outcomes, steps and beats of the model: only the current attempt changes anything; all else is answered.
import type { Answer } from '../../../../src/core/run.ts';
import { advance } from './joins.ts';
import {
  type Delivery,
  inOrder,
  type Model,
  type Run,
  type Task,
  taskOf,
  triesOf,
  type Work,
} from './state.ts';

export type Ending = 'done' | 'retry' | 'fail' | 'release';

/** One outcome as it was sent. `work` is what its id names. */
export type Told<Kind extends Work> = {
  work: Kind;
  attempt: number;
  ending: Ending;
  retryAfterMs: number;
};

export const backoff = { baseMs: 1_000, capMs: 8_000 };

/** Takes a batch: first each outcome, then what follows from them. */
export function settleRuns(model: Model, batch: Told<Run>[]): Answer[] {
  const ended: Task[] = [];
  const answers = batch.map((told) => {
    const task = taskOf(model, told.work);
    const isCancelled = task.status === 'cancelled' || told.work.status === 'cancelled';
    const answer = judge(told, isCancelled);
    if (answer === 'ok') apply(model, told, 'complete');
    if (answer === 'ok' && told.work.status !== 'pending') ended.push(task);
    return answer;
  });

  for (const task of inOrder(ended)) advance(model, task);
  return answers;
}

export function settleDeliveries(model: Model, batch: Told<Delivery>[]): Answer[] {
  const answers = batch.map((told) => {
    const answer = judge(told, false);
    if (answer === 'ok') apply(model, told, 'delivered');
    return answer;
  });

  for (const task of inOrder(batch.map((told) => taskOf(model, told.work)))) {
    if (task.status === 'delivering') advance(model, task);
  }
  return answers;
}

function judge({ work, attempt, ending }: Told<Work>, isCancelled: boolean): Answer {
  if (work.attempt !== attempt) return 'lost';
  if (work.settled === attempt) return 'already';
  if (isCancelled) return 'cancelled';
  // Finished work of a silent worker is taken as long as nobody else has begun it.
  if (work.status === 'running' || (work.status === 'pending' && ending === 'done')) return 'ok';
  return 'lost';
}

function apply(model: Model, told: Told<Work>, doneStatus: string): void {
  const { work, attempt, ending, retryAfterMs } = told;
  const tries = triesOf(work);
  const isAgain = ending === 'release' || (ending === 'retry' && tries < work.maxAttempts);

  work.settled = attempt;
  work.isDue = true;
  work.due = null;
  work.status = ending === 'done' ? doneStatus : isAgain ? 'pending' : 'failed';
  if (isAgain) work.worker = null;
  if (ending === 'release') work.refunds += 1;
  if (ending === 'retry' && isAgain) {
    const longestMs = Math.min(backoff.capMs, backoff.baseMs * 2 ** (tries - 1));
    work.isDue = false;
    work.due = {
      from: model.now + retryAfterMs,
      to: model.now + Math.max(retryAfterMs, longestMs),
    };
  }
}

export function recordStep(model: Model, run: Run, { attempt, seq }: Run['steps'][number]): Answer {
  const { status } = taskOf(model, run);
  if (run.attempt !== attempt) return 'lost';
  if (run.status === 'cancelled' || status === 'cancelled') return 'cancelled';
  if (run.status !== 'running') return 'lost';
  if (run.steps.some((step) => step.attempt === attempt && step.seq === seq)) return 'already';

  run.steps.push({ attempt, seq });
  return 'ok';
}

/** What a beat must say about work that the worker believes to hold; undefined: go on. */
export function abortOf(model: Model, work: Run | Delivery, attempt: number): Answer | undefined {
  if (work.attempt !== attempt) return 'lost';
  if (work.settled === attempt || work.status === 'running') return undefined;

  return work.status === 'cancelled' || taskOf(model, work).status === 'cancelled'
    ? 'cancelled'
    : 'lost';
}
