// Tries a call to Google again where that can help, within the time that the delivery has.
import type { Clock, Log } from '../../core/ports.ts';
import { orAborted } from '../../core/abort.ts';
import type { Verdict } from './faults.ts';

export type Patience = {
  clock: Clock;
  /** Ends everything; calls reject with its reason. */
  signal: AbortSignal;
  /** Throws where the delivery may be another's by now (see SinkContext). */
  check(): void;
  log: Log;
  /** On the monotonic clock: no wait goes beyond. */
  endsAt: number;
  /** The longest one request may take, apart from what its body needs. */
  requestMs: number;
};

export type Call<Result> = {
  name: string;
  judge(thrown: unknown): Verdict;
  /** Called once where the token was refused, before another try. */
  renew(): void;
  /** How much is sent: that lengthens the time limit. */
  bytes?: number;
  /** One try, counted from 0; the signal ends this try only. */
  attempt(tryNumber: number, signal: AbortSignal): Promise<Result>;
};

const maxTries = 6;
const baseMs = 1_000;
const capMs = 32_000;
/** 50 kB/s: on a slower line a request counts as hung. */
const slowestBytesPerMs = 50;

/** Rejects with the reason of the abort, or with an AppError that says what to do. */
export async function withRetries<Result>(patience: Patience, call: Call<Result>): Promise<Result> {
  const { clock, signal, log, endsAt } = patience;
  let hasRenewed = false;

  for (let tryNumber = 0; ; tryNumber += 1) {
    const result = await attemptOnce(patience, call, tryNumber);
    if (result.type === 'done') return result.value;

    const { error, again, renew } = result;
    const isRenewing: boolean = renew && !hasRenewed;
    const waitMs = isRenewing ? 0 : pauseMs(tryNumber, error.facts['retryAfterMs']);
    const mayGoOn = tryNumber + 1 < maxTries && clock.monotonic() + waitMs < endsAt;
    if (!mayGoOn || !(again || isRenewing)) throw error;

    if (isRenewing) call.renew();
    hasRenewed ||= isRenewing;
    log.debug('call to Google tried again', { call: call.name, waitMs, reason: error.message });
    await clock.delay(waitMs, signal);
  }
}

type Attempted<Result> = { type: 'done'; value: Result } | ({ type: 'failed' } & Verdict);

async function attemptOnce<Result>(
  { signal, check, requestMs }: Patience,
  call: Call<Result>,
  tryNumber: number,
): Promise<Attempted<Result>> {
  check();
  const limitMs = requestMs + Math.ceil((call.bytes ?? 0) / slowestBytesPerMs);
  const limited = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);

  try {
    // Raced, since requests for tokens take no signal.
    const value = await orAborted(call.attempt(tryNumber, limited), limited);
    return { type: 'done', value };
  } catch (thrown) {
    signal.throwIfAborted();
    return { type: 'failed', ...call.judge(thrown) };
  }
}

/** Full jitter over an exponentially growing span, or what Google asked for if that is longer. */
function pauseMs(tryNumber: number, retryAfterMs: unknown): number {
  const jitterMs = Math.random() * Math.min(capMs, baseMs * 2 ** tryNumber);

  return Math.max(jitterMs, typeof retryAfterMs === 'number' ? retryAfterMs : 0);
}
