// A restore: of a file that is whole, into an empty database, all of it or nothing.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { parseManifest } from '../../src/postgres/backup/manifest.ts';
import { checkBackup } from '../../src/postgres/backup/reader.ts';
import { migrate, pendingMigrations } from '../../src/postgres/migrate.ts';
import { readMigrations } from '../../src/postgres/migrations.ts';
import { assertKnown } from '../../src/postgres/restore.ts';
import { faultsIn } from '../chaos/support/invariants.ts';
import { silentLog as log } from '../support/cluster.ts';
import { emptyDatabase, freshDatabase } from '../support/database.ts';
import { laterVersion, migrationsFolder, releasedCount } from '../support/migrations.ts';
import { freshQueue } from '../support/queue.ts';
import {
  archiveOf,
  backUpTo,
  calm,
  contentsOf,
  freshPlace,
  ordinaryOwner,
  restoreFrom,
} from './backups.ts';

describe('the target', () => {
  test('may be migrated, and known to a daemon that has stopped, but not used', async () => {
    await using source = await freshQueue();
    await using place = await freshPlace();
    await using target = await freshQueue();
    await source.submit();
    await backUpTo(source.db, place.file);
    const worker = await target.worker();

    const alive = restoreFrom(target.db, place);
    await expect(alive).rejects.toMatchObject({ code: 'home_not_empty' });
    await target.queue.retireWorker(worker.id);
    await restoreFrom(target.db, place);
    const before = await contentsOf(target.db);
    const again = restoreFrom(target.db, place);

    await expect(again).rejects.toMatchObject({ code: 'home_not_empty' });
    expect(await contentsOf(target.db)).toEqual(before);
  });

  test('is known again by a repeat of the restore that filled it', async () => {
    await using source = await freshQueue();
    await using place = await freshPlace();
    await using target = await emptyDatabase();
    await source.submit({ agents: ['echo'] });
    await (await source.worker()).claim();
    await backUpTo(source.db, place.file);

    const first = await restoreFrom(target, place);
    const second = await restoreFrom(target, place, { isRepeated: true });

    expect(first).toEqual({ runs: 1, deliveries: 0, notifications: 0 });
    expect(second).toEqual(first);
  });

  test('may belong to a login that is no superuser', async () => {
    await using source = await freshQueue();
    await using place = await freshPlace();
    await using target = await emptyDatabase();
    await using owner = await ordinaryOwner(target);
    await source.db.sql('insert into auth.users (id) values (gen_random_uuid())');
    await source.db.sql('insert into profiles (user_id) select id from auth.users');
    const { id } = await source.submit();
    await source.submit({ dependsOn: [id] });
    await backUpTo(source.db, place.file);

    await restoreFrom({ adminUrl: owner.url }, place);
    await backUpTo({ adminUrl: owner.url }, join(place.folder, 'again'));

    expect(await contentsOf(target)).toEqual(await contentsOf(source.db));
  });

  test('keeps nothing of a restore that was called off, or failed on its last step, and takes the next', async () => {
    await using source = await freshQueue();
    await using place = await freshPlace();
    await using target = await emptyDatabase();
    await source.submit();
    const off = new AbortController();
    const { manifest } = await backUpTo(source.db, place.file);

    const calledOff = restoreFrom(target, place, {
      signal: off.signal,
      onProgress: ({ part }) => void (part === 'public.agent_runs' && off.abort()),
    });
    await expect(calledOff).rejects.toMatchObject({ name: 'AbortError' });
    const failing = restoreFrom(target, place, { manifest: { ...manifest, created_at: 'never' } });
    await expect(failing).rejects.toMatchObject({ code: 'database_failed' });

    expect(await target.sql(`select to_regclass('public.tasks') as found`)).toEqual([
      { found: null },
    ]);
    await restoreFrom(target, place);
    expect(await contentsOf(target)).toEqual(await contentsOf(source.db));
  });
});

