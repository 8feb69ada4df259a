// The commands `backup` and `restore`: what they say, and what they refuse.
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { keepTask } from '../../src/handed-in.ts';
import { checkBackup } from '../../src/postgres/backup/reader.ts';
import { runCli } from '../support/cli.ts';
import { emptyDatabase } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
import { completed, deliverAll, freshQueue } from '../support/queue.ts';

const { signal } = new AbortController();

async function place() {
  const folder = await freshFolder();

  return {
    home: path.join(folder.path, 'home'),
    file: path.join(folder.path, 'night.tar.gz'),
    folder: folder.path,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** A queue with a finished task, published and told, and one at work. */
async function usedQueue() {
  const queue = await freshQueue();
  const { id } = await queue.submit({ title: 'Spring launch', agents: ['echo'] });
  const worker = await queue.worker();
  await worker.settle(...(await worker.claim()).map(completed));
  await deliverAll(queue, worker);
  await queue.submit({ title: 'Autumn mail', agents: ['echo'] });
  await worker.claim();

  return { ...queue, id };
}

test('backs up, says so on stdout, and keeps the rest of what it says to stderr', async () => {
  const { db, ...queue } = await usedQueue();
  await using _ = queue;
  await using there = await place();

  const { code, stdout, stderr } = await runCli(['backup', there.file, '--home', there.home], {
    env: { DATABASE_URL: db.adminUrl },
  });

  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/^Backed up 2 tasks to .+night\.tar\.gz \(.+B\)\.\n$/),
  ]);
  expect(stderr).toMatch(/^public\.tasks \(2 rows\)$/m);
  expect(stderr).toContain('.env and config.yaml');
  expect(stderr).not.toContain('profiles');
});

test('answers in JSON, and writes to the output when asked to', async () => {
  const { db, ...queue } = await usedQueue();
  await using _ = queue;
  await using there = await place();
  const env = { DATABASE_URL: db.adminUrl };

  const asJson = await runCli(['backup', there.file, '--json', '--home', there.home], { env });
  const piped = await runCli(['backup', '-', '--home', there.home], { env });

  const report = JSON.parse(asJson.stdout);
  const manifest = await checkBackup({ file: there.file, signal });
  expect(report).toMatchObject({ id: manifest.id, file: there.file, outputs: null });
  expect(report.tables).toContainEqual({ name: 'public.tasks', rows: 2 });
  expect([piped.code, piped.stdout.charCodeAt(0)]).toEqual([0, 0x1f]);
  expect(piped.stderr).toContain('Backed up 2 tasks to the output');
});

test('restores into an empty database, tells what becomes of open work, and writes the results again', async () => {
  const { db, id, ...queue } = await usedQueue();
  await using _ = queue;
  await using there = await place();
  await using target = await emptyDatabase();
  await runCli(['backup', there.file, '--home', there.home], {
    env: { DATABASE_URL: db.adminUrl },
  });
  const env = { DATABASE_URL: target.adminUrl };

  const { code, stdout } = await runCli(['restore', there.file, '--home', there.home], { env });

  expect(code).toBe(0);
  expect(stdout).toMatch(/^Restored 2 tasks from night\.tar\.gz, made \d{4}-.+ by version /);
  expect(stdout).toContain('1 run and 0 deliveries were at work');
  expect(stdout).toContain('Wrote 1 folder of results.');
  const [task] = await target.sql('select folder_url as url from tasks where id = $1', [id]);
  const folder = fileURLToPath(String(task?.['url']));
  expect(path.dirname(folder)).toBe(path.join(there.home, 'outputs'));
  expect(await readFile(path.join(folder, 'echo', 'echo.md'), 'utf8')).toBe('# echo');
  expect(existsSync(path.join(there.home, 'restore.json'))).toBe(false);
});

test('restores into nothing that is used, and leaves no mark there', async () => {
  const { db, ...queue } = await usedQueue();
  await using _ = queue;
  await using there = await place();
  const env = { DATABASE_URL: db.adminUrl };
  await runCli(['backup', there.file, '--home', there.home], { env });

  const { code, stderr } = await runCli(['restore', there.file, '--home', there.home], { env });

  expect(code).toBe(1);
  expect(stderr).toContain('empty home or database only');
  expect(existsSync(path.join(there.home, 'restore.json'))).toBe(false);
});

test.each([
  ['start', ['start', '--no-sample']],
  ['poll', ['poll', '--once']],
  ['backup', ['backup', 'x.tar.gz']],
])('a home whose restore has not ended says so: %s', async (_name, args) => {
  await using home = await freshFolder();
  const mark = { backup_id: crypto.randomUUID(), file: '/b.tar.gz', started_at: 'now' };
  await writeFile(path.join(home.path, 'restore.json'), JSON.stringify(mark));

  const { code, stderr } = await runCli([...args, '--home', home.path]);

  expect(code).toBe(1);
  expect(stderr).toContain('repeat nightshift restore /b.tar.gz');
  expect(existsSync(path.join(home.path, 'postgres'))).toBe(false);
});

test('refuses what cannot be, and changes nothing', async () => {
  await using there = await place();
  await writeFile(there.file, 'precious');
  const supabase = { SUPABASE_URL: 'http://127.0.0.1:1', SUPABASE_SECRET_KEY: 'sb_secret_x' };
  const home = ['--home', there.home];

  const [nothing, hosted, invalid, absent] = await Promise.all([
    runCli(['backup', `${there.file}.new`, ...home]),
    runCli(['backup', `${there.file}.new`, ...home], { env: supabase }),
    runCli(['restore', there.file, ...home]),
    runCli(['restore', `${there.file}.absent`, ...home]),
  ]);

  expect([nothing.code, nothing.stderr]).toEqual([
    1,
    expect.stringContaining('nothing to back up'),
  ]);
  expect([hosted.code, hosted.stderr]).toEqual([2, expect.stringContaining('set DATABASE_URL')]);
  expect([invalid.code, invalid.stderr]).toEqual([1, expect.stringContaining('not whole')]);
  expect([absent.code, absent.stderr]).toEqual([2, expect.stringContaining('cannot be read')]);
  expect(await readdir(there.folder)).toEqual(['night.tar.gz']);
});

test('says which briefs are not in it yet', async () => {
  const { db, ...queue } = await usedQueue();
  await using _ = queue;
  await using there = await place();
  const brief = {
    id: crypto.randomUUID(),
    title: 'Kept',
    description: 'While the database was away.',
  };
  await keepTask(there.home, brief);

  const { code, stderr } = await runCli(['backup', there.file, '--home', there.home], {
    env: { DATABASE_URL: db.adminUrl },
  });

  expect([code, stderr]).toEqual([
    0,
    expect.stringContaining('Not in it: 1 brief that this machine keeps'),
  ]);
});

test('replaces no file that is there, but with --force', async () => {
  const { db, ...queue } = await usedQueue();
  await using _ = queue;
  await using there = await place();
  await writeFile(there.file, 'precious');
  const env = { DATABASE_URL: db.adminUrl };
  const backup = ['backup', there.file, '--home', there.home];

  const refused = await runCli(backup, { env });
  const unchanged = await readFile(there.file, 'utf8');
  const forced = await runCli([...backup, '--force'], { env });

  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--force')]);
  expect([unchanged, forced.code]).toEqual(['precious', 0]);
});
