// The command line beside a running daemon: handing in, looking, following, cancelling.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

import { DeliverableView, SubmittedTask, TaskView } from '../../src/core/queue.ts';
import { agentNames } from '../../src/core/task.ts';
import type { TestDatabase } from '../support/cluster.ts';
import { type Home, temporaryHome } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { readTaskFolder } from './folders.ts';

const text = 'We launch a refill subscription in March and want 1,200 subscribers in 90 days.';

let db: TestDatabase;
let home: Home;
/** A task that has ended. */
let done: SubmittedTask;
let short: string;

beforeAll(async () => {
  db = await freshDatabase();
  home = await temporaryHome({ DATABASE_URL: db.adminUrl });
  await home.start({ args: ['--no-sample'] });
  done = await submit('Spring launch', text, '--agents', 'vision,echo', '--priority', 'high');
  short = done.id.slice(0, 8);
  await home.run('watch', short);
}, 60_000);

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

async function submit(...args: string[]): Promise<SubmittedTask> {
  return SubmittedTask.parse(await home.json('submit', ...args));
}

async function statusOf(id: string): Promise<TaskView> {
  return TaskView.parse(await home.json('status', id));
}

test('submit answers with the id of the task, as JSON or as a sentence', async () => {
  const { code, stdout } = await home.run('submit', 'In words', text, '--agents', 'echo');

  expect(done).toMatchObject({ status: 'pending', repeated: false });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Task [\w-]{36} is queued\. Follow it with: nightshift watch \w{8}\n$/);
});

test('submit with the same idempotency key answers with the first task', async () => {
  const args = ['Once', text, '--agents', 'echo', '--idempotency-key', 'once'];

  const first = await submit(...args);
  const second = await submit(...args);

  expect(second).toEqual({ ...first, repeated: true, status: second.status });
});

test('status tells everything of a task', async () => {
  const task = await statusOf(short);

  expect(task).toMatchObject({
    id: done.id,
    title: 'Spring launch',
    status: 'complete',
    priority: 10,
  });
  expect(task.runs.map(({ agent, status }) => [agent, status])).toEqual([
    ['vision', 'complete'],
    ['echo', 'complete'],
  ]);
  expect(task.deliveries.map(({ sink, status }) => [sink, status])).toEqual([
    ['folder', 'delivered'],
    ['terminal', 'delivered'],
  ]);
});

test('status without a task tells the state of the queue', async () => {
  const state = await home.json('status');

  expect(state).toMatchObject({ workers: [{ name: 'nightshift', alive: true }] });
});

test('list shows tasks, also only those of one state', async () => {
  const { stdout } = await home.run('list');
  const failed = await home.json('list', '--status', 'failed');

  expect(stdout).toContain(`${short}  complete`);
  expect(failed).toEqual([]);
});

test('watch shows the steps on stderr and the folder alone on stdout', async () => {
  const { code, stdout, stderr } = await home.run('watch', short);
  const { path: folder } = await readTaskFolder(stdout.trim().replace(/\/$/, ''));

  expect(code).toBe(0);
  expect(path.basename(folder)).toBe(done.folderName);
  for (const agent of ['vision', 'echo']) expect(stderr).toMatch(new RegExp(`^${agent} `, 'm'));
  expect(stderr).toContain(`Task ${short} is complete`);
});

test('watch with --json writes one JSON object per line', async () => {
  const { stdout } = await home.run('watch', short, '--json');
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

  expect(new Set(lines.slice(0, -1).map(({ type }) => type))).toEqual(new Set(['progress']));
  expect(lines.at(-1)).toMatchObject({ type: 'task', task: { id: done.id, status: 'complete' } });
});

test('results lists files that are there', async () => {
  const Results = z.object({ folder_url: z.string(), deliverables: z.array(DeliverableView) });

  const results = Results.parse(await home.json('results', short));

  const folder = new URL(results.folder_url);
  const places = results.deliverables.map((file) => new URL(`${file.agent}/${file.name}`, folder));
  expect(places.length).toBeGreaterThan(3);
  expect(places.filter((place) => !existsSync(place))).toEqual([]);
});

test('logs tells the progress in order', async () => {
  const rows = z.array(z.object({ id: z.number() })).parse(await home.json('logs', short));

  const ids = rows.map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(3);
  expect(ids).toEqual(ids.toSorted((a, b) => a - b));
});

test('agents lists the seven', async () => {
  const agents = z.array(z.object({ name: z.string() })).parse(await home.json('agents'));

  expect(agents.map(({ name }) => name).toSorted()).toEqual(agentNames.toSorted());
});

test('cancel ends a task that waits, and refuses one that has ended', async () => {
  const task = await submit('Later', text, '--at', '2099-01-01T22:00');

  const cancelled = await home.json('cancel', task.id.slice(0, 8));
  const again = await home.run('cancel', short);

  expect(cancelled).toEqual({ task_id: task.id, status: 'cancelled' });
  expect(await statusOf(task.id)).toMatchObject({ status: 'cancelled' });
  expect(again).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('ended') });
});

test('retry refuses a task that has nothing to retry', async () => {
  const { code, stderr } = await home.run('retry', short);

  expect(code).toBe(1);
  expect(stderr).toContain('cannot be retried');
});

test('submit --watch follows the task to its end, and emoji and NUL do no harm', async () => {
  const brief = {
    title: 'Grüße 🧴\u0000 an alle',
    description: `${text} 🌱\u0000\ud83d`,
    agents: ['echo'],
  };
  const file = await home.write('emoji.json', JSON.stringify(brief));

  const { code, stdout, stderr } = await home.run('submit', '--file', file, '--watch');

  expect(code, stderr).toBe(0);
  const folder = await readTaskFolder(stdout.trim().replace(/\/$/, ''));
  expect(folder.manifest.task).toMatchObject({ title: 'Grüße 🧴 an alle', outcome: 'complete' });
  expect(path.basename(folder.path)).toMatch(/^task-[a-z0-9-]+$/);
  expect(await folder.read('brief.md')).toContain('🌱');
});

test('a table with broken rows is profiled all the same, and Nova says how many it left out', async () => {
  const sound = ['2026-09-07,88,2464', '2026-09-14,91,2548', '2026-09-21,97,2716'];
  const broken = Array.from({ length: 60 }, (_, at) => `2026-09-28,${at}`);
  const rows = ['week,orders,revenue', ...sound, ...broken, '2026-10-05,"never closed'];
  const table = await home.write('sales.csv', rows.join('\n'));

  const submit = ['submit', 'Sales', text, '--agents', 'nova', '--attach', table, '--watch'];
  const { code, stdout, stderr } = await home.run(...submit);

  expect(code, stderr).toBe(0);
  const folder = await readTaskFolder(stdout.trim().replace(/\/$/, ''));
  const reports = folder.files.filter((file) => /^nova\/.*\.md$/.test(file));
  const texts = await Promise.all(reports.map((file) => folder.read(file)));
  expect(texts.join('\n')).toMatch(/Rows that cannot be read.*\b61\b/);
});

test('an attached text of 5 MB goes through', async () => {
  const notes = await home.write('notes.txt', 'An interview with a customer. '.repeat(166_666));

  const watched = await home.run(
    'submit',
    'Notes',
    text,
    '--agents',
    'vision',
    '-a',
    notes,
    '--watch',
  );

  expect(watched.code, watched.stderr).toBe(0);
});
