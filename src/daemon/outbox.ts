// Outcomes that wait for the next turn; none leaves before the database has answered for it.
import type { SettledDelivery, SettledRun } from '../core/queue.ts';

export type Batch = { runs: SettledRun[]; deliveries: SettledDelivery[] };

export type Outbox = {
  addRun(settled: SettledRun): void;
  addDelivery(settled: SettledDelivery): void;
  /** Takes the oldest outcomes out; the caller settles them or puts them back. */
  take(): Batch;
  /** Everything that waits; it stays where it is. */
  all(): Batch;
  /** Puts a batch back in front. `apart` sends its outcomes one by one from then on. */
  putBack(batch: Batch, apart: boolean): void;
  size(): number;
};

// Calls over PostgREST have eight seconds: batches stay small enough for that.
const maxBatch = 200;

export function createOutbox(): Outbox {
  const runs: SettledRun[] = [];
  const deliveries: SettledDelivery[] = [];
  let alone = 0;

  return {
    addRun: (settled) => void runs.push(settled),
    addDelivery: (settled) => void deliveries.push(settled),
    all: () => ({ runs: runs.slice(), deliveries: deliveries.slice() }),
    size: () => runs.length + deliveries.length,

    take() {
      const limit = alone > 0 ? 1 : maxBatch;
      alone = Math.max(0, alone - 1);
      const taken = runs.splice(0, limit);

      return { runs: taken, deliveries: deliveries.splice(0, limit - taken.length) };
    },

    putBack(batch, apart) {
      runs.unshift(...batch.runs);
      deliveries.unshift(...batch.deliveries);
      if (apart) alone = Math.max(alone, batch.runs.length + batch.deliveries.length);
    },
  };
}
