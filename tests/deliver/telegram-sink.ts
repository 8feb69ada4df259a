// A Telegram sink on a server of its own, with a journal that outlives it, for the tests of the sink.
import type { ClaimedDelivery, DeliveredTask } from '../../src/core/delivery.ts';
import type { Log } from '../../src/core/ports.ts';
import { systemClock } from '../../src/daemon/clock.ts';
import { createTelegramSink, type TelegramSinkOptions } from '../../src/deliver/telegram.ts';
import { startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { contextOf, deliveryOf, endedTask } from './deliveries.ts';

type Journal = TelegramSinkOptions['journal'] & { rows: Map<number, Record<string, unknown>> };

/** Keeps what the queue would; `recordDelivery` can be made to fail by replacing it. */
export function createJournal(): Journal {
  const rows: Journal['rows'] = new Map();

  return {
    rows,
    readDeliveryResult: async (id) => rows.get(id) ?? null,
    async recordDelivery({ id }, result) {
      rows.set(id, structuredClone(result));
      return 'ok';
    },
  };
}

export type Line = { level: string; message: string; fields: Record<string, unknown> | undefined };

export function recordingLog(lines: Line[]): Log {
  const at = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    void lines.push({ level, message, fields });

  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

export type TelegramPlace = AsyncDisposable & {
  server: TelegramServer;
  journal: Journal;
  log: Line[];
  /** A sink as after a new start: it knows nothing but the journal. */
  start(more?: Partial<TelegramSinkOptions>): ReturnType<typeof createTelegramSink>;
};

export async function telegramPlace(): Promise<TelegramPlace> {
  const server = await startTelegramServer();
  const journal = createJournal();
  const log: Line[] = [];

  return {
    server,
    journal,
    log,
    start: (more = {}) =>
      createTelegramSink({
        token: server.token,
        apiRoot: server.url,
        chatIds: ['42'],
        clock: systemClock,
        log: recordingLog(log),
        journal,
        ...more,
      }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A delivery of an ended task to one chat. */
export function newsTo(
  target: string | null,
  task: Partial<DeliveredTask> = {},
  more: Partial<ClaimedDelivery> = {},
): ClaimedDelivery {
  return { ...deliveryOf(endedTask([], task)), sink: 'telegram', stage: 1, target, ...more };
}

export const context = contextOf([]);
