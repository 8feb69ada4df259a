// Sends one part of a message to one chat, wherever that chat is by now.
import { isAppError } from '../../core/errors.ts';
import type { Log } from '../../core/ports.ts';
import type { TelegramApi } from './api.ts';
import type { Chats } from './chats.ts';
import type { Part } from './text.ts';

export type Sending = {
  api: TelegramApi;
  chats: Chats;
  log: Log;
  signal: AbortSignal;
  /** Throws where the delivery may be another's by now (see SinkContext). */
  check(): void;
};

/** Resolves with the message's id: Telegram has it. Throws AppErrors, or the abort reason. */
export async function sendPart(chatId: string, part: Part, sending: Sending): Promise<number> {
  const { chats } = sending;

  try {
    return await sendTo(chats.addressOf(chatId), part, sending);
  } catch (error) {
    if (!isAppError(error) || !chats.learn(chatId, error)) throw error;
    return await sendTo(chats.addressOf(chatId), part, sending);
  }
}

async function sendTo(chatId: string, part: Part, sending: Sending): Promise<number> {
  try {
    return await sendOnce(chatId, part, sending);
  } catch (error) {
    if (!isAppError(error) || error.code !== 'message_refused' || part.type !== 'text') throw error;

    // An address that Telegram does not take must not cost the news: the plain text goes without any.
    const reason = error.message;
    sending.log.warn('Telegram refused a message and gets it plain', { chatId, reason });
    return await sendOnce(chatId, plainOf(part), sending);
  }
}

function plainOf({ type, text }: Extract<Part, { type: 'text' }>): Part {
  return { type, text, entities: [] };
}

async function sendOnce(chatId: string, part: Part, { api, signal }: Sending): Promise<number> {
  const markup = part.buttons === undefined ? {} : { reply_markup: part.buttons };

  const { message_id: id } = await api.callToTheEnd<{ message_id: number }>((client, own) => {
    if (part.type === 'text') {
      return client.sendMessage(chatId, part.text, { ...textOptions(part), ...markup }, own);
    }
    const file = api.file(part.content, part.name);
    return client.sendDocument(chatId, file, { caption: part.caption, ...markup }, own);
  }, signal);

  return id;
}

// Agents quote addresses; a preview of one of them would be larger than the message.
function textOptions({ entities }: Extract<Part, { type: 'text' }>) {
  return { entities, link_preview_options: { is_disabled: true } };
}
