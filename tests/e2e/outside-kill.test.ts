// kill -9 between two effects outside: the next daemon on the home finds what is there, and doubles nothing it can know of.
import { expect, test } from 'vitest';
import { z } from 'zod';

import type { TaskView } from '../../src/core/queue.ts';
import { withClient } from '../../src/postgres/connection.ts';
import type { JournalEntry, Misbehaviour } from '../support/drive-server.ts';
import { folderType } from '../support/drive/store.ts';
import { until } from '../support/until.ts';
import { endedTask, insertTask, isMaking, openOutside, type Outside, pathsIn } from './outside.ts';

const isFolder = (entry: JournalEntry) => isMaking(entry) && entry.mimeType === folderType;
const isFile = (entry: JournalEntry) => isMaking(entry) && entry.mimeType !== folderType;
const start = ({ home }: Outside) => home.start({ args: ['--no-sample'] });

test.each<[string, (entry: JournalEntry) => boolean, Misbehaviour]>([
  ['before the reply about the folder', isFolder, { type: 'lost_reply' }],
  ['between the folder and its files', isFile, { type: 'hang' }],
  ['before the reply about a file', isFile, { type: 'lost_reply' }],
])('killed %s, it leaves one folder, and each file once', async (_when, isMoment, fault) => {
  await using outside = await openOutside();
  const { db, drive } = outside;
  const daemon = await start(outside);
  let moments = 0;
  drive.misbehave = (entry) => {
    if (isMoment(entry)) moments += 1;
    return moments === 0 ? undefined : moments === 1 && isMoment(entry) ? fault : { type: 'hang' };
  };

  const id = await insertTask(db, 'Killed', ['vision', 'echo']);
  await until(() => moments > 0, { why: () => daemon.stderr() });
  await daemon.murder();
  drive.misbehave = () => undefined;
  await start(outside);
  const task = await endedTask(db, id);

  expect(task.status).toBe('complete');
  expectOnceInDrive(outside, task);
});

test('killed before the reply about a message, it records one message for each chat', async () => {
  await using outside = await openOutside({ NIGHTSHIFT_CONCURRENCY_DELIVERIES: '1' });
  const { db, telegram } = outside;
  const daemon = await start(outside);
  telegram.fail('sendMessage', { type: 'held', until: new Promise(() => undefined) });

  const id = await insertTask(db, 'Killed', ['vision']);
  await until(() => telegram.messages.length === 1, { why: () => daemon.stderr() });
  await daemon.murder();
  await start(outside);
  const task = await endedTask(db, id);

  expect(recordedIn(task).map((ids) => ids.length)).toEqual([1, 1]);
  // The first went out without an answer, so that nobody could know; the second chat has its message once.
  const [unknown, known] = messagesByChat(outside);
  expect([unknown?.length, known?.length]).toEqual([2, 1]);
  expectOnceInDrive(outside, task);
});

test('killed between a recorded message and the end of its delivery, it does not send it again', async () => {
  await using outside = await openOutside({ NIGHTSHIFT_CONCURRENCY_DELIVERIES: '1' });
  const { db } = outside;
  const daemon = await start(outside);

  const id = await withClient(db.adminUrl, async (client) => {
    await db.sql(holdSettling);
    await client.query('select pg_advisory_lock(1)');
    const inserted = await insertTask(db, 'Killed', ['vision']);
    await until(async () => (await db.sql(held)).length > 0, { why: () => daemon.stderr() });
    await daemon.murder();
    await db.sql(`select pg_terminate_backend(pid) from (${held}) as held`);
    await db.sql('drop trigger hold_settling on deliveries');
    return inserted;
  });
  const before = messagesByChat(outside);
  await start(outside);
  const task = await endedTask(db, id);

  expect(before.map((ids) => ids.length)).toEqual([1]);
  expect(messagesByChat(outside).map((ids) => ids.length)).toEqual([1, 1]);
  expect(recordedIn(task).toSorted()).toEqual(messagesByChat(outside).toSorted());
});

// PostgreSQL holds the settling of a message for as long as the test holds the lock.
const holdSettling = `
  create function public.hold_settling() returns trigger language plpgsql as $$
    begin perform pg_advisory_xact_lock(1); return new; end $$;
  create trigger hold_settling before update on deliveries for each row
    when (new.sink = 'telegram' and new.status = 'delivered') execute function public.hold_settling()`;
const held = `select pid from pg_locks where locktype = 'advisory' and not granted`;

function expectOnceInDrive({ drive }: Outside, task: TaskView): void {
  const agents = new Set(task.deliverables.map(({ agent }) => agent)).size;
  const paths = pathsIn(drive);
  const made = drive.journal.filter((entry) => isFolder(entry) && entry.name === task.folderName);

  expect(made).toHaveLength(1);
  expect(new Set(paths).size).toBe(paths.length);
  expect(paths).toHaveLength(
    ['folder', 'Summary', 'Brief'].length + agents + task.deliverables.length,
  );
}

const Result = z.object({ messages: z.record(z.string(), z.array(z.int())) });

/** The ids that the deliveries of messages have on record, those of each chat apart. */
function recordedIn({ deliveries }: TaskView): number[][] {
  return deliveries.flatMap(({ sink, result }) =>
    sink === 'telegram' ? Object.values(Result.parse(result).messages) : [],
  );
}

/** The ids of the messages that have arrived, those of each chat apart, in order of the first. */
function messagesByChat({ telegram }: Outside): number[][] {
  const byChat = Map.groupBy(telegram.messages, (message) => message.chat_id);

  return [...byChat.values()].map((messages) => messages.map(({ message_id: id }) => id));
}
