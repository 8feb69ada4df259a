// Counts and tells what came of the work: for the log, and for the summary of one poll cycle.
import type { DeliveryOutcome } from '../core/delivery.ts';
import type { Log } from '../core/ports.ts';
import type { TokenAnswer, TurnResult } from '../core/queue.ts';
import type { RunOutcome } from '../core/run.ts';
import type { Kind } from './held.ts';
import type { Batch } from './outbox.ts';

export type Summary = {
  /** Runs and deliveries. */
  claimed: number;
  /** Outcomes that the database took. */
  settled: number;
  /** Settled outcomes by their type: `complete`, `delivered`, `retry`, `fail`, `release`. */
  byOutcome: Record<string, number>;
  /** What went wrong, in words; at most 100. */
  errors: string[];
};

export type Tally = {
  claimed(result: TurnResult): void;
  settled(batch: Batch, result: TurnResult): void;
  summary(): Summary;
};

const maxErrors = 100;

export function createTally(log: Log): Tally {
  const summary: Summary = { claimed: 0, settled: 0, byOutcome: {}, errors: [] };

  function count(kind: Kind, outcome: RunOutcome | DeliveryOutcome, answer: TokenAnswer): void {
    const facts = { kind, id: answer.id, attempt: answer.attempt, outcome: outcome.type };
    if (answer.answer === 'lost' || answer.answer === 'cancelled') {
      log.info('an outcome came too late', { ...facts, answer: answer.answer });
      return;
    }

    summary.settled += 1;
    summary.byOutcome[outcome.type] = (summary.byOutcome[outcome.type] ?? 0) + 1;
    const error = 'error' in outcome ? outcome.error : undefined;
    if (error === undefined) log.info('settled', facts);
    else {
      log.warn('settled', { ...facts, error: error.code, message: error.message });
      const text = `${kind} ${answer.id}: ${error.code}: ${error.message}`;
      if (summary.errors.length < maxErrors) summary.errors.push(text);
    }
  }

  return {
    claimed({ runs, deliveries }) {
      summary.claimed += runs.length + deliveries.length;
      for (const { id, attempt, taskId, agent } of runs) {
        log.info('run claimed', { id, attempt, taskId, agent });
      }
      for (const { id, attempt, sink, task } of deliveries) {
        log.info('delivery claimed', { id, attempt, taskId: task.id, sink });
      }
    },

    settled(batch, { runAnswers, deliveryAnswers }) {
      for (const settled of batch.runs)
        count('run', settled.outcome, answerFor(settled, runAnswers));
      for (const settled of batch.deliveries) {
        count('delivery', settled.outcome, answerFor(settled, deliveryAnswers));
      }
    },

    summary: () => structuredClone(summary),
  };
}

function answerFor(token: { id: number; attempt: number }, answers: TokenAnswer[]): TokenAnswer {
  const { id, attempt } = token;
  const found = answers.find((answer) => answer.id === id && answer.attempt === attempt);

  // The call was all or nothing and it succeeded: an answer left out cannot mean a loss.
  return found ?? { id, attempt, answer: 'already' };
}
