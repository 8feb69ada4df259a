// A Telegram bot on a server of its own and a real queue, for the tests of the bot.
import type { Clock } from '../../src/core/ports.ts';
import { systemClock } from '../../src/daemon/clock.ts';
import {
  createTelegramBot,
  telegramLeaseName,
  type TelegramBotOptions,
} from '../../src/deliver/telegram-bot.ts';
import { operations } from '../../src/operations/catalogue.ts';
import { perform } from '../../src/operations/operation.ts';
import { freshQueue } from '../support/queue.ts';
import { startTelegramServer } from '../support/telegram-server.ts';
import { until } from '../support/until.ts';
import { type Line, recordingLog } from './telegram-sink.ts';

export const owner = 4_200;

/** A server, a queue with the agents of the product, and bots on them. */
export async function botPlace() {
  const server = await startTelegramServer();
  const given = await freshQueue();
  const log: Line[] = [];
  const waits: number[] = [];
  const bots: AsyncDisposable[] = [];

  const start = (more: Partial<TelegramBotOptions> = {}): AsyncDisposable => {
    const bot = createTelegramBot({
      token: server.token,
      apiRoot: server.url,
      allowedIds: [owner],
      operations: operationsOn(given.queue),
      lease: leaseOn(given.queue, server.token),
      clock: hurriedClock(waits),
      log: recordingLog(log),
      ...more,
    });
    bots.push(bot);

    return bot;
  };

  return {
    server,
    log,
    waits,
    given,
    start,
    /** Writes to the bot and waits for its answer. */
    async ask(text: string): Promise<string> {
      const before = server.messages.length;
      server.inbox.write(owner, text);
      const answer = await until(() => server.messages[before]);

      return answer.text ?? '';
    },
    tasks: () => given.queue.listTasks({ limit: 100 }),
    async [Symbol.asyncDispose]() {
      await Promise.all(bots.map((bot) => bot[Symbol.asyncDispose]()));
      await server[Symbol.asyncDispose]();
      await given[Symbol.asyncDispose]();
    },
  };
}

type GivenQueue = Awaited<ReturnType<typeof freshQueue>>['queue'];

/** The operations of the product, as the daemon hands them to the bot. */
export function operationsOn(queue: GivenQueue): TelegramBotOptions['operations'] {
  const context = { queue, agents: { get: () => undefined, list: () => [] } };

  return {
    submit: (task) => queue.submitTask(task),
    status: () => queue.readState(),
    list: () => queue.listTasks({ limit: 10 }),
    cancel: (task) => perform(operations.cancel, context, { task }),
    retry: (task) => perform(operations.retry, context, { task }),
  };
}

export function leaseOn(queue: GivenQueue, token: string): TelegramBotOptions['lease'] {
  const [name, holder, seconds] = [telegramLeaseName(token), crypto.randomUUID(), 60];
  const acquire = () => queue.acquireLease(name, holder, seconds);

  return { acquire, renew: acquire, release: () => queue.releaseLease(name, holder), seconds };
}

/** Notes how long was to be waited, and waits a fraction of it. */
function hurriedClock(waits: number[]): Clock {
  return {
    ...systemClock,
    delay(ms, signal) {
      waits.push(ms);
      return systemClock.delay(Math.min(ms / 100, 50), signal);
    },
  };
}
