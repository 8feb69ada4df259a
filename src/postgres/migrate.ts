// Brings a database to this version: prelude, then each pending migration in a transaction of its own.
import type { Client } from 'pg';

import { appError, isAppError, messageOf } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import { codeOf, withClient } from './connection.ts';
import { readMigrations, type Migration } from './migrations.ts';
import { applyPrelude } from './prelude.ts';
import { splitStatements, type Statement } from './statements.ts';

export type MigrateOptions = {
  /** Logs in as the owner of the schema. */
  url: string;
  log: Log;
  /** Default: `supabase/migrations` of this version. */
  folder?: string;
};

// Any number that other programs on the same database are unlikely to lock.
const lockKey = '7381120956';
const lockWaitMs = 300_000;
const shownLength = 400;

/**
 * Applies what is pending, once, however many call it at the same time. Throws `database_newer` before it writes
 * anything, and `migration_failed` with file, line and statement; what was applied before that file stays.
 */
export async function migrate(
  options: MigrateOptions,
): Promise<{ applied: string[]; current: string }> {
  const migrations = await readMigrations(options.folder);

  return withClient(options.url, async (client) => {
    await lock(client);
    const pending = await findPending(client, migrations);
    await applyPrelude(client);
    // Not on every start: DATABASE_URL may name a login that may work, but not create.
    if (pending.length > 0) await createHistory(client);

    for (const migration of pending) {
      await apply(client, migration);
      options.log.info('applied a migration', { file: migration.file });
    }

    return {
      applied: pending.map(({ file }) => file),
      current: migrations.at(-1)?.version ?? '',
    };
  }).catch(rethrow);
}

/** The files that `migrate` would apply. Writes nothing; throws `database_newer` as `migrate` does. */
export async function pendingMigrations(url: string, folder?: string): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const pending = await withClient(url, (client) => findPending(client, migrations)).catch(rethrow);

  return pending.map(({ file }) => file);
}

// Held by the session, since it spans many transactions; the server drops it should we die.
async function lock(client: Client): Promise<void> {
  try {
    await client.query(`set lock_timeout = ${lockWaitMs}`);
    await client.query('select pg_advisory_lock($1)', [lockKey]);
  } catch (cause) {
    if (codeOf(cause) !== '55P03') throw cause;
    throw appError(
      'database_unavailable',
      { detail: 'another machine has been migrating it for five minutes' },
      { cause },
    );
  }
}

async function findPending(client: Client, migrations: Migration[]): Promise<Migration[]> {
  const applied = await readHistory(client);
  const known = new Set(migrations.map(({ version }) => version));
  const unknown = applied.filter((version) => !known.has(version));
  if (unknown.length > 0) {
    throw appError('database_newer', {
      detail: `it has ${unknown.join(', ')}, this version ends at ${migrations.at(-1)?.file ?? 'nothing'}`,
    });
  }

  return migrations.filter(({ version }) => !applied.includes(version));
}

async function readHistory(client: Client): Promise<string[]> {
  const { rows: tables } = await client.query<{ found: boolean }>(
    `select to_regclass('supabase_migrations.schema_migrations') is not null as found`,
  );
  if (tables[0]?.found !== true) return [];

  const { rows } = await client.query<{ version: string }>(
    'select version from supabase_migrations.schema_migrations order by version',
  );
  return rows.map(({ version }) => version);
}

// The very table of the Supabase CLI, so that its `migration list` and `db push` agree with us.
async function createHistory(client: Client): Promise<void> {
  await client.query(`
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;
  `);
}

async function apply(client: Client, migration: Migration): Promise<void> {
  const statements = splitStatements(migration.text);

  await client.query('reset all; reset role; begin; set local statement_timeout = 0');
  try {
    for (const statement of statements) await run(client, migration, statement);
    await client.query(
      `insert into supabase_migrations.schema_migrations (version, statements, name) values ($1, $2, $3)`,
      [migration.version, statements.map(({ text }) => text), migration.name],
    );
    await client.query('commit');
  } catch (error) {
    // When the connection itself broke, the server has rolled back already.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function run(client: Client, migration: Migration, statement: Statement): Promise<void> {
  try {
    await client.query(statement.text);
  } catch (cause) {
    const { line, column } = placeOf(migration.text, statement, cause);
    const shown = migration.text.slice(
      statement.codeOffset,
      statement.offset + statement.text.length,
    );
    throw appError(
      'migration_failed',
      {
        detail: `${migration.file}:${line}:${column}: ${messageOf(cause)}`,
        file: migration.file,
        line,
        column,
        statement: shown.slice(0, shownLength),
        sqlstate: codeOf(cause),
      },
      { cause },
    );
  }
}

function rethrow(cause: unknown): never {
  if (isAppError(cause)) throw cause;
  const detail = messageOf(cause);
  throw appError('database_failed', { detail, sqlstate: codeOf(cause) }, { cause });
}

// PostgreSQL counts characters from 1, where JavaScript counts UTF-16 units from 0.
function placeOf(
  text: string,
  statement: Statement,
  error: unknown,
): { line: number; column: number } {
  const position =
    error instanceof Error && 'position' in error ? Number(error.position) : Number.NaN;
  const before = Array.from(statement.text)
    .slice(0, position - 1)
    .join('');
  const offset = position >= 1 ? statement.offset + before.length : statement.codeOffset;
  const lines = text.slice(0, offset).split('\n');

  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}
