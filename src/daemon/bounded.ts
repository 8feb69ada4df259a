// Gives work a time limit, and gives up on work that does not end when it is told to.
import type { AppError } from '../core/errors.ts';
import type { Clock } from '../core/ports.ts';

export type Bounds = {
  clock: Clock;
  /** Aborted with `late()` once `limitMs` have passed; others may abort it too. */
  controller: AbortController;
  limitMs: number;
  late(): AppError;
};

/** How long work may go on after its abort before its slot is given to other work. */
const unwindMs = 3_000;

/** Does the work within its bounds. Rejects with the abort reason when the work does not end after an abort. */
export async function bounded<Result>(
  { clock, controller, limitMs, late }: Bounds,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const over = new AbortController();
  const { signal } = controller;
  const { promise: abandoned, reject: abandon } = Promise.withResolvers<never>();

  const unwind = (): void => {
    clock.delay(unwindMs, over.signal).then(
      () => abandon(signal.reason),
      () => undefined,
    );
  };

  signal.addEventListener('abort', unwind, { once: true });
  clock.delay(limitMs, over.signal).then(
    () => controller.abort(late()),
    () => undefined,
  );

  try {
    return await Promise.race([work(signal), abandoned]);
  } finally {
    over.abort();
    signal.removeEventListener('abort', unwind);
  }
}
