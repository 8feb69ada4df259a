// Puts a backup into an empty database, in one transaction: it is all there, in the shape of this version, or nothing is.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';

import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { z } from 'zod';

import { appError, isAppError, messageOf } from '../core/errors.ts';
import { limitedColumns } from './backup/contents.ts';
import { assertEmpty, isRestored } from './backup/empty.ts';
import type { Manifest } from './backup/manifest.ts';
import { outputsPrefix, writeOutput } from './backup/outputs.ts';
import { readBackup, readManifest } from './backup/reader.ts';
import { columnList, quoted, sessionSettings } from './backup/snapshot.ts';
import { damaged, type Entry } from './backup/tar.ts';
import { codeOf, withClient } from './connection.ts';
import { createHistory, readVersions } from './history.ts';
import { applyMigration, lockSchema } from './migrate.ts';
import { type Migration, readMigrations } from './migrations.ts';
import { applyPrelude } from './prelude.ts';

export type RestoreProgress = {
  /** A table, `outputs`; and around this, the check of the file and the folders of results. */
  part: string;
  /** Of the table. */
  rows: number;
  /** Of how many parts it is which, from 1; both 0 where that says nothing. */
  at: number;
  of: number;
  /** Of the file, so far. */
  bytes: number;
};

export type RestoreOptions = {
  /** Logs in as the owner of everything that is to come. */
  url: string;
  file: string;
  /** As the check of the file answered it. */
  manifest: Manifest;
  /** Where published files go, if there are any in the backup. */
  outputsFolder: string;
  signal: AbortSignal;
  /** True where a restore of this backup was begun here before: then it may also be there already. */
  isRepeated: boolean;
  /** Called when the database was found empty, before anything is written. */
  onEmpty(): Promise<void>;
  onProgress?(progress: RestoreProgress): void;
};

/** What became of the work and the news that were open when the backup was made. */
export const Restored = z.object({
  runs: z.number(),
  deliveries: z.number(),
  notifications: z.number(),
});
export type Restored = z.infer<typeof Restored>;

const Finished = z.tuple([z.object({ restored: Restored })]);

/**
 * Throws `home_not_empty`, `backup_invalid`, `backup_newer`, `migration_failed` or `database_failed`, and leaves the
 * database as it was; published files that were written by then stay.
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const migrations = await readMigrations();
  assertKnown(options.manifest, migrations);

  return await withClient(options.url, (client) => restoreOver(client, options, migrations)).catch(
    (error: unknown) => {
      options.signal.throwIfAborted();
      if (isAppError(error)) throw error;
      const facts = { detail: messageOf(error), sqlstate: codeOf(error) };
      throw appError('database_failed', facts, { cause: error });
    },
  );
}

/** Throws `backup_newer` where this version lacks a migration that the backup's database had. */
export function assertKnown(manifest: Manifest, migrations: readonly Migration[]): void {
  const known = new Set(migrations.map(({ version }) => version));
  const unknown = manifest.migrations.filter((version) => !known.has(version));
  if (unknown.length === 0) return;

  const detail = `version ${manifest.version} made it, with ${unknown.join(', ')}`;
  throw appError('backup_newer', { detail });
}

async function restoreOver(
  client: Client,
  options: RestoreOptions,
  migrations: readonly Migration[],
): Promise<Restored> {
  const { manifest, isRepeated } = options;
  await lockSchema(client, { signal: options.signal });
  const restored = isRepeated ? await isRestored(client, manifest.id) : null;
  if (restored !== null) return Restored.parse(restored);

  await assertEmpty(client, manifest);
  await options.onEmpty();
  const applied = await readVersions(client);
  await applyPrelude(client);
  const [shape, upgrade] = split(migrations, { applied, manifest });

  // What is left open when this throws, the server rolls back as the connection ends.
  await client.query(`reset all; begin; ${unlimited}`);
  await createHistory(client);
  for (const migration of shape) await applyMigration(client, migration);
  await client.query(sessionSettings);
  await fill(client, options);
  // The settings of the rows are none of the migrations'.
  await client.query(`reset all; ${unlimited}`);
  for (const migration of upgrade) await applyMigration(client, migration);
  const summary = await finish(client, options);
  options.signal.throwIfAborted();
  await client.query('commit');

  return summary;
}

const unlimited = `
  set local statement_timeout = 0;
  set local idle_in_transaction_session_timeout = 0;
`;

/** What brings the database to the shape of the backup, and what brings it from there to this version. */
function split(
  migrations: readonly Migration[],
  { applied, manifest }: { applied: readonly string[]; manifest: Manifest },
): [Migration[], Migration[]] {
  const missing = migrations.filter(({ version }) => !applied.includes(version));
  const isOfBackup = ({ version }: Migration) => manifest.migrations.includes(version);

  return [missing.filter(isOfBackup), missing.filter((migration) => !isOfBackup(migration))];
}

