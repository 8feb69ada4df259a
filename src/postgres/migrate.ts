// Brings a database to this version: prelude, then each pending migration in a transaction of its own.
import type { Client } from 'pg';

import { appError, isAppError, messageOf } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import { codeOf, withClient } from './connection.ts';
import { createHistory, readSchema, type Schema } from './history.ts';
import { readMigrations, type Migration } from './migrations.ts';
import { applyPrelude } from './prelude.ts';
import { splitStatements, type Statement } from './statements.ts';

export type MigrateOptions = {
  /** Logs in as the owner of the schema. */
  url: string;
  log: Log;
  /** Default: `supabase/migrations` of this version. */
  folder?: string;
  /** Aborting it ends the wait for another machine that migrates. */
  signal?: AbortSignal;
};

// Any number that other programs on the same database are unlikely to lock.
const lockKey = '7381120956';
const lockWaitMs = 1_000;
const shownLength = 400;

/**
 * Applies what is pending, once, however many call it at the same time: all but one wait. Throws `database_newer`, before
 * it writes anything, where the database needs a newer version of Nightshift, and `migration_failed` with file, line
 * and statement; what was applied before that file stays.
 */
export async function migrate(
  options: MigrateOptions,
): Promise<{ applied: string[]; current: string }> {
  const migrations = await readMigrations(options.folder);

  return withClient(options.url, async (client) => {
    await lockSchema(client, options);
    const schema = await readSchema(client, migrations);
    const { pending } = schema;
    tell(options.log, schema);
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
  }).catch((error: unknown) => {
    options.signal?.throwIfAborted();
    return rethrow(error);
  });
}

/** How far a database is migrated. Writes nothing; throws `database_newer` as `migrate` does. */
export async function inspectSchema(url: string, folder?: string): Promise<Schema> {
  const migrations = await readMigrations(folder);

  return await withClient(url, (client) => readSchema(client, migrations)).catch(rethrow);
}

/** The files that `migrate` would apply. Writes nothing; throws `database_newer` as `migrate` does. */
export async function pendingMigrations(url: string, folder?: string): Promise<string[]> {
  const { pending } = await inspectSchema(url, folder);

  return pending.map(({ file }) => file);
}

/**
 * Lets one session at a time change the schema: held to its end, since migrating spans many transactions. Waits for
 * another for as long as that one takes, or until `signal` aborts: then its reason is thrown.
 */
export async function lockSchema(
  client: Client,
  { log, signal }: { log?: Log; signal?: AbortSignal } = {},
): Promise<void> {
  await client.query(`set lock_timeout = ${lockWaitMs}`);

  for (let tries = 1; ; tries += 1) {
    signal?.throwIfAborted();
    try {
      await client.query('select pg_advisory_lock($1)', [lockKey]);
      // What follows may wait for more than this lock.
      await client.query('reset lock_timeout');
      return;
    } catch (cause) {
      if (codeOf(cause) !== '55P03') throw cause;
    }
    // Said at 1, 2, 4, 8 and so on.
    if (Math.log2(tries) % 1 === 0)
      log?.warn('another machine migrates the database: waiting for it');
  }
}

function tell(log: Log, { unknown, edited }: Schema): void {
  if (unknown.length > 0) {
    log.warn('the database has migrations that this version does not know: it works with them', {
      versions: unknown,
    });
  }
  if (edited.length > 0) {
    log.warn(
      'migrations were changed after they were applied: the database has their former form',
      {
        files: edited,
        mend: 'put them back as they were released; changes go into a new file',
      },
    );
  }
}

async function apply(client: Client, migration: Migration): Promise<void> {
  await client.query('reset all; reset role; begin; set local statement_timeout = 0');
  try {
    await applyMigration(client, migration);
    await client.query('commit');
  } catch (error) {
    // When the connection itself broke, the server has rolled back already.
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** Runs and records a migration in the transaction that the caller has begun. Throws `migration_failed`. */
export async function applyMigration(client: Client, migration: Migration): Promise<void> {
  const statements = splitStatements(migration.text);

  for (const statement of statements) await run(client, migration, statement);
  await client.query(
    `insert into supabase_migrations.schema_migrations (version, statements, name) values ($1, $2, $3)`,
    [migration.version, statements.map(({ text }) => text), migration.name],
  );
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
