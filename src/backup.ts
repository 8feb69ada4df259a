// Composition of backup and restore: which database it is, who has its home meanwhile, and where files go.
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Writable } from 'node:stream';

import type { Client } from 'pg';

import type { Config } from './core/config.ts';
import { appError } from './core/errors.ts';
import type { DeliveryOutcome } from './core/delivery.ts';
import type { Log, Sink } from './core/ports.ts';
import { readOwner, takeHome } from './daemon/lock.ts';
import { createFolderSink } from './deliver/folder.ts';
import { type Backup, type BackupProgress, backUp } from './postgres/backup.ts';
import {
  moveFolder,
  readContent,
  readDeliveredTask,
  wantedFolders,
} from './postgres/backup/folders.ts';
import type { Manifest } from './postgres/backup/manifest.ts';
import { isEmptyFolder } from './postgres/backup/outputs.ts';
import { checkBackup } from './postgres/backup/reader.ts';
import { urlOf, withClient } from './postgres/connection.ts';
import { checkExternal } from './postgres/external.ts';
import { readMigrations } from './postgres/migrations.ts';
import { assertRestored, readMark, removeMark, writeMark } from './postgres/restore-mark.ts';
import { assertKnown, type Restored, restore, type RestoreProgress } from './postgres/restore.ts';
import { startPostgres } from './postgres/server.ts';
import { readRecovery } from './recovery.ts';

type HomeOptions = {
  home: string;
  config: Config;
  /** Of the product. */
  version: string;
  /** Absolute. */
  outputsFolder: string;
  log: Log;
};

export type BackUpOptions = HomeOptions & {
  to: { file: string; force: boolean } | Writable;
  /** Whether the published files go into the backup too. */
  outputs: boolean;
  signal: AbortSignal;
  onProgress?(progress: BackupProgress): void;
};

/**
 * Backs up a home, whether its daemon runs or not, or the database of DATABASE_URL. Throws as `backUp`, and `usage`,
 * `home_busy`, `restore_unfinished`, `daemon_absent`, `config_invalid` or `database_unavailable`.
 */
export async function backUpHome(options: BackUpOptions): Promise<Backup> {
  const { home, config, version, outputs, outputsFolder } = options;
  await assertRestored(home);
  await using stack = new AsyncDisposableStack();
  const url = await ownerUrl(options, stack);

  return await backUp({
    ...options,
    url,
    version,
    profile: config.profile,
    outputsFolder: outputs ? outputsFolder : null,
  });
}

async function ownerUrl(options: BackUpOptions, stack: AsyncDisposableStack): Promise<string> {
  const { home } = options;
  const external = await externalUrl(options);
  if (external !== undefined) return external;
  if (!hasDatabase(home)) throw appError('nothing_to_back_up', { detail: home });

  const owner = await readOwner(home);
  if (owner?.database) {
    const { host, port, name, user, password_file: file } = owner.database;
    const password = (await readFile(file, 'utf8')).trim();
    return urlOf({ host, port, user, password, database: name });
  }
  await lockHome(home, stack);
  return await startOwn(options, stack);
}

/** Of DATABASE_URL, if there is one. A Supabase project can be reached for this by no other way. */
async function externalUrl({ config }: HomeOptions): Promise<string | undefined> {
  const { DATABASE_URL: url } = config.secrets;
  if (url === undefined && config.profile === 'supabase') {
    throw appError('usage', {
      detail:
        'set DATABASE_URL to the direct connection of the project (Connect, Direct connection)',
    });
  }
  if (url !== undefined) await checkExternal(url);

  return url;
}

/** Keeps daemons from the home for as long as `stack` lives. */
async function lockHome(home: string, stack: AsyncDisposableStack): Promise<void> {
  const taken = await takeHome(home);
  if (taken.type === 'taken') {
    const owner = taken.owner ?? readRecovery(home);
    throw appError('home_busy', { detail: owner ? `${home} (pid ${owner.pid})` : home });
  }
  stack.defer(taken.lock.release);
}

type Starting = Pick<HomeOptions, 'home' | 'log'> & { signal: AbortSignal };

/** The home's own PostgreSQL, for as long as `stack` lives. */
async function startOwn(
  { home, log, signal }: Starting,
  stack: AsyncDisposableStack,
): Promise<string> {
  const server = stack.use(await startPostgres({ home, log, signal }));

  return server.adminUrl;
}

