// Receives the updates of a bot by long polling: each at least once, in order, and confirmed at the end.
import type { Update } from 'grammy/types';

import { type AppError, isAppError } from '../../core/errors.ts';
import type { Clock, Log } from '../../core/ports.ts';
import { retryAfterOf, type TelegramApi } from './api.ts';

export type Polling = {
  api: TelegramApi;
  clock: Clock;
  log: Log;
  /** Ends the polling; the update at work is finished first. */
  signal: AbortSignal;
  /** Aborts when the program stops; where polling ends for another reason, somebody else may poll by now. */
  stopping: AbortSignal;
  /** Deals with one update. What it throws is thrown on, the update unconfirmed. */
  treat(update: Update): Promise<void>;
};

export const pollSeconds = 25;
const backoff = { baseMs: 1_000, capMs: 60_000 };
/** Two programs on one bot end each other's polls with every try. */
const conflictBackoff = { baseMs: 5_000, capMs: 300_000 };
const confirmMs = 2_000;

/** How far it has come: `offset` is the first update not dealt with; conflicts are never forgotten. */
type Progress = { offset?: number; misses: number; conflicts: number };

/** Polls until the signal aborts; returns before that only where Telegram does not know the token. */
export async function pollUpdates(polling: Polling): Promise<void> {
  const { api, signal, stopping } = polling;
  const progress: Progress = { misses: 0, conflicts: 0 };

  try {
    while (!signal.aborted) {
      const polled = await fetchUpdates(progress, polling);

      if (Array.isArray(polled)) {
        progress.misses = 0;
        await treatAll(polled, { progress, polling });
      } else if (polled.code === 'telegram_unauthorized') {
        return tellMiss(polled, { progress, polling });
      } else {
        tellMiss(polled, { progress, polling });
        await waitAfter(polled, { progress, polling });
      }
    }
  } finally {
    if (progress.offset !== undefined && stopping.aborted) await confirm(api, progress.offset);
  }
}

/** The updates that wait or come; the fault where there are none to be had. */
async function fetchUpdates(
  { offset }: Progress,
  { api, signal }: Polling,
): Promise<Update[] | AppError> {
  const asked = {
    timeout: pollSeconds,
    allowed_updates: ['message', 'callback_query'] as const,
    ...(offset !== undefined && { offset }),
  };

  try {
    return await api.call((client, own) => client.getUpdates(asked, own), signal);
  } catch (error) {
    if (signal.aborted) return [];
    if (isAppError(error)) return error;
    throw error;
  }
}

type Round = { progress: Progress; polling: Polling };

async function treatAll(updates: Update[], { progress, polling }: Round): Promise<void> {
  for (const update of updates) {
    if (polling.signal.aborted) return;

    await polling.treat(update);
    progress.offset = update.update_id + 1;
  }
}

// Said once, not at every try; whoever stands in our way must be named.
function tellMiss(fault: AppError, { progress, polling: { log } }: Round): void {
  const fields = { code: fault.code, reason: fault.message };
  const isConflict = fault.code === 'telegram_conflict';

  if (isConflict ? progress.conflicts > 0 : progress.misses > 0) return;
  if (fault.retriable && !isConflict) log.warn('the bot hears nothing for now', fields);
  else log.error('the bot hears nothing', fields);
}

async function waitAfter(fault: AppError, { progress, polling }: Round): Promise<void> {
  const { clock, signal } = polling;
  const isConflict = fault.code === 'telegram_conflict';
  const { baseMs, capMs } = isConflict ? conflictBackoff : backoff;
  const before = isConflict ? progress.conflicts++ : progress.misses++;
  const waitMs = Math.min(capMs, baseMs * 2 ** Math.min(before, 20));

  await clock.delay(Math.max(waitMs, retryAfterOf(fault) ?? 0), signal).catch(() => undefined);
}

// Without it Telegram would hand out the last updates once more to whoever polls next.
async function confirm(api: TelegramApi, offset: number): Promise<void> {
  const signal = AbortSignal.timeout(confirmMs);

  await api
    .call((client, own) => client.getUpdates({ offset, limit: 1, timeout: 0 }, own), signal)
    .catch(() => undefined);
}
