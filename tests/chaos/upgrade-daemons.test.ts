// Real daemons that find a database of the release, at the same time or after one that was killed in the middle of it.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { migrate } from '../../src/postgres/migrate.ts';
import { readMigrations } from '../../src/postgres/migrations.ts';
import { silentLog as log, type TestDatabase } from '../support/cluster.ts';
import { type Home, temporaryHome } from '../support/daemon.ts';
import { emptyDatabase, freshDatabase } from '../support/database.ts';
import { migrationsFolder, releasedCount } from '../support/migrations.ts';
import { holdHistory, holdTable, waiters } from './support/backends.ts';
import { catalogOf } from './support/catalog.ts';
import { scaled } from './support/scale.ts';

const quiet = { args: ['--no-sample'] };

test('daemons that start at once on a database of the release migrate it once, and all serve', async () => {
  await using db = await releasedDatabase();
  await using stack = new AsyncDisposableStack();
  const homes = await Promise.all(
    Array.from({ length: scaled(2, 8) }, () => temporaryHome({ DATABASE_URL: db.adminUrl })),
  );
  for (const home of homes) stack.use(home);

  const daemons = await Promise.all(homes.map((home) => home.start(quiet)));

  const { length: all } = await readMigrations();
  const applied = (await Promise.all(homes.map(logOf))).join('').match(/applied a migration/g);
  expect(applied).toHaveLength(all - releasedCount);
  await expectUpgraded(db);
  expect(await Promise.all(daemons.map((daemon) => daemon.stop()))).toEqual(homes.map(() => 0));
}, 120_000);

test('one that is killed within a migration leaves what was before; the next has waited, and goes on', async () => {
  await using db = await releasedDatabase();
  await using killed = await temporaryHome({ DATABASE_URL: db.adminUrl });
  await using next = await temporaryHome({ DATABASE_URL: db.adminUrl });
  await using table = await holdTable(db, 'public.workers');
  const first = killed.launch(quiet);
  await waiters(db, 'relation');
  const before = await versionsIn(db);

  first.kill('SIGKILL');
  await first.ended;
  const second = next.launch(quiet);
  await waiters(db, 'advisory');
  expect(await versionsIn(db)).toEqual(before);
  await table.release();
  const daemon = await next.served(second);

  await expectUpgraded(db);
  expect(await daemon.stop()).toBe(0);
}, 60_000);

test('the schema of each version on the way is whole: a kill falls before a file or behind it', async () => {
  await using db = await releasedDatabase();
  await using unhurt = await releasedDatabase();
  const { length: all } = await readMigrations();

  for (let count = releasedCount; count < all; count += 1) {
    await migrateTo(db, count);
    await migrateTo(unhurt, count);
    await killWithinNext(db, count + 1);

    expect(await catalogOf(db.sql)).toEqual(await catalogOf(unhurt.sql));
  }
}, 60_000);

async function releasedDatabase(): Promise<TestDatabase> {
  const db = await emptyDatabase();
  await migrateTo(db, releasedCount);

  return db;
}

async function migrateTo(db: TestDatabase, count: number): Promise<void> {
  await using folder = await migrationsFolder(count);
  await migrate({ url: db.adminUrl, log, folder: folder.path });
}

/** Ends the session that migrates when it has run the whole file and is about to write it into the history. */
async function killWithinNext(db: TestDatabase, count: number): Promise<void> {
  await using folder = await migrationsFolder(count);
  await using entry = await holdHistory(db);

  const cut = migrate({ url: db.adminUrl, log, folder: folder.path }).then(
    () => 'whole',
    () => 'cut',
  );
  await waiters(db, 'advisory');
  await db.sql(`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`);

  expect(await cut).toBe('cut');
  await entry.release();
}

async function logOf(home: Home): Promise<string> {
  const folder = path.join(home.path, 'logs');
  const texts = (await readdir(folder)).map((name) => readFile(path.join(folder, name), 'utf8'));

  return (await Promise.all(texts)).join('\n');
}

async function versionsIn(db: TestDatabase): Promise<unknown[]> {
  return await db.sql('select version from supabase_migrations.schema_migrations order by 1');
}

async function expectUpgraded(db: TestDatabase): Promise<void> {
  await using fresh = await freshDatabase();

  expect(await versionsIn(db)).toEqual(await versionsIn(fresh));
  expect(await catalogOf(db.sql)).toEqual(await catalogOf(fresh.sql));
}