describe('versions', () => {
  test('a backup of the first release is restored and brought up to this version', async () => {
    await using source = await emptyDatabase();
    await using place = await freshPlace();
    await using target = await emptyDatabase();
    await using folder = await migrationsFolder(releasedCount);
    await migrate({ url: source.adminUrl, log, folder: folder.path });
    await source.sql(`insert into tasks (title) values ('Old')`);
    await source.sql(`update agent_runs set status = 'running', attempt = 1, worker_id = gen_random_uuid(),
      claim_id = gen_random_uuid(), claimed_at = now(), started_at = now(), deadline_at = now() where agent = 'echo'`);

    const { manifest } = await backUpTo(source, place.file);
    const summary = await restoreFrom(target, place);

    expect(manifest.migrations).toHaveLength(releasedCount);
    expect(summary).toMatchObject({ runs: 1 });
    expect(await pendingMigrations(target.adminUrl)).toEqual([]);
    expect(await target.sql('select title from tasks')).toEqual([{ title: 'Old' }]);
    expect(await faultsIn(target.sql)).toEqual([]);
  });

  test('a backup of a later version is refused by name', async () => {
    await using db = await freshDatabase();
    await using place = await freshPlace();
    const { manifest } = await backUpTo(db, place.file);
    const later = { ...manifest, migrations: [...manifest.migrations, laterVersion] };
    const migrations = await readMigrations();

    expect(() => assertKnown(later, migrations)).toThrow(laterVersion);
    expect(() => parseManifest(JSON.stringify({ ...manifest, format: 2 }))).toThrow(
      'newer version',
    );
    expect(() => parseManifest(JSON.stringify({ ...manifest, tables: 1 }))).toThrow('manifest');
  });

  test('a database that went further than the backup is left alone', async () => {
    await using source = await emptyDatabase();
    await using place = await freshPlace();
    await using target = await freshDatabase();
    await using folder = await migrationsFolder(releasedCount);
    await migrate({ url: source.adminUrl, log, folder: folder.path });
    await backUpTo(source, place.file);

    const refused = restoreFrom(target, place);

    await expect(refused).rejects.toMatchObject({ code: 'home_not_empty' });
  });
});

describe('published files', () => {
  test('that came along are linked where they are now', async () => {
    await using source = await freshQueue();
    await using place = await freshPlace();
    await using target = await emptyDatabase();
    const [local, shared] = [await source.submit(), await source.submit()];
    const url = pathToFileURL(join(place.outputs, local.folderName)).href;
    await source.db.sql('update tasks set folder_url = $2 where id = $1', [local.id, `${url}/`]);
    await source.db.sql(`update tasks set folder_url = 'https://drive.example/1' where id = $1`, [
      shared.id,
    ]);
    await mkdir(join(place.outputs, local.folderName), { recursive: true });
    await writeFile(join(place.outputs, local.folderName, 'a.md'), 'a');
    await backUpTo(source.db, place.file, { outputsFolder: place.outputs });

    const there = join(place.folder, 'there');
    await restoreFrom(target, { ...place, outputs: there });

    const links = await target.sql('select folder_url as url from tasks order by folder_url');
    expect(links.map((row) => row['url'])).toEqual([
      `${pathToFileURL(join(there, local.folderName)).href}/`,
      'https://drive.example/1',
    ]);
    expect(await readdir(there, { recursive: true })).toContain(join(local.folderName, 'a.md'));
  });

  test.each([
    'outputs/../escaped',
    'outputs//etc/escaped',
    '../escaped',
    '/escaped',
    'outputs/a/../../../b',
  ])('cannot lead out of their folder: %s', async (name) => {
    await using db = await freshDatabase();
    await using place = await freshPlace();
    await using target = await emptyDatabase();
    const { manifest } = await backUpTo(db, place.file, { outputsFolder: place.outputs });
    const first = Buffer.from(JSON.stringify(manifest));
    await writeFile(place.file, archiveOf({ 'manifest.json': first, [name]: Buffer.from('x') }));

    const refused = restoreFrom(target, place, { manifest });

    await expect(refused).rejects.toMatchObject({ code: 'backup_invalid' });
    expect(await readdir(place.folder)).toEqual(['backup.tar.gz']);
  });
});

test('a file that is no backup is refused, whatever it is', async () => {
  await using place = await freshPlace();
  const files = {
    text: Buffer.from('no backup at all'),
    empty: Buffer.alloc(0),
    gzip: gzipSync('something else'),
    zeros: gzipSync(Buffer.alloc(10_240)),
    tar: archiveOf({ 'a.txt': Buffer.from('a') }),
  };

  for (const [name, content] of Object.entries(files)) {
    await writeFile(place.file, content);
    const refused = checkBackup({ file: place.file, signal: calm });
    await expect(refused, name).rejects.toMatchObject({ code: 'backup_invalid' });
  }
  const absent = checkBackup({ file: join(place.folder, 'absent'), signal: calm });
  await expect(absent).rejects.toMatchObject({ code: 'file_not_readable' });
});
