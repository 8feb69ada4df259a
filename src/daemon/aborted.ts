// Why work was told to stop, and what that makes of its outcome.
import { type AppError, appError, isAppError } from '../core/errors.ts';
import type { Answer } from '../core/run.ts';

/** What a beat's or a step's answer means to the work it is about; undefined when the work may go on. */
export function abortReason(answer: Answer): AppError | undefined {
  switch (answer) {
    case 'lost':
      return appError('lease_lost');
    case 'cancelled':
      return appError('task_cancelled');
    case 'ok':
    case 'already':
      return undefined;
  }
}

export const stopReason = (): AppError => appError('daemon_stopping');

/**
 * `taken`: the database has given the claim away, so no outcome of ours counts. `stopping`: it goes back to the queue.
 * `late`: its time was up. Undefined: the work was not aborted.
 */
export function abortKind(signal: AbortSignal): 'taken' | 'stopping' | 'late' | undefined {
  if (!signal.aborted) return undefined;
  if (!isAppError(signal.reason)) return 'stopping';

  const { code } = signal.reason;
  if (code === 'lease_lost' || code === 'task_cancelled') return 'taken';
  return code === 'daemon_stopping' || code === 'lease_uncertain' ? 'stopping' : 'late';
}
