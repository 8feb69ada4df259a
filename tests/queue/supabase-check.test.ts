// A Supabase project: what it lacks is said, the migrations fit it, and it gives away no more than our own database.
import { expect, test } from 'vitest';

import type { Log } from '../../src/core/ports.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { readMigrations } from '../../src/postgres/migrations.ts';
import { createQueue } from '../../src/queue/client.ts';
import type { Transport } from '../../src/queue/functions.ts';
import { checkSupabase, describePending, readSupabase } from '../../src/queue/supabase-check.ts';
import { createSupabaseTransport } from '../../src/queue/supabase-transport.ts';
import { silentLog, type TestDatabase } from '../support/cluster.ts';
import { freshDatabase } from '../support/database.ts';
import { type PostgrestServer, secretKey, startPostgrest } from '../support/postgrest-server.ts';
import { freshSupabaseProject } from '../support/supabase-project.ts';

test('a new project lacks every migration, and the daemon is told which', async () => {
  await using project = await freshSupabaseProject();
  await using server = await startPostgrest(project.db.workerUrl);
  const migrations = await readMigrations();

  const state = await readSupabase(transportTo(server), migrations);
  const check = checkSupabase(transportTo(server), migrations, silentLog);

  expect(state.pending).toEqual(migrations.map(({ file }) => file));
  await expect(check).rejects.toMatchObject({ code: 'database_behind' });
  await expect(check).rejects.toThrow(/supabase db push.*\n *20261122000100_clock\.sql/);
});

test('its owner, who is no superuser, can apply every migration; then nothing is missing', async () => {
  await using project = await freshSupabaseProject();
  await using server = await startPostgrest(project.db.workerUrl);

  await migrate({ url: project.ownerUrl, log: silentLog });

  const state = await readSupabase(transportTo(server), await readMigrations());
  expect(state).toEqual({ pending: [], unknown: [], hasHistory: true, realtime: true });
  expect(
    await project.db.sql(
      `select relname from pg_class where relname = 'tasks' and relreplident = 'f'`,
    ),
  ).toHaveLength(1);
});

test('a worker can work there', async () => {
  await using project = await freshSupabaseProject();
  await migrate({ url: project.ownerUrl, log: silentLog });
  await using server = await startPostgrest(project.db.workerUrl);
  const queue = createQueue(transportTo(server));
  const workerId = crypto.randomUUID();
  await queue.registerWorker({ ...worker, workerId });

  const { id } = await queue.submitTask({ title: 'One', description: 'Work' });
  const runs = await queue.claimRuns(workerId, crypto.randomUUID(), 10);

  expect(new Set(runs.map((run) => run.taskId))).toEqual(new Set([id]));
  expect((await queue.sweep()).repaired).toBe(0);
});

test('what Supabase grants by default is taken back: nobody may do more than on our own database', async () => {
  await using project = await freshSupabaseProject();
  await migrate({ url: project.ownerUrl, log: silentLog });
  await using own = await freshDatabase();

  const [there, here] = [await rightsIn(project.db), await rightsIn(own)];

  expect(there).toEqual(here);
});

test('one missing migration is named, and one that is not ours is only mentioned', async () => {
  await using db = await freshDatabase();
  await using server = await startPostgrest(db.workerUrl);
  const migrations = await readMigrations();
  const next = { version: '29990101000000', file: '29990101000000_next.sql' };
  await db.sql(
    `insert into supabase_migrations.schema_migrations (version) values ('20200101000000')`,
  );

  const state = await readSupabase(transportTo(server), [...migrations, next]);

  expect(state).toMatchObject({ pending: [next.file], unknown: ['20200101000000'] });
  expect(describePending(state)).toBe(
    `\`supabase db push\` would apply 1 migration:\n  ${next.file}`,
  );
});

test('a project without history or Realtime is served, with warnings', async () => {
  await using db = await freshDatabase();
  await using server = await startPostgrest(db.workerUrl);
  await db.sql('drop schema supabase_migrations cascade');
  const warned: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => void warned.push(message) };

  const state = await checkSupabase(transportTo(server), await readMigrations(), log);

  expect(state).toEqual({ pending: [], unknown: [], hasHistory: false, realtime: false });
  expect(warned.join('\n')).toMatch(/Realtime does not tell[^]*no history/);
});

test('a project that is away or does not take the key is no project that lacks migrations', async () => {
  await using db = await freshDatabase();
  await using server = await startPostgrest(db.workerUrl);
  const refusal = { type: 'answer', status: 401, body: '{"message":"Invalid API key"}' } as const;
  server.misbehave('schema_version', { type: 'cut' }, refusal);
  const read = () => readSupabase(transportTo(server), []);

  await expect(read()).rejects.toMatchObject({ code: 'database_unavailable' });
  await expect(read()).rejects.toMatchObject({ code: 'database_key_refused' });
});

const worker = {
  name: 'test',
  version: '0.0.0',
  leaseSeconds: 45,
  sinks: [],
  retry: { baseMs: 1_000, capMs: 8_000 },
};

function transportTo(server: PostgrestServer): Transport {
  return createSupabaseTransport({ url: server.url, key: secretKey, log: silentLog });
}

/** Who of the outside may do what, by name. */
async function rightsIn(db: TestDatabase): Promise<unknown[]> {
  return await db.sql(`
    select role.rolname || ' may ' || right_.name || ' ' || class.relname as text
    from pg_class as class
    cross join pg_roles as role
    cross join (values ('select'), ('insert'), ('update'), ('delete'), ('truncate')) as right_ (name)
    where class.relnamespace = 'public'::regnamespace
      and class.relkind = 'r'
      and role.rolname in ('anon', 'authenticated')
      and has_table_privilege(role.oid, class.oid, right_.name)
    union all
    select role.rolname || ' may call ' || function.proname
    from pg_proc as function
    cross join pg_roles as role
    where function.pronamespace = any (array['public'::regnamespace, 'nightshift'::regnamespace])
      and role.rolname in ('anon', 'authenticated')
      and has_function_privilege(role.oid, function.oid, 'execute')
    order by 1`);
}
