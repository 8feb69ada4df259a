// This build on databases of a Nightshift to come: it works with those it can work with, and keeps its hands off the others.
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

import { migrate } from '../../src/postgres/migrate.ts';
import { silentLog as log, type TestDatabase } from '../support/cluster.ts';
import { temporaryHome, type Variables } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { laterFolder, laterVersion } from '../support/migrations.ts';
import { secretKey } from '../support/postgrest-server.ts';
import { startSupabaseFront } from '../support/supabase-front.ts';
import { until } from '../support/until.ts';
import { catalogOf } from './support/catalog.ts';
import { finalFaultsIn } from './support/invariants.ts';

const quiet = { args: ['--no-sample'] };
const harmless = 'create table public.later ();';
const breaking = `select nightshift.require_client('${laterVersion}');`;
const refusal = 'of a newer version of Nightshift: update this machine';

const Report = z.object({
  checks: z.array(z.object({ id: z.string(), status: z.string(), message: z.string() })),
});

test('a daemon serves on a newer database that it can work with, and says so once', async () => {
  await using db = await freshDatabase();
  await migrateTo(db, harmless);
  await using home = await temporaryHome({ DATABASE_URL: db.adminUrl });

  const daemon = await home.start(quiet);
  await submitOne(db);
  await allEnded(db);

  expect(daemon.stderr().match(/migrations that this version does not know/g)).toHaveLength(1);
  expect(await home.json('migrate')).toMatchObject({ applied: [] });
  expect(await daemon.stop()).toBe(0);
}, 120_000);

test('a start, a migration and a brief are refused alike, with the code that no restart mends', async () => {
  await using db = await freshDatabase();
  await migrateTo(db, breaking);
  await using home = await temporaryHome({ DATABASE_URL: db.adminUrl });
  const before = await catalogOf(db.sql);

  const ends = [
    await home.run('start'),
    await home.run('migrate'),
    await home.run('submit', 'A title', 'A text'),
  ];
  const doctor = await home.run('doctor', '--offline', '--json');

  for (const end of ends) {
    expect(end).toMatchObject({ code: 78, stdout: '', stderr: expect.stringContaining(refusal) });
  }
  const schema = Report.parse(JSON.parse(doctor.stdout)).checks.find(({ id }) => id === 'schema');
  expect(schema).toMatchObject({ status: 'fail', message: expect.stringContaining(refusal) });
  expect(await catalogOf(db.sql)).toEqual(before);
  expect(await db.sql('select id from workers union all select id from tasks')).toEqual([]);
}, 120_000);

describe.each(['postgres', 'supabase'] as const)('a daemon at work over %s', (profile) => {
  test('claims nothing from a database that has become too new, stays up, and works once it may', async () => {
    await using db = await freshDatabase();
    await using front = await startSupabaseFront(db.workerUrl);
    const supabase = { SUPABASE_URL: front.url, SUPABASE_SECRET_KEY: secretKey };
    const way: Variables = profile === 'supabase' ? supabase : { DATABASE_URL: db.adminUrl };
    await using home = await temporaryHome({ ...way, NIGHTSHIFT_QUEUE_LEASE_SECONDS: '3' });
    const daemon = await home.start(quiet);

    await migrateTo(db, breaking);
    await db.sql(`update agents set title = 'of the newer build'`);
    await submitOne(db);
    await until(() => daemon.stderr().includes(refusal));
    const claimed = await db.sql('select from agent_runs where attempt > 0');
    const titles = await db.sql('select distinct title from agents');
    const wasAlive = !daemon.hasEnded();
    // As an update of this machine would have it: the daemon's build is new enough.
    await db.sql(`update nightshift.compatibility set oldest_client = '20261122001700'`);
    await allEnded(db);

    expect({ claimed, wasAlive }).toEqual({ claimed: [], wasAlive: true });
    expect(titles).toEqual([{ title: 'of the newer build' }]);
    expect(await finalFaultsIn(db.sql)).toEqual([]);
    expect(await daemon.stop()).toBe(0);
  }, 120_000);
});

async function migrateTo(db: TestDatabase, text: string): Promise<void> {
  await using folder = await laterFolder(text);
  await migrate({ url: db.adminUrl, log, folder: folder.path });
}

async function submitOne(db: TestDatabase): Promise<void> {
  await db.sql(`insert into tasks (title, agents) values ('A later one', '{echo}')`);
}

async function allEnded(db: TestDatabase): Promise<void> {
  const open = () => db.sql('select from tasks where completed_at is null');
  await until(async () => (await open()).length === 0, { boundMs: 60_000 });
}
