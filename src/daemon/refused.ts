// What becomes of one outcome that the database will not take: its run fails in plain words instead of hanging.
import type { Token } from '../core/queue.ts';
import { noUsage, type RunError } from '../core/run.ts';
import type { Kind } from './held.ts';
import type { Batch } from './outbox.ts';

export type Refused = { kind: Kind; token: Token };

const code = 'database_failed';

/** A batch to send instead, or `up`: the outcome that not even a plain failure could replace. */
export function replaceRefused(batch: Batch, reason: string): { instead: Batch; up?: Refused } {
  const nothing: Batch = { runs: [], deliveries: [] };
  const error: RunError = { code, message: `The outcome was refused: ${reason}`, retriable: false };
  const [run] = batch.runs;
  const [delivery] = batch.deliveries;

  if (run !== undefined) {
    const { outcome, ...token } = run;
    if (outcome.type === 'release' || isReplacement(outcome)) {
      return { instead: nothing, up: { kind: 'run', token } };
    }
    const usage = 'usage' in outcome ? outcome.usage : noUsage;
    return {
      instead: { ...nothing, runs: [{ ...token, outcome: { type: 'fail', error, usage } }] },
    };
  }

  if (delivery !== undefined) {
    const { outcome, ...token } = delivery;
    if (outcome.type === 'release' || isReplacement(outcome)) {
      return { instead: nothing, up: { kind: 'delivery', token } };
    }
    return {
      instead: { ...nothing, deliveries: [{ ...token, outcome: { type: 'fail', error } }] },
    };
  }

  return { instead: nothing };
}

function isReplacement(outcome: { type: string; error?: RunError }): boolean {
  return outcome.type === 'fail' && outcome.error?.code === code;
}
