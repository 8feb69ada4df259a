// The Telegram bot: takes commands and pressed buttons of allowed people, one program per bot at a time.
import { createHash } from 'node:crypto';

import { isAppError, messageOf } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import { openTelegramApi, type TelegramAccess, type TelegramApi } from './telegram/api.ts';
import type { BotOperations } from './telegram/commands.ts';
import { redact } from './telegram/faults.ts';
import { type Lease, underLease } from './telegram/lease.ts';
import { pollSeconds, pollUpdates } from './telegram/polling.ts';
import { createTreatment } from './telegram/updates.ts';

export type TelegramBotOptions = TelegramAccess & {
  /** Numeric ids of the people who may command; others get no answer. */
  allowedIds: readonly number[];
  operations: BotOperations;
  /** On `telegramLeaseName(token)`: Telegram serves one poller per bot. */
  lease: Lease;
  log: Log;
};

const retryMs = 30_000;

/** What the lease of a bot is called: the token's hash, since the name is stored. */
export function telegramLeaseName(token: string): string {
  return `telegram:${createHash('sha256').update(token).digest('hex')}`;
}

/** Begins at once and goes on by itself, whatever fails. Disposing ends it: what was heard is confirmed to Telegram. */
export function createTelegramBot(options: TelegramBotOptions): AsyncDisposable {
  const stop = new AbortController();
  const ended = serve(options, stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) options.log.error('the bot has ended', told(error, options));
  });

  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the bot is stopping'));
      await ended;
    },
  };
}

async function serve(options: TelegramBotOptions, signal: AbortSignal): Promise<void> {
  const { lease, clock, log, timeoutSeconds = pollSeconds + 10 } = options;
  const api = await openTelegramApi({ ...options, timeoutSeconds });

  const work = (held: AbortSignal) => listen(api, { options, signal: held, stopping: signal });

  await underLease(work, { lease, clock, log, signal });
}

type Listener = { options: TelegramBotOptions; signal: AbortSignal; stopping: AbortSignal };

async function listen(api: TelegramApi, { options, signal, stopping }: Listener): Promise<void> {
  const { clock, log, token, operations } = options;
  const username = await introduce(api, { options, signal });
  if (username === undefined) return;

  log.info('the bot listens', { username });
  const allowedIds = new Set(options.allowedIds);
  const ports = { api, clock, log, signal };
  const treat = createTreatment({ ...ports, username, token, allowedIds, operations });
  await pollUpdates({ ...ports, stopping, treat });
}

/** The bot's name, asked for until Telegram answers; undefined where it does not know the token. */
async function introduce(
  api: TelegramApi,
  { options, signal }: { options: TelegramBotOptions; signal: AbortSignal },
): Promise<string | undefined> {
  for (let tries = 0; ; tries += 1) {
    try {
      return (await api.call((client, own) => client.getMe(own), signal)).username;
    } catch (error) {
      signal.throwIfAborted();
      if (tries === 0)
        options.log.warn('Telegram cannot be reached for the bot', told(error, options));
      if (isAppError(error) && !error.retriable) return undefined;
      await options.clock.delay(retryMs, signal);
    }
  }
}

function told(error: unknown, { token }: TelegramBotOptions) {
  return { reason: redact(messageOf(error), token) };
}
