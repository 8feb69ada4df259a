// The cluster on disk: its folders, passwords, settings, and its creation by initdb.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  access,
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { appError, messageOf } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import { accountFor, openPath, type Account } from './account.ts';
import { nativeFolder, type Binaries } from './binaries.ts';
import { scrubbedEnvironment } from './postmaster.ts';
import { defaultSettings, settingsText, type Settings } from './settings.ts';

export const ownerName = 'postgres';

export type Cluster = {
  folder: string;
  data: string;
  /** Our settings; those of `alter system` come after them. */
  settingsFile: string;
  ownerPasswordFile: string;
  workerPasswordFile: string;
  portFile: string;
  outputFile: string;
  timezone: string;
  account: Account | undefined;
};

const initdbLimitMs = 120_000;
const unfinishedPrefix = 'unfinished-';

/** Makes what is missing under `home/postgres`, and writes the settings anew. An interrupted try is harmless. */
export async function prepareCluster(
  home: string,
  binaries: Binaries,
  options: { log: Log; settings: Settings; signal?: AbortSignal | undefined },
): Promise<Cluster> {
  const cluster = await layOut(home, options.log);
  const { account, folder } = cluster;

  await mkdir(folder, { recursive: true, mode: 0o700 });
  // An account of its own passes through this folder to its data and log; the rest stays closed to it.
  await chmod(folder, account === undefined ? 0o700 : 0o711);
  await openPath(folder, account, options.log);
  await openPath(binaries.postgres, account, options.log);
  await createFolder(join(folder, 'log'), account);

  const timezone = await hostTimezone(binaries);
  const settings = { ...defaultSettings, timezone, log_timezone: timezone, ...options.settings };
  await writeFile(cluster.settingsFile, settingsText(settings), { mode: 0o644 });

  await removeUnfinished(folder);
  if (!(await exists(cluster.data))) await createData(cluster, binaries, options.signal);
  return { ...cluster, timezone };
}

async function layOut(home: string, log: Log): Promise<Cluster> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  // The real path, since a running postmaster is recognised by the path that it was started with.
  const folder = join(await realpath(home), 'postgres');
  const data = join(folder, 'data');

  return {
    folder,
    data,
    settingsFile: join(folder, 'postgresql.conf'),
    ownerPasswordFile: join(folder, 'owner.password'),
    workerPasswordFile: join(folder, 'worker.password'),
    portFile: join(folder, 'port'),
    outputFile: join(folder, 'startup.log'),
    timezone: 'UTC',
    account: await accountFor(data, log),
  };
}

// Created apart and renamed when whole, so that a kill in the middle leaves nothing that looks like a cluster. Each
// try has a folder of its own: the initdb of a killed daemon goes on, and wipes its folder when it fails.
async function createData(
  cluster: Cluster,
  binaries: Binaries,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { folder, data, account } = cluster;
  const unfinished = await mkdtemp(join(folder, unfinishedPrefix));
  const passwordFile = join(unfinished, 'password');

  const password = await savedPassword(cluster.ownerPasswordFile);
  await writeFile(passwordFile, password, { mode: 0o600 });
  await createFolder(unfinished, account);
  if (account !== undefined) await chown(passwordFile, account.uid, account.gid);

  try {
    await promisify(execFile)(
      binaries.initdb,
      initdbArguments(join(unfinished, 'data'), passwordFile),
      {
        ...account,
        cwd: unfinished,
        env: scrubbedEnvironment(cluster.timezone),
        timeout: initdbLimitMs,
        ...(signal === undefined ? {} : { signal }),
      },
    );
    await rename(join(unfinished, 'data'), data);
  } catch (cause) {
    signal?.throwIfAborted();
    throw appError('postgres_failed', { detail: `initdb failed: ${messageOf(cause)}` }, { cause });
  } finally {
    await removeUnfinished(folder);
  }
}

// What cannot be removed, since something still works on it, is removed by a later start.
async function removeUnfinished(folder: string): Promise<void> {
  const names = await readdir(folder);
  const unfinished = names.filter((name) => name.startsWith(unfinishedPrefix));

  await Promise.allSettled(
    unfinished.map((name) => rm(join(folder, name), { recursive: true, force: true })),
  );
}

function initdbArguments(data: string, passwordFile: string): string[] {
  return [
    `--pgdata=${data}`,
    `--username=${ownerName}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--data-checksums',
    '--encoding=UTF8',
    // The builtin provider sorts alike on every system and needs no locale to be installed.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ];
}

/** Reads a password, or makes one at its first use. */
export async function savedPassword(file: string): Promise<string> {
  const saved = await readFile(file, 'utf8').catch(() => undefined);
  if (saved !== undefined && saved.trim() !== '') return saved.trim();

  const password = randomBytes(24).toString('base64url');
  // Through to the disk: a cluster whose password a power cut took would be locked for good.
  await writeFile(file, `${password}\n`, { mode: 0o600, flush: true });
  return password;
}

// PostgreSQL refuses to start on a time zone that its own tables lack.
async function hostTimezone(binaries: Binaries): Promise<string> {
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const folder = join(nativeFolder(binaries), 'share', 'postgresql', 'timezone');
  const isName = /^[A-Za-z][\w+-]*(\/[\w+-]+)*$/.test(name);

  return isName && (await exists(join(folder, name))) ? name : 'UTC';
}

async function createFolder(path: string, account: Account | undefined): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (account !== undefined) await chown(path, account.uid, account.gid);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
