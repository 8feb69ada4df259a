// Deals with one update: who may speak, what is done for them, and that they hear what came of it.
import type { CallbackQuery, Message, Update } from 'grammy/types';

import { type AppError, appError, isAppError, messageOf } from '../../core/errors.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { TelegramApi } from './api.ts';
import { parsePressed } from './buttons.ts';
import {
  type Answer,
  type BotOperations,
  change,
  help,
  parseCommand,
  runCommand,
} from './commands.ts';
import { redact } from './faults.ts';

export type Listening = {
  api: TelegramApi;
  /** The bot's own name: in groups, commands to other bots are not ours. */
  username: string;
  token: string;
  allowedIds: ReadonlySet<number>;
  operations: BotOperations;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
};

const mostTries = 4;
const betweenTriesMs = 1_000;
/** Below the limit of a message, and what a pop-up shows. */
const longestAnswer = 3_500;
const longestToast = 200;
const mostStrangers = 1_000;

/** Returns what treats an update. It throws the abort reason only: what fails otherwise is told or logged. */
export function createTreatment(listening: Listening): (update: Update) => Promise<void> {
  const { allowedIds, log, token } = listening;
  const strangers = new Set<number>();

  return async (update) => {
    const from = update.message?.from ?? update.callback_query?.from;
    if (from === undefined) return;

    if (!allowedIds.has(from.id)) {
      if (!strangers.has(from.id) && strangers.size < mostStrangers) {
        strangers.add(from.id);
        log.warn('somebody who is not allowed writes to the bot', { userId: from.id });
      }
      return;
    }

    try {
      if (update.message !== undefined) await hear(update.message, { listening, update });
      if (update.callback_query !== undefined) await react(update.callback_query, listening);
    } catch (error) {
      listening.signal.throwIfAborted();
      log.warn('an answer of the bot was not sent', { error: redact(messageOf(error), token) });
    }
  };
}

async function hear(
  { text, chat, message_id: messageId }: Message,
  { listening, update }: { listening: Listening; update: Update },
): Promise<void> {
  const { operations, username, api, signal } = listening;
  const command = text === undefined ? undefined : parseCommand(text, username);
  if (command === undefined && chat.type !== 'private') return;

  const answer =
    command === undefined
      ? { text: `Commands begin with a slash.\n\n${help}` }
      : await told(
          () => runCommand({ ...command, updateId: update.update_id }, operations),
          (message): Answer => ({ text: message }),
          listening,
        );

  await again(
    () =>
      api.call(
        (client, own) =>
          client.sendMessage(
            chat.id,
            answer.text.slice(0, longestAnswer),
            {
              link_preview_options: { is_disabled: true },
              // Keeps the answer in the topic of the question.
              reply_parameters: { message_id: messageId, allow_sending_without_reply: true },
              ...(answer.buttons && { reply_markup: answer.buttons }),
            },
            own,
          ),
        signal,
      ),
    listening,
  );
}

async function react({ id, data }: CallbackQuery, listening: Listening): Promise<void> {
  const { operations, api, signal } = listening;
  const pressed = parsePressed(data ?? '');
  const text =
    pressed === undefined
      ? 'This button is of another version'
      : await told(
          () => change(pressed, operations),
          (message) => message,
          listening,
        );

  await again(
    () =>
      api.call(
        (client, own) => client.answerCallbackQuery(id, { text: text.slice(0, longestToast) }, own),
        signal,
      ),
    listening,
  );
}

/** What the operation answers, or the message of what it refuses. */
async function told<Result>(
  operate: () => Promise<Result>,
  asAnswer: (message: string) => Result,
  listening: Listening,
): Promise<Result> {
  try {
    return await again(operate, listening);
  } catch (error) {
    listening.signal.throwIfAborted();
    const fault = asFault(error, listening.token);
    listening.log.info('an operation by the bot was refused', { code: fault.code });
    return asAnswer(fault.message.trim());
  }
}

/** Tries again what may pass. */
async function again<Result>(
  work: () => Promise<Result>,
  { clock, signal }: Listening,
): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!isAppError(error) || !error.retriable || tries === mostTries) throw error;
      await clock.delay(betweenTriesMs * tries, signal);
    }
  }
}

function asFault(error: unknown, token: string): AppError {
  if (isAppError(error)) return error;

  return appError('delivery_failed', { detail: redact(messageOf(error), token) });
}
