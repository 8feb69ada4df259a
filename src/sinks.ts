// Composition of the sinks: where results go, by what the configuration has keys for.
import { readFile } from 'node:fs/promises';

import type { Config } from './core/config.ts';
import type { Log, Sink } from './core/ports.ts';
import type { Queue } from './core/queue.ts';
import { systemClock } from './daemon/clock.ts';
import { createDriveSink, type DriveOptions } from './deliver/drive.ts';
import { parseServiceAccountKey } from './deliver/drive-account.ts';
import { createFolderSink } from './deliver/folder.ts';
import { createTelegramSink } from './deliver/telegram.ts';
import { createTerminalSink } from './deliver/terminal.ts';

export type SinkOptions = {
  config: Config;
  outputsFolder: string;
  queue: Queue;
  tell(line: string): void;
  log: Log;
};

/** The local folder always; Drive and Telegram when there are keys for them. Throws `config_invalid`. */
export async function createSinks(options: SinkOptions): Promise<Sink[]> {
  const { outputsFolder, tell, log } = options;
  const folder = createFolderSink({ root: outputsFolder, log });
  const terminal = createTerminalSink({ write: tell, log });
  const further = [await driveSink(options), telegramSink(options)];

  return [folder, ...further.flatMap((sink) => sink ?? []), terminal];
}

async function driveSink({ config, log }: SinkOptions): Promise<Sink | null> {
  const { secrets } = config;
  const credentials = await driveCredentials(config, log);
  if (credentials === null) return null;

  return createDriveSink({
    credentials,
    parentId: secrets.GOOGLE_DRIVE_PARENT_ID,
    rootUrl: secrets.GOOGLE_DRIVE_ROOT_URL,
    tokenUrl: secrets.GOOGLE_TOKEN_URL,
    clock: systemClock,
    log,
  });
}

async function driveCredentials(
  { secrets }: Config,
  log: Log,
): Promise<DriveOptions['credentials'] | null> {
  const {
    GOOGLE_CLIENT_ID: clientId,
    GOOGLE_CLIENT_SECRET: clientSecret,
    GOOGLE_REFRESH_TOKEN: refreshToken,
    GOOGLE_SERVICE_ACCOUNT_FILE: file,
  } = secrets;
  if (file !== undefined) {
    // A file that is not there is a fault of the configuration, and reads like one.
    const text = await readFile(file, 'utf8').catch(() => '');
    return { type: 'service_account', key: parseServiceAccountKey(text) };
  }
  if (clientId === undefined || clientSecret === undefined) return null;
  if (refreshToken === undefined) {
    log.warn('Drive is off until an account is connected', { mend: 'nightshift connect drive' });
    return null;
  }

  return { type: 'oauth', clientId, clientSecret, refreshToken };
}

function telegramSink({ config, queue, log }: SinkOptions): Sink | null {
  const { TELEGRAM_BOT_TOKEN: token, TELEGRAM_CHAT_IDS: chats } = config.secrets;
  if (token === undefined || chats === undefined) {
    log.info('notifications by Telegram are off', { mend: 'see config/example.env' });
    return null;
  }

  return createTelegramSink({
    token,
    ...telegramRoot(config),
    chatIds: chats.split(',').map((id) => id.trim()),
    isHeard: config.settings.telegram.bot,
    journal: queue,
    clock: systemClock,
    log,
  });
}

/** Where the Bot API is, when it is not Telegram's own. */
export function telegramRoot({ secrets }: Config): { apiRoot?: string } {
  const { TELEGRAM_API_ROOT: apiRoot } = secrets;

  return apiRoot === undefined ? {} : { apiRoot };
}
