// Waiting for something to become true, looked at whenever it may have.
import type { Clock } from '../core/ports.ts';

export type Gate = {
  /** Looks whether what others wait for has come true. */
  check(): void;
  /** Resolves once `condition` holds. */
  until(condition: () => boolean): Promise<void>;
};

export function createGate(): Gate {
  let waiting: { condition: () => boolean; resolve: () => void }[] = [];

  function check(): void {
    const [open, shut] = partition(waiting, ({ condition }) => condition());
    waiting = shut;
    for (const { resolve } of open) resolve();
  }

  return {
    check,
    until(condition) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ condition, resolve });
      check();
      return promise;
    },
  };
}

/** Waits for work, but no longer than `ms`, and no longer than until `hurry` aborts. Never rejects. */
export async function atMost(
  work: Promise<unknown>,
  ms: number,
  { clock, hurry }: { clock: Clock; hurry?: AbortSignal },
): Promise<void> {
  const over = new AbortController();
  const signal = hurry === undefined ? over.signal : AbortSignal.any([over.signal, hurry]);
  const either = [work, clock.delay(ms, signal)].map((wait) => wait.catch(() => undefined));

  await Promise.race(either);
  over.abort();
}

function partition<Item>(items: Item[], isOpen: (item: Item) => boolean): [Item[], Item[]] {
  const open = items.filter(isOpen);

  return [open, items.filter((item) => !open.includes(item))];
}
