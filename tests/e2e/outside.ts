// A daemon's home between a Drive and a Telegram of its own: what it did there, and in which order.
import { z } from 'zod';

import type { TaskView } from '../../src/core/queue.ts';
import { createQueue } from '../../src/queue/client.ts';
import { createPgTransport } from '../../src/queue/pg-transport.ts';
import type { TestDatabase } from '../support/cluster.ts';
import { type Home, temporaryHome, type Variables } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { type DriveServer, type JournalEntry, startDriveServer } from '../support/drive-server.ts';
import { folderType } from '../support/drive/store.ts';
import { client } from '../support/drive/tokens.ts';
import { startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { until } from '../support/until.ts';

export const chats = ['101', '202'] as const;
export const refreshToken = '1//refresh-token-of-the-user';

export type Outside = AsyncDisposable & {
  drive: DriveServer;
  telegram: TelegramServer;
  db: TestDatabase;
  home: Home;
};

/** What left the daemon, in the order in which it arrived. */
export type Effect = { kind: 'folder' | 'file' | 'message'; what: string };

/** No daemon runs on the home yet. `variables` come on top of those that lead to the two servers. */
export async function openOutside(variables: Variables = {}): Promise<Outside> {
  await using stack = new AsyncDisposableStack();
  const drive = stack.use(await startDriveServer());
  const telegram = stack.use(await startTelegramServer());
  const db = stack.use(await freshDatabase());
  const home = stack.use(
    await temporaryHome({
      DATABASE_URL: db.adminUrl,
      ...outsideVariables({ drive, telegram }),
      NIGHTSHIFT_RETRY_BASE_MS: '10',
      NIGHTSHIFT_RETRY_CAP_MS: '100',
      ...variables,
    }),
  );
  const opened = stack.move();

  return { drive, telegram, db, home, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

type Servers = Pick<Outside, 'drive' | 'telegram'>;

export function outsideVariables({ drive, telegram }: Servers): Variables {
  return {
    GOOGLE_CLIENT_ID: client.clientId,
    GOOGLE_CLIENT_SECRET: client.clientSecret,
    GOOGLE_REFRESH_TOKEN: refreshToken,
    GOOGLE_DRIVE_ROOT_URL: drive.url,
    GOOGLE_TOKEN_URL: drive.tokenUrl,
    TELEGRAM_BOT_TOKEN: telegram.token,
    TELEGRAM_CHAT_IDS: chats.join(','),
    TELEGRAM_API_ROOT: telegram.url,
  };
}

/** What has been made and sent since a moment, Drive's and Telegram's journals as one. */
export function effectsSince(since: number, { drive, telegram }: Servers): Effect[] {
  const made = drive.journal.filter(isMaking).map((entry) => ({
    at: entry.at,
    kind: entry.mimeType === folderType ? ('folder' as const) : ('file' as const),
    what: entry.name ?? '',
  }));
  const sent = telegram.journal
    .filter(({ method }) => method === 'sendMessage')
    .map(({ at, params }) => ({ at, kind: 'message' as const, what: String(params['chat_id']) }));

  return [...made, ...sent]
    .filter(({ at }) => at > since)
    .toSorted((one, other) => one.at - other.at)
    .map(({ kind, what }) => ({ kind, what }));
}

/** Whether a request makes a folder or a file. */
export function isMaking({ call }: JournalEntry): boolean {
  return call === 'files.create' || call === 'upload.start';
}

/** The kinds of effects in order, each once where it comes several times in a row. */
export function phases(effects: readonly Effect[]): Effect['kind'][] {
  return effects.map(({ kind }) => kind).filter((kind, at, kinds) => kind !== kinds[at - 1]);
}

/** Paths of all that lies in Drive, sorted; twins show twice. */
export function pathsIn({ store }: DriveServer): string[] {
  return [...store.files.values()]
    .filter((file) => file.maker === 'program' && !store.isTrashed(file))
    .map((file) => store.pathOf(file))
    .toSorted();
}

const Inserted = z.tuple([z.object({ id: z.string() })]);

/** Plain SQL, as of somebody who knows nothing of the daemon. Resolves with the task's id. */
export async function insertTask(db: TestDatabase, title: string, agents: string[]) {
  const insert = `
    insert into tasks (title, description, agents, max_retries)
    values ($1, 'Announce our refill subscription in spring.', $2, 0) returning id`;

  return Inserted.parse(await db.sql(insert, [title, agents]))[0].id;
}

/** The task once it has ended, however it did. */
export async function endedTask({ admin }: TestDatabase, id: string): Promise<TaskView> {
  const queue = createQueue(createPgTransport(admin));
  const ended = async () => {
    const task = await queue.readTask(id);
    return task !== null && task.completedAt !== null ? task : undefined;
  };

  return await until(ended, { why: () => `task ${id} ends` });
}
