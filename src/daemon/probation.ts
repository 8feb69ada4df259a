// Keeps a run that may be what killed its workers apart from the others, until it has got further than before.
import type { Token } from '../core/queue.ts';
import type { ClaimedRun } from '../core/run.ts';

export type Probation = {
  /** Parts what was claimed: a suspect begins alone, and all else goes back to the queue. */
  part(runs: ClaimedRun[]): { begun: ClaimedRun[]; back: ClaimedRun[] };
  /** True while a suspect is at work and has recorded nothing yet: no other run is claimed meanwhile. */
  isOn(): boolean;
  /** The run has recorded a step, or has ended. True when that ends its probation. */
  pass(token: Token): boolean;
};

// The first death says nothing: machines are switched off. At the second, whoever was with it has paid enough.
const suspectAfter = 2;

export function createProbation(): Probation {
  let suspect: Token | undefined;

  return {
    part(runs) {
      const found = runs.find(({ losses = 0 }) => losses >= suspectAfter);
      if (found === undefined) return { begun: runs, back: [] };

      suspect = { id: found.id, attempt: found.attempt };
      return { begun: [found], back: runs.filter((run) => run !== found) };
    },
    isOn: () => suspect !== undefined,
    pass({ id, attempt }) {
      if (suspect?.id !== id || suspect.attempt !== attempt) return false;

      suspect = undefined;
      return true;
    },
  };
}