async function fill(client: Client, options: RestoreOptions): Promise<void> {
  const { tables, sequences } = options.manifest;
  // Whatever migrations put there, and what a daemon registered: the backup has its own. Users may be an outside table.
  const own = tables.filter(({ name }) => limitedColumns[name] === undefined);
  const names = own.map(({ name }) => quoted(client, name));

  await client.query(`truncate ${names.join(', ')}`);
  // They would check and expand what was checked and expanded once. The keys are still checked.
  for (const name of names) await client.query(`alter table ${name} disable trigger user`);
  await copyAll(client, options);
  for (const name of names) await client.query(`alter table ${name} enable trigger user`);
  for (const { name, last_value: value, is_called: isCalled } of sequences) {
    await client.query('select setval($1::regclass, $2, $3)', [
      quoted(client, name),
      value,
      isCalled,
    ]);
  }
}

async function copyAll(client: Client, options: RestoreOptions): Promise<void> {
  const { manifest, file, signal, outputsFolder } = options;
  const progress = createProgress(options);
  const entries = readBackup({ file, signal, onBytes: progress.onBytes });
  const copied = new Set<string>();
  const first = await entries.next();
  // The file that was checked may have been replaced since.
  if (first.done === true || (await readManifest(first.value)).id !== manifest.id) {
    throw damaged('it was changed while it was read');
  }

  for (let next = await entries.next(); next.done !== true;) {
    const entry = next.value;
    const table = manifest.tables.find(({ name }) => name === tableOf(entry));
    if (table !== undefined) {
      progress.tell(table.name);
      copied.add(table.name);
      next = await copyTable({ client, table, entries, signal }, entry);
    } else if (manifest.outputs !== null && entry.name.startsWith(outputsPrefix)) {
      progress.tell('outputs');
      await writeOutput(outputsFolder, entry);
      next = await entries.next();
    } else throw damaged('it holds what its manifest does not name');
  }
  const absent = manifest.tables.find(({ name, rows }) => rows > 0 && !copied.has(name));
  if (absent !== undefined) throw damaged(`it lacks the rows of ${absent.name}`);
}

type Copying = {
  client: Client;
  table: Manifest['tables'][number];
  entries: AsyncGenerator<Entry>;
  signal: AbortSignal;
};

/** Copies an entry and those that go on with the same table; answers with the first of something else. */
async function copyTable(
  { client, table, entries, signal }: Copying,
  first: Entry,
): Promise<IteratorResult<Entry, unknown>> {
  let next: IteratorResult<Entry, unknown> = { done: false, value: first };
  async function* rows(): AsyncGenerator<Buffer> {
    for (; next.done !== true && tableOf(next.value) === table.name; next = await entries.next()) {
      for await (const chunk of next.value.content) yield chunk;
    }
  }
  const columns = columnList(client, table.columns);
  const copy = client.query(copyFrom(`copy ${quoted(client, table.name)} (${columns}) from stdin`));

  await pipeline(Readable.from(rows(), { objectMode: false }), copy, { signal });
  if (copy.rowCount !== table.rows) {
    throw damaged(`${table.name} has ${copy.rowCount} rows of ${table.rows}`);
  }
  return next;
}

/** The table of an entry such as `tables/public.tasks/00000001.copy`. */
function tableOf({ name }: Entry): string | undefined {
  return /^tables\/([^/]+)\/\d+\.copy$/.exec(name)?.[1];
}

async function finish(
  client: Client,
  { manifest, outputsFolder }: RestoreOptions,
): Promise<Restored> {
  const moved =
    manifest.outputs === null
      ? null
      : { from: manifest.outputs.url, to: pathToFileURL(`${outputsFolder}/`).href };
  const backup = { id: manifest.id, takenAt: manifest.created_at };
  const { rows } = await client.query('select nightshift.finish_restore($1, $2) as restored', [
    JSON.stringify(backup),
    JSON.stringify(moved),
  ]);

  return Finished.parse(rows)[0].restored;
}

function createProgress({ manifest, onProgress }: RestoreOptions) {
  const parts = [...manifest.tables.map(({ name }) => name), 'outputs'];
  const of = manifest.tables.length + (manifest.outputs === null ? 0 : 1);
  let bytes = 0;
  let part = parts[0] ?? '';
  const rowsOf = (at: number) => manifest.tables[at]?.rows ?? 0;
  const tell = () => {
    const at = parts.indexOf(part);
    onProgress?.({ part, rows: rowsOf(at), at: at + 1, of, bytes });
  };

  return {
    tell(name: string) {
      part = name;
      tell();
    },
    onBytes(count: number) {
      bytes += count;
      tell();
    },
  };
}
