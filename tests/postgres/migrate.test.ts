// Migrations: each once, in order, whole or not at all, and never over a newer database.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { migrate, pendingMigrations } from '../../src/postgres/migrate.ts';
import { scratchFolder, silentLog as log } from '../support/cluster.ts';
import { emptyDatabase, freshDatabase } from '../support/database.ts';

const history = 'select version, name, statements from supabase_migrations.schema_migrations';

test('applies the pending files in order, and nothing the second time', async () => {
  await using db = await emptyDatabase();
  await using folder = await folderWith({
    '20260102000000_fill.sql': 'insert into things values (1);\ninsert into things values (2);',
    '20260101000000_create.sql': 'create table public.things (id integer);',
  });

  const first = await migrate({ url: db.adminUrl, log, folder: folder.path });
  const second = await migrate({ url: db.adminUrl, log, folder: folder.path });

  expect(first).toEqual({
    applied: ['20260101000000_create.sql', '20260102000000_fill.sql'],
    current: '20260102000000',
  });
  expect(second).toEqual({ applied: [], current: '20260102000000' });
  expect(await db.sql('select id from public.things')).toHaveLength(2);
});

test('records what it applied as the Supabase CLI does', async () => {
  await using db = await emptyDatabase();
  await using folder = await folderWith({
    '20260101000000_two_things.sql': 'create table a ();\n-- why\ncreate table b ();\n',
  });

  await migrate({ url: db.adminUrl, log, folder: folder.path });

  expect(await db.sql(history)).toEqual([
    {
      version: '20260101000000',
      name: 'two_things',
      statements: ['create table a ()', '-- why\ncreate table b ()'],
    },
  ]);
});

test('applies each file once when many start at the same time', async () => {
  await using db = await emptyDatabase();
  await using folder = await folderWith({
    '20260101000000_create.sql': 'create table public.things (id integer);',
    '20260102000000_fill.sql': 'insert into public.things values (1);',
  });

  const results = await Promise.all(
    Array.from({ length: 5 }, () => migrate({ url: db.adminUrl, log, folder: folder.path })),
  );

  expect(results.flatMap(({ applied }) => applied)).toHaveLength(2);
  expect(await db.sql('select id from public.things')).toHaveLength(1);
});

test('names file, line and statement of a failure, and keeps the version before it', async () => {
  await using db = await emptyDatabase();
  await using folder = await folderWith({
    '20260101000000_good.sql': 'create table public.good ();',
    '20260102000000_bad.sql': 'create table public.bad ();\n\n-- “why” 🌙\nselect 1,\n  missing;',
  });

  const failure = migrate({ url: db.adminUrl, log, folder: folder.path });

  await expect(failure).rejects.toMatchObject({
    code: 'migration_failed',
    message: expect.stringContaining('20260102000000_bad.sql:5:3: column "missing"'),
    facts: { line: 5, column: 3, statement: 'select 1,\n  missing', sqlstate: '42703' },
  });
  expect(await db.sql(history)).toMatchObject([{ version: '20260101000000' }]);
  expect(await db.sql(`select to_regclass('public.bad') as bad`)).toEqual([{ bad: null }]);
});

test('goes on from there once the file is mended', async () => {
  await using db = await emptyDatabase();
  await using folder = await folderWith({ '20260101000000_thing.sql': 'select missing;' });
  await migrate({ url: db.adminUrl, log, folder: folder.path }).catch(() => undefined);
  await writeFile(join(folder.path, '20260101000000_thing.sql'), 'select 1;');

  const { applied } = await migrate({ url: db.adminUrl, log, folder: folder.path });

  expect(applied).toEqual(['20260101000000_thing.sql']);
});

test('refuses a database that a newer version migrated, before it writes anything', async () => {
  await using db = await emptyDatabase();
  await using newer = await folderWith({ '20270101000000_later.sql': 'create table later ();' });
  await using older = await folderWith({ '20260101000000_early.sql': 'create table early ();' });
  await migrate({ url: db.adminUrl, log, folder: newer.path });
  await db.sql('drop schema auth cascade');

  const refused = migrate({ url: db.adminUrl, log, folder: older.path });

  await expect(refused).rejects.toMatchObject({
    code: 'database_newer',
    message: expect.stringContaining('20270101000000'),
  });
  const [found] = await db.sql(
    `select to_regclass('early') as early, to_regnamespace('auth') as auth`,
  );
  expect(found).toEqual({ early: null, auth: null });
});

test('lists what is pending without applying it', async () => {
  await using db = await emptyDatabase();
  await using folder = await folderWith({ '20260101000000_thing.sql': 'create table thing ();' });

  const pending = await pendingMigrations(db.adminUrl, folder.path);

  expect(pending).toEqual(['20260101000000_thing.sql']);
  expect(await db.sql(`select to_regclass('thing') as thing`)).toEqual([{ thing: null }]);
});

test('says which file has a name of another form', async () => {
  await using db = await emptyDatabase();
  await using folder = await folderWith({ '1_short.sql': 'select 1;' });

  const failure = migrate({ url: db.adminUrl, log, folder: folder.path });

  await expect(failure).rejects.toThrow('1_short.sql: its name is not');
});

test('finds nothing left to do where this version has migrated', async () => {
  await using db = await freshDatabase();

  expect(await pendingMigrations(db.adminUrl)).toEqual([]);
});

async function folderWith(
  files: Record<string, string>,
): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(await scratchFolder(), 'nightshift-migrations-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);

  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
