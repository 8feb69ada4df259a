// The sessions of a database that wait for a lock, and locks that tests hold against them.
import pg from 'pg';

import type { TestDatabase } from '../../support/cluster.ts';
import { until } from '../../support/until.ts';

export type HeldLock = AsyncDisposable & { release(): Promise<void> };

/** Keeps a table from being altered, while everybody may read and write it. */
export async function holdTable(db: TestDatabase, table: string): Promise<HeldLock> {
  const client = await connect(db);
  await client.query(`begin; lock table ${table} in access share mode`);
  const release = () => client.end();

  return { release, [Symbol.asyncDispose]: release };
}

/** Keeps whoever has run a migration from writing it into the history. */
export async function holdHistory(db: TestDatabase): Promise<HeldLock> {
  const client = await connect(db);
  await client.query(`
    select pg_advisory_lock(42);
    create function supabase_migrations.hold() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock(42);
      return new;
    end;
    $$;
    create trigger hold before insert on supabase_migrations.schema_migrations
      for each row execute function supabase_migrations.hold();
  `);

  async function release(): Promise<void> {
    await client.query('drop function supabase_migrations.hold() cascade');
    await client.end();
  }
  return { release, [Symbol.asyncDispose]: () => client.end() };
}

async function connect(db: TestDatabase): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: db.adminUrl });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('set idle_in_transaction_session_timeout = 0');

  return client;
}

/** Resolves once so many sessions wait for a lock of this kind. */
export async function waiters(
  db: TestDatabase,
  kind: 'relation' | 'advisory',
  count = 1,
): Promise<void> {
  const look = () =>
    db.sql(
      `select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and wait_event = $1`,
      [kind],
    );

  await until(async () => (await look()).length >= count, { why: () => `${count} wait: ${kind}` });
}
