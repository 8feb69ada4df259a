// What people send to the bot of the test server, and the long poll that fetches it: one poller at a time.
import { setTimeout as pause } from 'node:timers/promises';

export type Update = { update_id: number } & Record<string, unknown>;
type Poll = { offset: number; timeout: number; limit: number };

export type Inbox = {
  /** Somebody writes to the bot in private. Returns the update's id. */
  write(from: number, text: string, updateId?: number): number;
  /** Somebody presses a button. Returns the update's id. */
  press(from: number, pressed: string): number;
  /** Ids of updates that have not been confirmed. */
  waiting(): number[];
  /** How many polls hang at this moment. */
  polling(): number;
  /** Updates, or why there are none for this poller. */
  poll(poll: Poll, gone: AbortSignal): Promise<Update[] | string>;
  /** Messages go to another address, as far as Telegram knows. */
  setWebhook(): void;
};

const terminated =
  'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running';
const webhooked =
  "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";

export function createInbox(): Inbox {
  let updates: Update[] = [];
  let nextId = 500;
  let isWebhooked = false;
  let current: AbortController | undefined;
  let arrived = Promise.withResolvers<void>();

  const add = (update: Record<string, unknown>, id = nextId): number => {
    updates.push({ update_id: id, ...update });
    nextId = Math.max(nextId, id + 1);
    arrived.resolve();
    arrived = Promise.withResolvers<void>();
    return id;
  };

  async function waitForNews(seconds: number, over: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const signal = AbortSignal.any([over, ended.signal]);
    const silence = pause(seconds * 1_000, undefined, { signal }).catch(() => undefined);
    await Promise.race([arrived.promise, silence]);
    ended.abort();
  }

  return {
    write: (from, text, updateId) => add({ message: messageFrom(from, text) }, updateId),
    press: (from, pressed) => add({ callback_query: queryFrom(from, pressed) }),
    waiting: () => updates.map((update) => update.update_id),
    polling: () => (current === undefined ? 0 : 1),
    setWebhook: () => void (isWebhooked = true),

    async poll({ offset, timeout, limit }, gone) {
      if (isWebhooked) return webhooked;
      updates = updates.filter((update) => update.update_id >= offset);
      current?.abort();
      const mine = new AbortController();
      current = mine;

      if (updates.length === 0) await waitForNews(timeout, AbortSignal.any([mine.signal, gone]));
      if (mine.signal.aborted) return terminated;
      current = undefined;
      return updates.slice(0, limit);
    },
  };
}

function personOf(id: number) {
  return { id, is_bot: false, first_name: 'Reader' };
}

function messageFrom(id: number, text: string) {
  const [command = ''] = /^\/\w+(@\w+)?/.exec(text) ?? [];
  const entities =
    command === '' ? [] : [{ type: 'bot_command', offset: 0, length: command.length }];

  return {
    message_id: 1,
    date: 1_800_000_000,
    chat: { id, type: 'private', first_name: 'Reader' },
    from: personOf(id),
    text,
    entities,
  };
}

function queryFrom(id: number, pressed: string) {
  return {
    id: String(id * 10),
    from: personOf(id),
    chat_instance: '1',
    data: pressed,
    message: messageFrom(id, 'a message with buttons'),
  };
}
