// The database as it was at one moment: what there is to keep, and the rows of each table as a stream.
import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { z } from 'zod';

import { appError } from '../../core/errors.ts';
import { readVersions } from '../history.ts';
import { keptSequences, keptTables, limitedColumns } from './contents.ts';
import type { Manifest } from './manifest.ts';

export type Snapshot = Pick<Manifest, 'migrations' | 'tables' | 'sequences' | 'created_at'>;

type Table = Manifest['tables'][number];

const Names = z.array(z.object({ name: z.string() }));
const Columns = z.array(z.object({ name: z.string() }));
const Counted = z.tuple([z.object({ rows: z.coerce.number() })]);
const Timed = z.tuple([z.object({ at: z.date() })]);
const Sequence = z.tuple([z.object({ last_value: z.string(), is_called: z.boolean() })]);

/** Text that reads the same wherever it is written back, and no limit that a large table could meet. */
export const sessionSettings = `
  set client_encoding = 'UTF8';
  set datestyle = 'ISO, YMD';
  set intervalstyle = 'postgres';
  set timezone = 'UTC';
  set extra_float_digits = 1;
  set bytea_output = 'hex';
  set statement_timeout = 0;
  set idle_in_transaction_session_timeout = 0;
`;

/**
 * Begins the transaction that all that follows on this client reads in, and says what it sees. Writers go on meanwhile.
 * Throws `nothing_to_back_up` where no migration was ever applied.
 */
export async function openSnapshot(client: Client): Promise<Snapshot> {
  await client.query(sessionSettings);
  await client.query(`set search_path = ''`);
  // Rows that a policy hides would be missing from the backup without a word: this makes it an error.
  await client.query('set row_security = off');
  const names = await presentTables(client);

  await client.query('begin isolation level repeatable read read only');
  // Before the first look, which is the snapshot: nobody can change the shape of a table any more.
  const tables = names.map((name) => quoted(client, name)).join(', ');
  await client.query(`lock table ${tables} in access share mode`);

  return {
    created_at: await readTime(client),
    migrations: await readVersions(client),
    tables: await inTurn(names, (name) => describeTable(client, name)),
    sequences: await describeSequences(client, names),
  };
}

/** The rows of one table in PostgreSQL's own text form, read no faster than they are taken. */
export function copyOf(client: Client, { name, columns }: Table): AsyncIterable<Buffer> {
  return client.query(
    copyTo(`copy ${quoted(client, name)} (${columnList(client, columns)}) to stdout`),
  );
}

export function columnList(client: Client, columns: readonly string[]): string {
  return columns.map((column) => client.escapeIdentifier(column)).join(', ');
}

/** A name such as `public.tasks`, for SQL. */
export function quoted(client: Client, name: string): string {
  return name
    .split('.')
    .map((part) => client.escapeIdentifier(part))
    .join('.');
}

// An older schema lacks some of them, and can be backed up all the same.
async function presentTables(client: Client): Promise<string[]> {
  const { rows } = await client.query(
    `select name from unnest($1::text[]) with ordinality as kept (name, place)
     where to_regclass(name) is not null order by place`,
    [keptTables],
  );
  const names = Names.parse(rows).map(({ name }) => name);

  if (!names.includes('public.tasks')) throw appError('nothing_to_back_up');
  return names;
}

async function readTime(client: Client): Promise<string> {
  const { rows } = await client.query('select clock_timestamp() as at');

  return Timed.parse(rows)[0].at.toISOString();
}

async function describeTable(client: Client, name: string): Promise<Table> {
  const columns = await client.query(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''
     order by attnum`,
    [name],
  );
  const counted = await client.query(`select count(*) as rows from ${quoted(client, name)}`);
  const limited = limitedColumns[name];

  return {
    name,
    columns: Columns.parse(columns.rows)
      .map((column) => column.name)
      .filter((column) => limited?.includes(column) ?? true),
    rows: Counted.parse(counted.rows)[0].rows,
  };
}

/** Read after the snapshot was taken, they stand at or behind every number in it: no number is given out twice. */
async function describeSequences(
  client: Client,
  tables: readonly string[],
): Promise<Manifest['sequences']> {
  const { rows } = await client.query(
    `select format('%s.%s', schema.nspname, sequence.relname) as name
     from pg_class as sequence
     join pg_namespace as schema on schema.oid = sequence.relnamespace
     left join pg_depend as owner
       on owner.objid = sequence.oid and owner.classid = 'pg_class'::regclass
         and owner.refclassid = 'pg_class'::regclass and owner.deptype in ('a', 'i')
     where sequence.relkind = 'S'
       and (
         owner.refobjid = any ($1::text[]::regclass[])
         or format('%s.%s', schema.nspname, sequence.relname) = any ($2::text[])
       )
     order by 1`,
    [tables, keptSequences],
  );

  return await inTurn(Names.parse(rows), async ({ name }) => {
    const found = await client.query(
      `select last_value::text, is_called from ${quoted(client, name)}`,
    );
    return { name, ...Sequence.parse(found.rows)[0] };
  });
}

// One connection answers one question at a time.
async function inTurn<Item, Result>(
  items: readonly Item[],
  ask: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const item of items) results.push(await ask(item));

  return results;
}
