// Watches one model call for silence: before the response begins, and between the events of its stream.
import { type AppError, appError } from '../../core/errors.ts';

export type Watch = Disposable & {
  /** Aborts with the caller's signal, and when nothing was heard for too long. */
  signal: AbortSignal;
  /** To be called for the response's headers and for every event of its stream. */
  heard(what: 'response' | 'event'): void;
  hasBegun(): boolean;
  /** How many events of the stream came. */
  events(): number;
  /** The error to throw when silence ended the call. */
  silence(): AppError | undefined;
};

type Limits = { connectTimeoutMs: number; idleTimeoutMs: number };

/** Starts watching; disposing stops the timer. Dripping comments do not count: only events of the stream do. */
export function startWatch(caller: AbortSignal, limits: Limits): Watch {
  const quiet = new AbortController();
  const { connectTimeoutMs, idleTimeoutMs } = limits;
  let silence: AppError | undefined;
  let begun = false;
  let events = 0;
  let timer = setTimeout(giveUp, connectTimeoutMs);

  function giveUp(): void {
    // Time went by, so trying once more at once would only double it: the caller falls back or comes later.
    const detail = begun
      ? `no event of the stream within ${idleTimeoutMs} ms`
      : `no response within ${connectTimeoutMs} ms`;
    silence = appError('model_unavailable', { detail });
    begun = true;
    quiet.abort(silence);
  }

  return {
    signal: AbortSignal.any([caller, quiet.signal]),
    heard(what) {
      begun = true;
      if (what === 'event') events += 1;
      clearTimeout(timer);
      timer = setTimeout(giveUp, idleTimeoutMs);
    },
    hasBegun: () => begun,
    events: () => events,
    silence: () => silence,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
