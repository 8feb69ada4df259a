// Composition of the Telegram bot: the product's operations, for people on the allow-list.
import type { Config } from './core/config.ts';
import type { Log } from './core/ports.ts';
import { systemClock } from './daemon/clock.ts';
import { createTelegramBot, telegramLeaseName } from './deliver/telegram-bot.ts';
import { operations } from './operations/catalogue.ts';
import { type OperationContext, perform } from './operations/operation.ts';
import { telegramRoot } from './sinks.ts';

// One program per bot: Telegram gives each update to one poller only.
const leaseSeconds = 60;

export type BotOptions = {
  config: Config;
  context: OperationContext;
  workerId: string;
  log: Log;
};

/** Starts the bot where it is switched on and there is somebody to listen to; null elsewhere. */
export function startBot({ config, context, workerId, log }: BotOptions): AsyncDisposable | null {
  const { TELEGRAM_BOT_TOKEN: token } = config.secrets;
  const { bot, allowed_ids: allowedIds } = config.settings.telegram;
  if (!bot || token === undefined) return null;
  if (allowedIds.length === 0) {
    log.warn('the bot is off: telegram.allowed_ids names nobody that it may listen to');
    return null;
  }
  const { queue } = context;
  const name = telegramLeaseName(token);
  const acquire = () => queue.acquireLease(name, workerId, leaseSeconds);

  return createTelegramBot({
    token,
    ...telegramRoot(config),
    allowedIds,
    lease: {
      seconds: leaseSeconds,
      acquire,
      renew: acquire,
      release: () => queue.releaseLease(name, workerId),
    },
    operations: {
      submit: (task) => queue.submitTask(task),
      status: () => queue.readState(),
      list: () => queue.listTasks({ limit: 10 }),
      cancel: (task) => perform(operations.cancel, context, { task }),
      retry: (task) => perform(operations.retry, context, { task }),
    },
    clock: systemClock,
    log,
  });
}
