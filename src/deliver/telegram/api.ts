// The Bot API as the sink and the bot use it: patient with short limits, and silent about the token.
import type { Api, InputFile } from 'grammy';

import { isAppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports.ts';
import { faultOf } from './faults.ts';

export type TelegramAccess = {
  token: string;
  /** Without the token; default https://api.telegram.org. */
  apiRoot?: string;
  clock: Clock;
  /** The longest one call may take. Default: 20. */
  timeoutSeconds?: number;
};

type GrammySignal = NonNullable<Parameters<Api['getMe']>[0]>;
type Call<Result> = (api: Api, signal: GrammySignal) => Promise<Result>;

export type TelegramApi = {
  /** Calls once, and again after waits that Telegram asks for, if they are short. Throws AppErrors, or the abort reason. */
  call<Result>(call: Call<Result>, signal: AbortSignal): Promise<Result>;
  /**
   * As `call`, for what leaves a trace with people: an abort does not cut it off at once, since the answer is the only
   * proof of what has happened.
   */
  callToTheEnd<Result>(call: Call<Result>, signal: AbortSignal): Promise<Result>;
  /** A file to attach. */
  file(content: string, name: string): InputFile;
};

const defaultRoot = 'https://api.telegram.org';
const defaultTimeoutSeconds = 20;
/** A longer wait gives the place at work to others. */
const longestWaitMs = 5_000;
const mostWaits = 3;
/** Less than the time that a stopping daemon leaves to work that it has aborted. */
const lingerMs = 2_000;

/** Loads the library only now: those who have no token do not pay for it. */
export async function openTelegramApi(access: TelegramAccess): Promise<TelegramApi> {
  const { Api: Client, InputFile: File } = await import('grammy');
  const { token, clock, timeoutSeconds = defaultTimeoutSeconds } = access;
  const apiRoot = (access.apiRoot ?? defaultRoot).replace(/\/+$/, '');
  const api = new Client(token, { apiRoot, timeoutSeconds });

  const callOnce = async <Result>(call: Call<Result>, signal: AbortSignal): Promise<Result> => {
    try {
      return await call(api, asGrammySignal(signal));
    } catch (error) {
      signal.throwIfAborted();
      throw faultOf(error, token);
    }
  };

  return {
    call: (call, signal) => patiently(() => callOnce(call, signal), { clock, signal }),
    callToTheEnd: (call, signal) =>
      patiently(() => lingering((own) => callOnce(call, own), { clock, signal }), {
        clock,
        signal,
      }),
    file: (content, name) => new File(Buffer.from(content), name),
  };
}

type Waiting = { clock: Clock; signal: AbortSignal };

async function patiently<Result>(
  call: () => Promise<Result>,
  { clock, signal }: Waiting,
): Promise<Result> {
  for (let waits = 0; ; waits += 1) {
    signal.throwIfAborted();

    try {
      return await call();
    } catch (error) {
      const waitMs = retryAfterOf(error);
      if (waitMs === undefined || waitMs > longestWaitMs || waits === mostWaits) throw error;
      await clock.delay(waitMs, signal);
    }
  }
}

async function lingering<Result>(
  call: (own: AbortSignal) => Promise<Result>,
  { clock, signal }: Waiting,
): Promise<Result> {
  const own = new AbortController();
  const over = new AbortController();
  const giveUp = (): void => {
    clock.delay(lingerMs, over.signal).then(
      () => own.abort(signal.reason),
      () => undefined,
    );
  };

  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await call(own.signal);
  } finally {
    over.abort();
    signal.removeEventListener('abort', giveUp);
  }
}

/** The delay that Telegram asked for with this error. */
export function retryAfterOf(error: unknown): number | undefined {
  const retryAfterMs = isAppError(error) ? error.facts['retryAfterMs'] : undefined;

  return typeof retryAfterMs === 'number' ? retryAfterMs : undefined;
}

function asGrammySignal(signal: unknown): GrammySignal {
  if (isGrammySignal(signal)) return signal;

  throw new TypeError('not an AbortSignal');
}

// The library's types know only the signals of its polyfill; those of Node do all that it asks of them.
function isGrammySignal(signal: unknown): signal is GrammySignal {
  return signal instanceof AbortSignal;
}
