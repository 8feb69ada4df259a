// A backup: all that a database keeps, as it was at one moment; and a file that is whole or not there.
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';

import { expect, test } from 'vitest';

import { emptyDatabase, freshDatabase } from '../support/database.ts';
import { laterFolder } from '../support/migrations.ts';
import { brief, completed, deliverAll, freshQueue } from '../support/queue.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { checkBackup } from '../../src/postgres/backup/reader.ts';
import { silentLog } from '../support/cluster.ts';
import { backUpTo, calm, contentsOf, freshPlace, restoreFrom } from './backups.ts';

test('brings back every row, and goes on counting where it was', async () => {
  await using queue = await freshQueue();
  await using place = await freshPlace();
  await using other = await emptyDatabase();
  await queue.db.sql(
    `insert into auth.users (id, email) values (gen_random_uuid(), 'a@b.example')`,
  );
  await queue.db.sql(`insert into profiles (user_id, weight) select id, 2 from auth.users`);
  const { id } = await queue.submit({ title: 'Übung\\n\tmit "allem" \u0001', agents: ['echo'] });
  await queue.submit({ dependsOn: [id], agents: ['vision'] });
  const worker = await queue.worker();
  await worker.settle(...(await worker.claim()).map(completed));
  await deliverAll(queue, worker);
  await queue.db.sql('update sinks set enabled = false, updated_at = now()');
  const before = await contentsOf(queue.db);

  await backUpTo(queue.db, place.file);
  await restoreFrom(other, place);

  expect({ ...(await contentsOf(other)), 'public.sinks': [] }).toEqual({
    ...before,
    'public.sinks': [],
  });
  const task = `insert into tasks (title) values ('Next') returning folder_name`;
  const [[there], [here]] = [await queue.db.sql(task), await other.sql(task)];
  expect(here).toEqual(there);
});

test('holds one moment, whatever is written while it is made', async () => {
  await using queue = await freshQueue();
  await using place = await freshPlace();
  // More than any buffer on the way takes, and read before the tasks.
  await queue.db.sql(`insert into auth.users (id) values (gen_random_uuid())`);
  await queue.db.sql(`insert into profiles (user_id, display_name) select id, (
    select string_agg(sha512(number::text::bytea)::text, '') from generate_series(1, 100000) as number
  ) from auth.users`);
  await queue.submit({ title: 'Before' });
  const chunks: Buffer[] = [];
  const slow = new Writable({
    async write(chunk: Buffer, _encoding, done) {
      if (chunks.length === 0) await queue.submit({ title: 'Meanwhile' });
      chunks.push(chunk);
      done();
    },
  });

  const { manifest } = await backUpTo(queue.db, place.file, { to: slow });

  const text = gunzipSync(Buffer.concat(chunks)).toString();
  expect(text).toContain('\tBefore\t');
  expect(text).not.toContain('\tMeanwhile\t');
  expect(manifest.tables.find(({ name }) => name === 'public.tasks')?.rows).toBe(1);
  expect(await queue.db.sql('select from tasks')).toHaveLength(2);
});

test('can be looked at and checked with the tools of the system', async () => {
  await using queue = await freshQueue();
  await using place = await freshPlace();
  await queue.submit();
  const run = promisify(execFile);

  await backUpTo(queue.db, place.file);

  await run('tar', ['-xzf', place.file, '-C', place.folder]);
  const names = (await run('tar', ['-tzf', place.file])).stdout.trim().split('\n');
  expect([names[0], names.at(-1)]).toEqual(['manifest.json', 'SHA256SUMS']);
  const sums = (await readFile(join(place.folder, 'SHA256SUMS'), 'utf8')).trim().split('\n');
  expect(sums.map((line) => line.split('  ')[1])).toEqual(names.slice(0, -1));
  const tasks = await readFile(join(place.folder, 'tables/public.tasks/00000001.copy'), 'utf8');
  expect(tasks).toContain(brief.title);
});

test('is for its owner only, and takes the place of another file only when told to', async () => {
  await using db = await freshDatabase();
  await using place = await freshPlace();
  await writeFile(place.file, 'precious');

  const refused = backUpTo(db, place.file);

  await expect(refused).rejects.toMatchObject({ code: 'file_exists' });
  expect(await readFile(place.file, 'utf8')).toBe('precious');
  await backUpTo(db, place.file, { to: { file: place.file, force: true } });
  expect((await stat(place.file)).mode & 0o777).toBe(0o600);
  expect(await readdir(place.folder)).toEqual(['backup.tar.gz']);
});

