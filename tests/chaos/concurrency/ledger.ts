// What workers were handed and what was taken from them, as they saw it: to be held against the tables.
import type { DeliveryOutcome } from '../../../src/core/delivery.ts';
import { isAppError } from '../../../src/core/errors.ts';
import type { Token } from '../../../src/core/queue.ts';
import type { Answer, RunOutcome } from '../../../src/core/run.ts';

export type Kind = 'run' | 'delivery';

/** What was sent, and how it was taken. */
export type Told = Token & { kind: Kind; outcome: RunOutcome | DeliveryOutcome; answer: Answer };

export type Ledger = {
  handed(kind: Kind, token: Token, claimId: string): void;
  answered(told: Told): void;
  /** Notes an error that no caller should ever see. Refusals that were asked for are none. */
  failed(error: unknown): void;
  faults: string[];
  /** The attempt whose finished work was taken, by run. */
  completed: Map<number, number>;
};

// Refusals that chance asks for: others have changed the task or the worker meanwhile.
const expected = ['worker_unknown', 'task_over', 'task_not_retriable', 'dependency_invalid'];

export function createLedger(): Ledger {
  const claims = new Map<string, string>();
  const settled = new Set<string>();
  const completed = new Map<number, number>();
  const faults: string[] = [];

  return {
    faults,
    completed,
    handed(kind, token, claimId) {
      const name = nameOf(kind, token);
      const known = claims.get(name) ?? claimId;
      if (known !== claimId)
        faults.push(`${name} was handed to the claims ${known} and ${claimId}`);
      claims.set(name, claimId);
    },
    answered({ kind, outcome, answer, ...token }) {
      if (answer !== 'ok') return;

      const name = nameOf(kind, token);
      if (settled.has(name)) faults.push(`${name} was taken twice`);
      settled.add(name);
      if (outcome.type !== 'complete') return;
      if (completed.has(token.id)) faults.push(`${name} was complete before`);
      completed.set(token.id, token.attempt);
    },
    failed(error) {
      if (isAppError(error) && expected.includes(error.code)) return;

      const facts = isAppError(error) ? JSON.stringify([error.facts, error.cause]) : '';
      faults.push(`${String(error)} ${facts}`);
    },
  };
}

function nameOf(kind: Kind, { id, attempt }: Token): string {
  return `attempt ${attempt} of ${kind} ${id}`;
}
