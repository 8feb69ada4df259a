// The history that a database keeps of its migrations, held against the files of this version.
import type { Client } from 'pg';
import { z } from 'zod';

import { appError } from '../core/errors.ts';
import type { Migration } from './migrations.ts';
import { splitStatements } from './statements.ts';

export type Schema = {
  /** What this version brings and the database lacks, in order. */
  pending: Migration[];
  /** Versions in the database that this version does not know: a newer Nightshift's, or another program's. */
  unknown: string[];
  /** Files that are not any more what the database was migrated with. */
  edited: string[];
};

const Applied = z.object({ version: z.string(), statements: z.array(z.string()).nullish() });
type Applied = z.infer<typeof Applied>;

/** Writes nothing. Throws `database_newer` where the database needs a newer version of Nightshift than this one. */
export async function readSchema(client: Client, migrations: Migration[]): Promise<Schema> {
  const applied = await readHistory(client);
  const versions = new Set(applied.map(({ version }) => version));
  const known = new Map(migrations.map((migration) => [migration.version, migration]));
  const unknown = [...versions].filter((version) => !known.has(version));
  // Only what this version does not know can have asked for more.
  if (unknown.length > 0) await checkCompatible(client, migrations, unknown);

  return {
    pending: migrations.filter(({ version }) => !versions.has(version)),
    unknown,
    edited: applied.flatMap((row) => {
      const migration = known.get(row.version);
      return migration !== undefined && isEdited(migration, row) ? [migration.file] : [];
    }),
  };
}

/** The versions that were applied, in order. */
export async function readVersions(client: Client): Promise<string[]> {
  return (await readHistory(client)).map(({ version }) => version);
}

async function readHistory(client: Client): Promise<Applied[]> {
  const { rows: tables } = await client.query<{ found: boolean }>(
    `select to_regclass('supabase_migrations.schema_migrations') is not null as found`,
  );
  if (tables[0]?.found !== true) return [];

  // As JSON, since early forms of the Supabase CLI's table have fewer columns.
  const { rows } = await client.query<{ applied: unknown }>(`
    select to_jsonb(applied) as applied
    from supabase_migrations.schema_migrations as applied
    order by applied.version
  `);
  return rows.map((row) => Applied.parse(row.applied));
}

async function checkCompatible(
  client: Client,
  migrations: Migration[],
  unknown: string[],
): Promise<void> {
  const oldest = await readOldestClient(client);
  const newest = migrations.at(-1);
  if (oldest === undefined || (newest !== undefined && newest.version >= oldest)) return;

  throw appError('database_newer', {
    detail: `it has ${unknown.join(', ')} and needs ${oldest}, this version ends at ${newest?.file ?? 'nothing'}`,
  });
}

/** Undefined where no migration has said it yet: what is unknown there is no newer Nightshift's. */
async function readOldestClient(client: Client): Promise<string | undefined> {
  const { rows: tables } = await client.query<{ found: boolean }>(
    `select to_regclass('nightshift.compatibility') is not null as found`,
  );
  if (tables[0]?.found !== true) return undefined;

  const { rows } = await client.query<{ oldest: string }>(
    'select oldest_client as oldest from nightshift.compatibility',
  );
  return rows[0]?.oldest;
}

function isEdited({ text }: Migration, { statements }: Applied): boolean {
  // Marked as applied by hand: what was run is not known.
  if (!statements || statements.length === 0) return false;
  const recorded = bare(statements);
  if (recorded === bare([text])) return false;

  // What follows the last statement is recorded by the Supabase CLI, but not by us.
  return recorded !== bare(splitStatements(text).map((statement) => statement.text));
}

// Ours and the Supabase CLI's records differ in semicolons and line ends.
function bare(statements: string[]): string {
  return statements.join('').replaceAll(/[\s;]+/g, '');
}

/** Makes the very table of the Supabase CLI, so that its `migration list` and `db push` agree with us. */
export async function createHistory(client: Client): Promise<void> {
  await client.query(`
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;
  `);
}
