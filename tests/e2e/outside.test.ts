// A spawned daemon with Drive and Telegram: folder, files, message, for tasks that went well and for those that did not.
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { TaskView } from '../../src/core/queue.ts';
import type { Daemon } from '../support/daemon.ts';
import { until } from '../support/until.ts';
import { taskFolders } from './folders.ts';
import {
  chats,
  effectsSince,
  endedTask,
  insertTask,
  isMaking,
  type Outside,
  openOutside,
  pathsIn,
  phases,
} from './outside.ts';

let outside: Outside;
let daemon: Daemon;
let since: number;

// Apex is known to the database, and its file is missing on this machine.
beforeAll(async () => {
  outside = await openOutside();
  const agents = path.join(path.dirname(outside.home.path), 'agents');
  await cp(path.resolve('agents'), agents, { recursive: true });
  await rm(path.join(agents, 'apex.md'));
  const env = { NIGHTSHIFT_AGENTS_FOLDER: agents };
  daemon = await outside.home.start({ args: ['--no-sample'], env });
});

afterAll(async () => {
  await outside[Symbol.asyncDispose]();
});

beforeEach(() => {
  outside.drive.misbehave = () => undefined;
  since = performance.now();
});

test('the folder is made, then filled, and only then told of, with its link', async () => {
  const { db, drive, home, telegram } = outside;

  const { id } = await endedTask(db, await insertTask(db, 'Well', ['vision', 'echo']));
  const task = TaskView.parse(await home.json('status', id));

  const effects = effectsSince(since, outside);
  expect(phases(effects)).toEqual(['folder', 'file', 'message']);
  expect(effects[0]).toEqual({ kind: 'folder', what: task.folderName });
  expect(told(effects)).toEqual([...chats]);
  const folder = [...drive.store.files.values()].find(({ name }) => name === task.folderName);
  expect(task).toMatchObject({ status: 'complete', folderUrl: folder?.webViewLink });
  const items = task.deliverables.length + ['Summary', 'Brief', 'vision', 'echo'].length;
  expect(pathsIn(drive).filter(isBelow(task.folderName))).toHaveLength(items);
  for (const { text, entities, reply_markup: markup } of telegram.messages) {
    expect(text).toContain('Complete: 2 of 2 agents');
    expect(entities.map(({ url }) => url)).toContain(task.folderUrl);
    expect(markup.inline_keyboard.flat()).toContainEqual({ text: 'Open', url: task.folderUrl });
  }
});

test.each([
  ['one of two agents', ['vision', 'apex'], 'partial', 'Done with warnings: 1 of 2 agents'],
  ['every agent', ['apex'], 'failed', 'Failed: 0 of 1 agent'],
])('a task that %s failed has its folder too, and its message says who and why', async (...row) => {
  const [title, agents, status, outcome] = row;
  const { db, telegram } = outside;
  const before = telegram.messages.length;

  const task = await endedTask(db, await insertTask(db, title, agents));

  const effects = effectsSince(since, outside);
  expect(phases(effects)).toEqual(['folder', 'file', 'message']);
  expect(effects[0]).toEqual({ kind: 'folder', what: task.folderName });
  expect(told(effects)).toEqual([...chats]);
  expect(task).toMatchObject({ status, failedAgents: ['apex'] });
  const reason = task.runs.find(({ agent }) => agent === 'apex')?.error?.message ?? 'no reason';
  for (const { text, entities } of telegram.messages.slice(before)) {
    expect(text).toContain(`${outcome}, Apex failed: ${reason}`);
    expect(entities.map(({ url }) => url)).toContain(task.folderUrl);
  }
});

test('a Drive that is full for good costs neither the results nor the news', async () => {
  const { db, drive, home, telegram } = outside;
  drive.misbehave = (entry) =>
    isMaking(entry) ? { type: 'reply', reply: refusal(403, 'storageQuotaExceeded') } : undefined;

  const task = await endedTask(db, await insertTask(db, 'Full', ['vision']));

  expect(task).toMatchObject({ status: 'complete', folderUrl: expect.stringMatching(/^file:/) });
  expect(await taskFolders(home.path)).toContain(task.folderName);
  expect(told(effectsSince(since, outside))).toEqual([...chats]);
  expect(telegram.messages.at(-1)?.text).toContain(path.join(home.path, 'outputs'));
  const failed = task.deliveries.filter(({ status }) => status !== 'delivered');
  expect(failed).toMatchObject([{ sink: 'drive', status: 'failed', attempt: 1 }]);
  const { stdout } = await home.run('status', task.id);
  expect(stdout).toMatch(/drive +failed +.*free some storage or buy more/);
});

test('a Drive that is away for a while is waited for, and the news with it', async () => {
  const { db, drive } = outside;
  let refused = 0;
  drive.misbehave = () => {
    refused += 1;
    return { type: 'reply', reply: refusal(503, 'backendError') };
  };
  const id = await insertTask(db, 'Away', ['vision']);
  await until(() => refused > 1, { why: () => daemon.stderr() });

  const waiting = await db.sql('select status from tasks where id = $1', [id]);
  const toldBefore = told(effectsSince(since, outside));
  drive.misbehave = () => undefined;
  const task = await endedTask(db, id);

  expect([waiting, toldBefore]).toEqual([[{ status: 'delivering' }], []]);
  expect(task).toMatchObject({ status: 'complete', folderUrl: expect.stringMatching(/^https:/) });
  expect(phases(effectsSince(since, outside))).toEqual(['folder', 'file', 'message']);
});

function told(effects: ReturnType<typeof effectsSince>): string[] {
  return effects
    .filter(({ kind }) => kind === 'message')
    .map(({ what }) => what)
    .toSorted();
}

const isBelow = (folder: string) => (name: string) => name.includes(`${folder}/`);

function refusal(code: number, reason: string) {
  const error = { code, message: `Told to say ${reason}`, errors: [{ reason }] };

  return { status: code, body: { error } };
}
