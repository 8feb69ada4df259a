// A database that is newer than this build: worked with where that can be, refused in plain words where it cannot.
import { expect, test } from 'vitest';

import type { Log } from '../../src/core/ports.ts';
import { inspectDatabase } from '../../src/postgres/inspect.ts';
import { migrate, pendingMigrations } from '../../src/postgres/migrate.ts';
import { readMigrations } from '../../src/postgres/migrations.ts';
import { checkSupabase } from '../../src/queue/supabase-check.ts';
import { createSupabaseTransport } from '../../src/queue/supabase-transport.ts';
import { silentLog, type TestDatabase } from '../support/cluster.ts';
import { freshDatabase } from '../support/database.ts';
import { laterFolder, laterVersion as later } from '../support/migrations.ts';
import { secretKey, startPostgrest } from '../support/postgrest-server.ts';
import { completed, freshQueue, transports } from '../support/queue.ts';
import { until } from '../support/until.ts';

const breaking = `select nightshift.require_client('${later}');\ncreate table public.later ();`;

test('a newer database that this build can work with is worked with, and that is said once', async () => {
  await using db = await freshDatabase();
  await migrateTo(db, 'create table public.later ();');
  const { log, warnings } = listening();

  const { applied } = await migrate({ url: db.adminUrl, log });

  expect(applied).toEqual([]);
  expect(warnings).toEqual([
    ['the database has migrations that this version does not know: it works with them', later],
  ]);
  expect(await pendingMigrations(db.adminUrl)).toEqual([]);
});

test('one that needs a newer build is refused by migrate, by commands and by the doctor alike', async () => {
  await using db = await freshDatabase();
  await migrateTo(db, breaking);
  await using server = await startPostgrest(db.workerUrl);
  const transport = createSupabaseTransport({ url: server.url, key: secretKey, log: silentLog });
  const newer = { code: 'database_newer', message: expect.stringContaining(`needs ${later}`) };

  const looked = await inspectDatabase(db.workerUrl, db.adminUrl);

  await expect(migrate({ url: db.adminUrl, log: silentLog })).rejects.toMatchObject(newer);
  await expect(pendingMigrations(db.adminUrl)).rejects.toMatchObject(newer);
  const check = readMigrations().then((known) => checkSupabase(transport, known, silentLog));
  await expect(check).rejects.toMatchObject(newer);
  expect(looked).toMatchObject({ pending: [], newer: expect.stringContaining('update this') });
});

test('the refusal comes before anything is written', async () => {
  await using db = await freshDatabase();
  await migrateTo(db, breaking);
  await db.sql('drop schema auth cascade');

  const refused = migrate({ url: db.adminUrl, log: silentLog });

  await expect(refused).rejects.toMatchObject({ code: 'database_newer' });
  expect(await db.sql(`select to_regnamespace('auth') as auth`)).toEqual([{ auth: null }]);
});

test.each(transports)('over %s a worker is admitted from the required version on', async (name) => {
  await using queue = await freshQueue(name);
  await queue.db.sql(`select nightshift.require_client('${later}')`);

  const older = queue.worker({ schema: '29981231235959' });
  const unknowing = queue.worker();
  const refused = await Promise.allSettled([older, unknowing]);

  const newer = { code: 'database_newer', message: expect.stringContaining(later) };
  expect(refused).toMatchObject([{ reason: newer }, { reason: newer }]);
  await expect(queue.worker({ schema: later })).resolves.toMatchObject({});
  expect(await queue.db.sql('select from workers')).toHaveLength(1);
});

test('a worker whose build is too old from now on loses its work to others, without costing a try', async () => {
  await using queue = await freshQueue();
  const [old, young] = [await queue.worker(), await queue.worker({ schema: later })];
  await queue.submit({ agents: ['echo'] });
  const [run] = await old.claim();

  await queue.db.sql(`select nightshift.require_client('${later}')`);
  const [again] = await young.claim();

  expect(run).toMatchObject({ attempt: 1 });
  expect(again).toMatchObject({ id: run?.id, attempt: 2 });
  expect(await queue.db.sql('select refunds from agent_runs')).toEqual([{ refunds: 1 }]);
  await expect(old.claim()).rejects.toMatchObject({ code: 'worker_unknown' });
  expect(run && (await old.settle(completed(run)))).toMatchObject([{ answer: 'lost' }]);
});

test('a registration under way while the requirement is raised does not slip through', async () => {
  await using queue = await freshQueue();
  const registering = await queue.pool.connect();
  await registering.query('begin');
  await registering.query(
    `select register_worker(gen_random_uuid(), 'slow', '0', 45, '[]', '{"baseMs": 1, "capMs": 1}', null)`,
  );

  const raised = queue.db.sql(`select nightshift.require_client('${later}')`);
  await until(async () => (await queue.db.sql(waiting)).length > 0);
  await registering.query('commit');
  registering.release();
  await raised;

  const left = await queue.db.sql('select name from workers where retired_at is null');
  expect(left).toEqual([]);
});

test('a requirement is never lowered, and workers cannot change it', async () => {
  await using queue = await freshQueue();
  const raise = (version: string) => `select nightshift.require_client('${version}')`;
  await queue.db.sql(raise(later));

  await queue.db.sql(raise('20990101000000'));

  const [required] = await queue.db.sql('select oldest_client from nightshift.compatibility');
  expect(required).toEqual({ oldest_client: later });
  await expect(queue.pool.query(raise('29990101000001'))).rejects.toMatchObject({ code: '42501' });
  const change = queue.pool.query(`update nightshift.compatibility set oldest_client = '0'`);
  await expect(change).rejects.toMatchObject({ code: '42501' });
});

const waiting = `
  select from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock' and query like '%require_client%'`;

/** Migrates as a newer Nightshift would, whose last file says this. */
async function migrateTo(db: TestDatabase, text: string): Promise<void> {
  await using folder = await laterFolder(text);
  await migrate({ url: db.adminUrl, log: silentLog, folder: folder.path });
}

function listening(): { log: Log; warnings: unknown[] } {
  const warnings: unknown[] = [];
  const warn: Log['warn'] = (text, facts) =>
    void warnings.push([text, String(facts?.['versions'])]);

  return { log: { ...silentLog, warn }, warnings };
}
