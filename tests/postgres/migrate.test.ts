// Migrations: each once, in order, whole or not at all; and what is noticed about those applied before.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';

import { inspectSchema, migrate, pendingMigrations } from '../../src/postgres/migrate.ts';
import { scratchFolder, silentLog as log } from '../support/cluster.ts';
import { emptyDatabase, freshDatabase } from '../support/database.ts';

const released = 'create table a (id integer);\ncreate table b ();\n';
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

test('waits for another that migrates for as long as it takes, says so, and can be called off', async () => {
  await using db = await emptyDatabase();
  await using folder = await folderWith({ '20260101000000_thing.sql': 'create table thing ();' });
  const others = await holdMigrationLock(db.adminUrl);
  const { promise: said, resolve } = Promise.withResolvers<string>();
  const off = new AbortController();
  const options = { url: db.adminUrl, folder: folder.path };

  const waiting = migrate({ ...options, log: { ...log, warn: resolve } });
  const calledOff = migrate({ ...options, log, signal: off.signal });
  off.abort();

  await expect(calledOff).rejects.toMatchObject({ name: 'AbortError' });
  expect(await said).toContain('another machine migrates');
  await others.end();
  expect(await waiting).toMatchObject({ applied: ['20260101000000_thing.sql'] });
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

test("another program's migrations in the same history are no hindrance", async () => {
  await using db = await emptyDatabase();
  await using theirs = await folderWith({ '20270101000000_theirs.sql': 'create table theirs ();' });
  await using ours = await folderWith({ '20260101000000_ours.sql': 'create table ours ();' });
  await migrate({ url: db.adminUrl, log, folder: theirs.path });

  const { applied } = await migrate({ url: db.adminUrl, log, folder: ours.path });

  expect(applied).toEqual(['20260101000000_ours.sql']);
});

test('writes nothing at all where nothing is pending', async () => {
  await using db = await emptyDatabase();
  await migrate({ url: db.adminUrl, log });
  await db.sql(`alter database ${db.name} set default_transaction_read_only = on`);

  const again = await migrate({ url: db.adminUrl, log });

  expect(again).toMatchObject({ applied: [], current: expect.stringMatching(/^\d{14}$/) });
});

test.each([
  ['a changed statement', 'create table a (id bigint);\ncreate table b ();\n', true],
  ['a further statement', `${released}create table c ();\n`, true],
  ['a statement less', 'create table a (id integer);\n', true],
  ['other spaces and a comment behind', `${released.replace('\n', '\r\n')}\n-- the end\n`, false],
])('notices a file that was edited after it was applied: %s', async (_what, text, noticed) => {
  await using db = await emptyDatabase();
  const file = '20260101000000_two.sql';
  await using folder = await folderWith({ [file]: released });
  await migrate({ url: db.adminUrl, log, folder: folder.path });
  await writeFile(join(folder.path, file), text);
  const warned: unknown[] = [];
  const listening = { ...log, warn: (_: string, facts: unknown) => void warned.push(facts) };

  await migrate({ url: db.adminUrl, log: listening, folder: folder.path });

  expect(warned).toEqual(noticed ? [expect.objectContaining({ files: [file] })] : []);
  const { edited } = await inspectSchema(db.adminUrl, folder.path);
  expect(edited).toEqual(noticed ? [file] : []);
});

test('a history that the Supabase CLI wrote, or that was marked by hand, is taken as it is', async () => {
  await using db = await emptyDatabase();
  await using folder = await folderWith({ '20260101000000_two.sql': `${released}-- the end` });
  await migrate({ url: db.adminUrl, log, folder: folder.path });
  const look = async () => (await inspectSchema(db.adminUrl, folder.path)).edited;

  await db.sql(`update supabase_migrations.schema_migrations set statements = $1`, [
    ['create table a (id integer)', 'create table b ();', '-- the end'],
  ]);
  const byCli = await look();
  await db.sql('alter table supabase_migrations.schema_migrations drop column statements');
  const byHand = await look();

  expect({ byCli, byHand }).toEqual({ byCli: [], byHand: [] });
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

/** As a machine that is migrating holds it, until its connection ends. */
async function holdMigrationLock(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('select pg_advisory_lock(7381120956)');

  return client;
}

async function folderWith(
  files: Record<string, string>,
): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(await scratchFolder(), 'nightshift-migrations-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);

  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
