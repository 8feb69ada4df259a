// What is known of chats until the next start: which are closed to the bot, and which have another id now.
import { type AppError, appError } from '../../core/errors.ts';
import type { Log } from '../../core/ports.ts';

export type Chats = {
  /** Where a chat is reached. Throws `chat_refused` for one that has turned the bot away since the start. */
  addressOf(chatId: string): string;
  /** Learns from a fault of a call; true when the same message can go to another address at once. */
  learn(chatId: string, fault: AppError): boolean;
};

/** Chats other than these are refused. */
export function createChats(chatIds: readonly string[], log: Log): Chats {
  const closed = new Map<string, AppError>();
  const moved = new Map<string, string>();

  return {
    addressOf(chatId) {
      const fault = chatIds.includes(chatId) ? closed.get(chatId) : unlisted(chatId);
      if (fault !== undefined) throw fault;

      return moved.get(chatId) ?? chatId;
    },

    learn(chatId, fault) {
      const { movedTo } = fault.facts;
      if (fault.code === 'chat_moved' && typeof movedTo === 'string' && !moved.has(chatId)) {
        moved.set(chatId, movedTo);
        log.warn('a group has a new id: put it in TELEGRAM_CHAT_IDS', { chatId, movedTo });
        return true;
      }

      if (fault.code === 'chat_refused') closed.set(chatId, stayingClosed(chatId, fault));
      return false;
    },
  };
}

function unlisted(chatId: string): AppError {
  return appError('chat_refused', { detail: `${chatId} is not in TELEGRAM_CHAT_IDS any more` });
}

function stayingClosed(chatId: string, { facts: { detail } }: AppError): AppError {
  const reason = `${chatId} turned the bot away (${String(detail)}), and is not tried again before the next start`;

  return appError('chat_refused', { detail: reason });
}
