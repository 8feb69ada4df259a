// Upgrades of the schema: at one go, file by file with work in between, and by many at once, all come to the same.
import { expect, test } from 'vitest';

import { migrate } from '../../src/postgres/migrate.ts';
import { readMigrations } from '../../src/postgres/migrations.ts';
import { silentLog as log, type TestDatabase } from '../support/cluster.ts';
import { emptyDatabase } from '../support/database.ts';
import { migrationsFolder, releasedCount } from '../support/migrations.ts';
import { catalogOf } from './support/catalog.ts';
import { type FormerWorker, formerWorker } from './support/former-worker.ts';
import { finalFaultsIn } from './support/invariants.ts';
import { scaled } from './support/scale.ts';

test('one file at a time makes the same database as all at one go', async () => {
  await using whole = await databaseBefore();
  await using stepwise = await databaseBefore();
  await migrate({ url: whole.adminUrl, log });

  for (const count of (await readMigrations()).keys()) await migrateTo(stepwise, count + 1);

  expect(await catalogOf(stepwise.sql)).toEqual(await catalogOf(whole.sql));
});

test('tasks of a released version are worked off through every later one, and the database ends up the same', async () => {
  await using whole = await databaseBefore();
  await using busy = await databaseBefore();
  await migrate({ url: whole.adminUrl, log });
  await migrateTo(busy, releasedCount);
  await using worker = await formerWorker(busy);
  const { length: all } = await readMigrations();
  const held: { id: number; attempt: number }[] = [];

  for (let count = releasedCount; count <= all; count += 1) {
    await migrateTo(busy, count);
    await halfWork(worker, held, `handed in at ${count}`);
  }
  await workOff(worker, held);

  expect(await finalFaultsIn(busy.sql)).toEqual([]);
  const ended = await busy.sql('select status, count(*)::int from tasks group by 1');
  expect(ended).toEqual([{ status: 'complete', count: 2 * (all - releasedCount + 1) }]);
  expect(await catalogOf(busy.sql)).toEqual(await catalogOf(whole.sql));
});

test('a second migration changes nothing and writes nothing', async () => {
  await using db = await emptyDatabase();
  await migrate({ url: db.adminUrl, log });
  const before = [await catalogOf(db.sql), await historyOf(db)];
  // Whatever writes fails.
  await db.sql(`alter database ${db.name} set default_transaction_read_only = on`);

  const again = await migrate({ url: db.adminUrl, log });
  await db.sql(`alter database ${db.name} reset default_transaction_read_only`);

  expect(again.applied).toEqual([]);
  expect([await catalogOf(db.sql), await historyOf(db)]).toEqual(before);
});

test.each([
  ['an empty database', 0],
  ['a database of the release', releasedCount],
])('eight that migrate %s at once apply each file once', async (_what, count) => {
  const { length: all } = await readMigrations();

  for (let round = 0; round < scaled(1, 50); round += 1) {
    await using db = await emptyDatabase();
    if (count > 0) await migrateTo(db, count);

    const eight = Array.from({ length: 8 }, () => migrate({ url: db.adminUrl, log }));
    const applied = (await Promise.all(eight)).map((result) => result.applied.length);

    expect(applied.toSorted()).toEqual([0, 0, 0, 0, 0, 0, 0, all - count]);
    expect(await historyOf(db)).toHaveLength(all);
  }
});

/** Nothing of ours is in it, but what Supabase has and the migrations add to. */
async function databaseBefore(): Promise<TestDatabase> {
  const db = await emptyDatabase();
  await db.sql('create publication supabase_realtime');

  return db;
}

async function migrateTo(db: TestDatabase, count: number): Promise<void> {
  await using folder = await migrationsFolder(count);
  await migrate({ url: db.adminUrl, log, folder: folder.path });
}

async function historyOf(db: TestDatabase): Promise<unknown[]> {
  return await db.sql('select * from supabase_migrations.schema_migrations order by version');
}

/** Ends what was begun before the upgrade, begins more, and leaves some of it unclaimed, running and undelivered. */
async function halfWork(
  worker: FormerWorker,
  held: { id: number; attempt: number }[],
  title: string,
): Promise<void> {
  const answers = await worker.complete(held.splice(0));
  expect(answers.filter((answer) => answer !== 'ok')).toEqual([]);
  await worker.submit(title);
  await worker.submit(title);
  held.push(...(await worker.claim(3)));
  expect(await worker.complete(held.splice(0, 1))).toEqual(['ok']);
}

async function workOff(worker: FormerWorker, held: { id: number; attempt: number }[]) {
  await worker.complete(held);
  await worker.complete(await worker.claim(500));
  await worker.deliver();
}
