// The Telegram sink: tells the allowed chats that a task has ended, and keeps the ids of the messages as the proof.
import { z } from 'zod';

import type { ClaimedDelivery, DeliveryOutcome } from '../core/delivery.ts';
import { type AppError, appError, isAppError, messageOf } from '../core/errors.ts';
import type { Log, Sink } from '../core/ports.ts';
import type { Queue } from '../core/queue.ts';
import {
  openTelegramApi,
  retryAfterOf,
  type TelegramAccess,
  type TelegramApi,
} from './telegram/api.ts';
import { createChats } from './telegram/chats.ts';
import { redact } from './telegram/faults.ts';
import { type Sending, sendPart } from './telegram/send.ts';
import { type Part, messageParts } from './telegram/text.ts';

export type TelegramSinkOptions = TelegramAccess & {
  /** Chats that are told: ids as text, `-100…` for groups, or `@name` of channels. Others never get anything. */
  chatIds: readonly string[];
  /** True where a bot listens: only then do messages have buttons that do something. Default: false. */
  isHeard?: boolean;
  /** Keeps which messages have been sent, so that a try after a crash sends only what is missing. */
  journal: Pick<Queue, 'readDeliveryResult' | 'recordDelivery'>;
  log: Log;
};

/** Ids of the messages sent so far, by chat as configured. */
const Sent = z.object({ messages: z.record(z.string(), z.array(z.int())) });
type Messages = z.infer<typeof Sent>['messages'];

/**
 * One message per chat and ended task; its result is `{messages: {chatId: [messageId, …]}}`. The Bot API knows no
 * idempotency key and shows a bot nothing of what it has sent. So each message's id is recorded before anything else is
 * sent, and a message is sent again only where its answer was never seen.
 */
export function createTelegramSink(options: TelegramSinkOptions): Sink {
  const { chatIds, log } = options;
  const chats = createChats(chatIds, log);
  let opened: Promise<TelegramApi> | undefined;

  return {
    name: 'telegram',
    stage: 1,
    targets: chatIds,
    async deliver(delivery, { signal, check }) {
      signal.throwIfAborted();

      try {
        opened ??= openTelegramApi(options);
        const sending = { chats, signal, check, log, api: await opened };
        return await deliverTo(delivery, { options, sending });
      } catch (error) {
        signal.throwIfAborted();
        const fault = asFault(error, options.token);
        log.warn('task not told', { taskId: delivery.task.id, reason: fault.message });
        return outcomeOf(fault);
      }
    },
  };
}

type Delivering = { options: TelegramSinkOptions; sending: Sending };

async function deliverTo(
  delivery: ClaimedDelivery,
  { options, sending }: Delivering,
): Promise<DeliveryOutcome> {
  const { journal, chatIds, isHeard = false, log, token } = options;
  const parts = await messageParts(delivery.task, isHeard);
  const before = Sent.safeParse(await journal.readDeliveryResult(delivery.id)).data;
  const messages: Messages = { ...before?.messages };
  const faults: AppError[] = [];

  for (const chatId of delivery.target === null ? chatIds : [delivery.target]) {
    // What could not be recorded is handed on with the outcome; nothing further is sent before that is kept.
    if (faults.some((fault) => fault.code === unrecorded)) break;

    try {
      await tell(chatId, { parts, messages, delivery, journal, sending });
    } catch (error) {
      sending.signal.throwIfAborted();
      faults.push(asFault(error, token));
    }
  }

  const [fault] = faults.toSorted((one, other) => Number(other.retriable) - Number(one.retriable));
  const told = { taskId: delivery.task.id, target: delivery.target, messages };
  if (fault !== undefined) log.warn('task not told', { ...told, reason: fault.message });
  else log.info('task told', told);

  // Closed chats are given up where others were told.
  const isAnyTold = Object.values(messages).some((ids) => ids.length === parts.length);
  const isTold = fault === undefined || (!fault.retriable && isAnyTold);
  return isTold ? { type: 'delivered', result: { messages } } : outcomeOf(fault, messages);
}

type Telling = {
  parts: Part[];
  messages: Messages;
  delivery: ClaimedDelivery;
  journal: TelegramSinkOptions['journal'];
  sending: Sending;
};

const unrecorded = 'database_unavailable';

/** Sends the parts that have not been sent, and records each before the next. Adds to `messages`. */
async function tell(
  chatId: string,
  { parts, messages, delivery, journal, sending }: Telling,
): Promise<void> {
  const sent = messages[chatId]?.length ?? 0;

  for (const [at, part] of parts.entries()) {
    if (at < sent) continue;
    sending.check();
    const id = await sendPart(chatId, part, sending);
    messages[chatId] = [...(messages[chatId] ?? []), id];

    const kept = await journal.recordDelivery(delivery, { messages }).catch((error: unknown) => {
      sending.log.warn('a sent message was not recorded', {
        chatId,
        messageId: id,
        error: messageOf(error),
      });
      return 'lost' as const;
    });
    const isLast = at === parts.length - 1 && delivery.target !== null;
    if (kept === 'lost' && !isLast) {
      throw appError(unrecorded, { detail: 'a sent message could not be recorded' });
    }
  }
}

function asFault(error: unknown, token: string): AppError {
  if (isAppError(error)) return error;

  return appError('delivery_failed', { detail: redact(messageOf(error), token) });
}

function outcomeOf(fault: AppError, messages: Messages = {}): DeliveryOutcome {
  const { code, message, retriable } = fault;
  const error = { code, message, retriable };
  const result = Object.keys(messages).length === 0 ? {} : { result: { messages } };
  const retryAfterMs = retryAfterOf(fault);
  if (!retriable) return { type: 'fail', error, ...result };

  return { type: 'retry', error, ...result, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