test('leaves nothing when it is called off, or loses the database, in the middle', async () => {
  await using db = await freshDatabase();
  await using place = await freshPlace();
  const off = new AbortController();
  const others = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'nightshift' and pid <> pg_backend_pid()`;
  let killing: Promise<unknown> | undefined;

  const calledOff = backUpTo(db, place.file, { signal: off.signal, onProgress: () => off.abort() });
  await expect(calledOff).rejects.toMatchObject({ name: 'AbortError' });
  const cut = backUpTo(db, place.file, {
    to: { file: place.file, force: false },
    outputsFolder: null,
    onProgress: () => void (killing ??= db.sql(others)),
  });

  // It may have read all of so small a database before the kill arrived.
  const outcome = await cut.then(
    () => 'whole',
    (error: unknown) => error,
  );
  await killing;
  if (outcome === 'whole') await checkBackup({ file: place.file, signal: calm });
  else expect(outcome).toMatchObject({ code: 'database_failed' });
  expect(await readdir(place.folder)).toEqual(outcome === 'whole' ? ['backup.tar.gz'] : []);
});

test('takes the published files along when asked to, but no drafts and no links', async () => {
  await using db = await freshDatabase();
  await using place = await freshPlace();
  const long = `${'ä'.repeat(80)}\n=1`;
  await mkdir(join(place.outputs, `task-1/${long}`), { recursive: true });
  await mkdir(join(place.outputs, '.task-2.partial'));
  await writeFile(join(place.outputs, `task-1/${long}/a.md`), 'results', { mode: 0o640 });
  await writeFile(join(place.outputs, 'task-1/empty'), '');
  await writeFile(join(place.outputs, '.task-2.partial/draft'), 'half');
  await promisify(execFile)('ln', ['-s', '/etc/passwd', join(place.outputs, 'task-1/link')]);
  await using other = await emptyDatabase();
  const target = join(place.folder, 'elsewhere');

  const { outputs } = await backUpTo(db, place.file, { outputsFolder: place.outputs });
  await restoreFrom(other, { file: place.file, outputs: target });

  expect(outputs).toBe(2);
  const names = await readdir(target, { recursive: true });
  expect(names.toSorted()).toEqual([
    'task-1',
    'task-1/empty',
    `task-1/${long}`,
    `task-1/${long}/a.md`,
  ]);
  const file = join(target, `task-1/${long}/a.md`);
  expect(await readFile(file, 'utf8')).toBe('results');
  expect((await stat(file)).mode & 0o777).toBe(0o640);
});

test('keeps of users what others refer to, and none of their secrets', async () => {
  await using db = await freshDatabase();
  await using place = await freshPlace();
  await db.sql('alter table auth.users add column encrypted_password text');
  await db.sql(
    `insert into auth.users (id, encrypted_password) values (gen_random_uuid(), '$2a$10$hash')`,
  );
  await using other = await emptyDatabase();

  await backUpTo(db, place.file);
  await restoreFrom(other, place);

  const text = gunzipSync(await readFile(place.file)).toString();
  expect(text).not.toMatch(/\$2a\$10|encrypted_password/);
  expect(await other.sql('select id from auth.users')).toEqual(
    await db.sql('select id from auth.users'),
  );
});

test('refuses a database that holds more than this version knows, and one without anything', async () => {
  await using newer = await freshDatabase();
  await using folder = await laterFolder('create table public.later ();');
  await migrate({ url: newer.adminUrl, log: silentLog, folder: folder.path });
  await using empty = await emptyDatabase();
  await using place = await freshPlace();

  const [tooNew, nothing] = await Promise.allSettled([
    backUpTo(newer, place.file),
    backUpTo(empty, place.file),
  ]);

  expect(tooNew).toMatchObject({ reason: { code: 'database_newer' } });
  expect(nothing).toMatchObject({ reason: { code: 'nothing_to_back_up' } });
  expect(await readdir(place.folder)).toEqual([]);
});
