// The disk spool as folders of entries: in order, whole or not there, and nothing is ever dropped unread.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';
import { z } from 'zod';

import type { SpooledOutcome } from '../../src/core/spool.ts';
import { noUsage } from '../../src/core/run.ts';
import { createFolder, openSpool } from '../../src/queue/spool.ts';
import { freshFolder } from '../support/folder.ts';
import { until } from '../support/until.ts';

const Numbered = z.object({ number: z.number() });
const filler = fileURLToPath(new URL('children/fill-folder.ts', import.meta.url));

test('gives entries back in the order in which they came, also when the clock is set back', async () => {
  await using home = await freshFolder();
  let now = 2_000_000;
  const open = () => createFolder(home.path, { schema: Numbered, now: () => now });

  const before = open();
  await Promise.all([1, 2, 3].map((number) => before.add({ number })));
  now = 1_000;
  await open().add({ number: 4 });

  const folder = open();
  const entries = await Promise.all((await folder.names()).map((name) => folder.read(name)));
  expect(entries).toEqual([1, 2, 3, 4].map((number) => ({ number })));
});

test('is for the owner only, and not there until something is put into it', async () => {
  await using home = await freshFolder();
  const root = path.join(home.path, 'spool');
  const spool = openSpool(root);
  expect(await spool.tasks.names()).toEqual([]);
  await expect(stat(root)).rejects.toMatchObject({ code: 'ENOENT' });

  const name = await spool.tasks.add(taskOf('Launch'));

  const modes = await Promise.all(
    [root, path.join(root, 'tasks'), path.join(root, 'tasks', name)].map(async (file) =>
      ((await stat(file)).mode & 0o777).toString(8),
    ),
  );
  expect(modes).toEqual(['700', '700', '600']);
});

test('keeps the bytes of files, and all that an outcome says', async () => {
  await using home = await freshFolder();
  const { outcomes } = openSpool(home.path);
  const entry = outcomeOf({ content: new Uint8Array([0, 255, 10]), data: { rows: [1, null] } });

  const name = await outcomes.add(entry);

  expect(await outcomes.read(name)).toEqual(entry);
});

test.each([
  ['a torn file', '{"number": 1', '{"number": 1'],
  ['JSON of another form', '{"text": "x"}', { text: 'x' }],
  ['bytes that are no text', Buffer.from([0xff, 0xfe]), { base64: '//4=' }],
])('moves %s aside with a reason, and goes on with the others', async (...[, content, entry]) => {
  await using home = await freshFolder();
  const spool = openSpool(home.path);
  await mkdir(path.join(home.path, 'tasks'));
  await writeFile(path.join(home.path, 'tasks', '000000000000001-aa.json'), content);
  const good = await spool.tasks.add(taskOf('Launch'));

  const read = [];
  for (const name of await spool.tasks.names()) read.push(await spool.tasks.read(name));

  expect(read).toEqual([undefined, taskOf('Launch')]);
  expect(await spool.tasks.names()).toEqual([good]);
  expect(await refusedIn(home.path)).toMatchObject([
    { status: 'refused', from: 'tasks/000000000000001-aa.json', entry, reason: expect.any(String) },
  ]);
});

test('an entry that is gone by now is nothing, and removing it again is no fault', async () => {
  await using home = await freshFolder();
  const { tasks } = openSpool(home.path);
  const name = await tasks.add(taskOf('Launch'));

  await tasks.remove(name);
  await tasks.remove(name);
  await tasks.refuse(name, 'too late');

  expect(await tasks.read(name)).toBeUndefined();
  expect(await refusedIn(home.path)).toEqual([]);
});

test('sweeps what a dead writer left half-written, and nothing of one that lives', async () => {
  await using home = await freshFolder();
  const tasks = path.join(home.path, 'tasks');
  await mkdir(tasks);
  const [dead, ours, alive] = [2 ** 22 + 1, process.pid, process.ppid];
  for (const pid of [dead, ours, alive]) await writeFile(path.join(tasks, `.${pid}-ab.tmp`), '{');

  await openSpool(home.path).sweep();

  expect(await readdir(tasks)).toEqual([`.${alive}-ab.tmp`]);
});

test('tells of what comes while it is watched', async () => {
  await using home = await freshFolder();
  const { tasks } = openSpool(home.path);
  let heard = 0;
  using _ = tasks.watch(
    () => (heard += 1),
    () => undefined,
  );
  await until(() => heard > 0);

  const before = heard;
  await tasks.add(taskOf('Launch'));

  await until(() => heard > before);
});

test('whatever was said to be kept is there in full after kill -9, at any moment', async () => {
  for (let round = 0; round < 5; round += 1) {
    await using home = await freshFolder();
    const child = spawn(process.execPath, [filler, home.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    let said = 0;
    createInterface(child.stdout).on('line', (line) => (said = Number(line)));
    await until(() => said > 10 + round * 7);
    child.kill('SIGKILL');
    await ended;

    const folder = createFolder(home.path, { schema: Numbered, now: Date.now });
    const names = await folder.names();
    const numbers = await Promise.all(names.map(async (name) => (await folder.read(name))?.number));

    expect(numbers).toEqual(names.map((_name, at) => at + 1));
    expect(numbers.length).toBeGreaterThanOrEqual(said);
  }
});

function taskOf(title: string) {
  const id = '7b0e4ab9-4b1c-4b53-9d7a-0a2f6d6e9f01';

  return { at: '2026-11-22T22:00:00.000Z', task: { id, title, description: 'Text' } };
}

function outcomeOf(file: { content: Uint8Array; data: Record<string, unknown> }): SpooledOutcome {
  return {
    kind: 'run',
    workerId: crypto.randomUUID(),
    taskId: crypto.randomUUID(),
    agent: 'echo',
    id: 7,
    attempt: 2,
    outcome: {
      type: 'complete',
      usage: { ...noUsage, calls: 3, costUsd: null },
      checks: [{ id: 'c', level: 'warn', ok: false, path: 'data', measured: 2, limit: 'few' }],
      deliverables: [{ name: 'a.png', kind: 'image', mediaType: 'image/png', title: 'A', ...file }],
      output: {
        schema_version: 1,
        agent: 'echo',
        summary: 'What echo found, told in a sentence that is long enough.',
        data: { '\ud800': '\0' },
        evidence: [],
        uses: [],
        assumptions: [],
        open_questions: [],
        confidence: 'low',
      },
    },
  };
}

async function refusedIn(home: string): Promise<unknown[]> {
  const folder = path.join(home, 'refused');
  const names = await readdir(folder).catch(() => []);

  return await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(path.join(folder, name), 'utf8'))),
  );
}