export type RestoreHomeOptions = HomeOptions & {
  file: string;
  signal: AbortSignal;
  onProgress?(progress: RestoreProgress): void;
};

export type RestoreReport = {
  manifest: Manifest;
  restored: Restored;
  folders: Folders;
};

/** Local folders of ended tasks: written here, and those that could not be, as their files are in no place any more. */
export type Folders = { written: number; missing: number; refused: string[] };

/**
 * Restores a backup into an empty home, or an empty database of DATABASE_URL. The file is checked to its end first. From
 * the first change on the home is marked, and no daemon starts there before this, or a repeat of it, has ended. Throws as
 * `checkBackup` and `restore`, and `usage`, `home_busy` or what the local folder's disk says.
 */
export async function restoreHome(options: RestoreHomeOptions): Promise<RestoreReport> {
  const { home, file, outputsFolder, signal } = options;
  const manifest = await checkFile(options);
  const external = await externalUrl(options);

  await using stack = new AsyncDisposableStack();
  await mkdir(home, { recursive: true, mode: 0o700 });
  await lockHome(home, stack);
  const isRepeated = (await readMark(home))?.backup_id === manifest.id;
  if (manifest.outputs !== null && !isRepeated && !(await isEmptyFolder(outputsFolder))) {
    throw appError('home_not_empty', { detail: `results lie in ${outputsFolder}` });
  }
  const mark = { backup_id: manifest.id, file: path.resolve(file) };
  const onEmpty = () => writeMark(home, { ...mark, started_at: new Date().toISOString() });
  // What is not there yet is empty, and making it is the first change.
  if (external === undefined && !hasDatabase(home)) await onEmpty();

  const url = external ?? (await startOwn(options, stack));
  const restored = await restore({ ...options, url, manifest, isRepeated, onEmpty });
  const folders =
    manifest.outputs === null
      ? await withClient(url, (client) => writeFolders(client, options))
      : { written: 0, missing: 0, refused: [] };
  await removeMark(home);
  signal.throwIfAborted();

  return { manifest, restored, folders };
}

function hasDatabase(home: string): boolean {
  return existsSync(path.join(home, 'postgres', 'data'));
}

async function checkFile({ file, signal, onProgress }: RestoreHomeOptions): Promise<Manifest> {
  let bytes = 0;
  const manifest = await checkBackup({
    file,
    signal,
    onBytes(count) {
      bytes += count;
      onProgress?.({ part: 'check', rows: 0, at: 0, of: 0, bytes });
    },
  });
  assertKnown(manifest, await readMigrations());

  return manifest;
}

/** Writes the folders of ended tasks anew: a repeat finds its own and leaves them as they are. */
async function writeFolders(client: Client, options: RestoreHomeOptions): Promise<Folders> {
  const { outputsFolder, log, signal, onProgress } = options;
  const sink = createFolderSink({ root: outputsFolder, log });
  const folders: Folders = { written: 0, missing: 0, refused: [] };
  const wanted = await wantedFolders(client);

  for (const [index, { id, is_whole: isWhole }] of wanted.entries()) {
    onProgress?.({ part: 'folders', rows: 0, at: index + 1, of: wanted.length, bytes: 0 });
    const outcome = isWhole ? await writeFolder(client, { id, sink, log, signal }) : null;

    if (outcome === null) folders.missing += 1;
    else if (outcome.type === 'fail') folders.refused.push(outcome.error.message);
    else if (outcome.type === 'delivered') {
      await moveFolder(client, id, outcome);
      folders.written += 1;
    }
  }
  return folders;
}

async function writeFolder(
  client: Client,
  { id, sink, log, signal }: { id: string; sink: Sink; log: Log; signal: AbortSignal },
): Promise<DeliveryOutcome> {
  const task = await readDeliveredTask(client, id);
  const delivery = {
    id: 0,
    attempt: 0,
    sink: sink.name,
    stage: 0,
    target: null,
    timeoutSeconds: 0,
  };
  const read = ({ id: deliverable }: { id: string }) => readContent(client, deliverable);

  const check = () => signal.throwIfAborted();

  const outcome = await sink.deliver({ ...delivery, task }, { log, signal, check, read });
  // Such as a full disk. Once that is mended, the restore is repeated and goes on here.
  if (outcome.type === 'retry')
    throw appError('restore_unfinished', { detail: outcome.error.message });
  return outcome;
}
