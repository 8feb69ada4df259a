// One PostgreSQL for a whole test run, and empty migrated databases on it within milliseconds.
import { mkdtemp, readdir, readFile, realpath, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { TestProject } from 'vitest/node';

import { messageOf } from '../../src/core/errors.ts';
import type { Log } from '../../src/core/ports.ts';
import { withClient, withDatabase } from '../../src/postgres/connection.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { findPostmaster, isAlive, stopPostmaster } from '../../src/postgres/postmaster.ts';
import { startPostgres } from '../../src/postgres/server.ts';

/**
 * What a test needs to make databases of its own; it can be sent to other processes. With a `problem` there are
 * none: the migrations failed, and only tests that need a database shall suffer.
 */
export type ClusterAddress = {
  adminUrl: string;
  workerUrl: string;
  template: string;
  problem: string | null;
};

export type TestCluster = ClusterAddress &
  AsyncDisposable & { freshDatabase(): Promise<TestDatabase>; stop(): Promise<void> };

export type TestDatabase = AsyncDisposable & {
  name: string;
  /** Logs in as the owner, a superuser. */
  adminUrl: string;
  /** Logs in as the workers do: no owner, no superuser, with the rights of `service_role`. */
  workerUrl: string;
  admin: pg.Pool;
  /** Moves `nightshift.queue_now()` forward; calls add up. */
  advance(by: { seconds: number }): Promise<void>;
  /** Runs SQL as the owner. */
  sql<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    params?: unknown[],
  ): Promise<Row[]>;
};

declare module 'vitest' {
  interface ProvidedContext {
    cluster: ClusterAddress;
  }
}

const folderPrefix = 'nightshift-test-';
const template = 'nightshift_template';

// Tests may lose everything with the machine: nothing waits for the disk.
const settings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  max_connections: '200',
  max_wal_size: '256MB',
  checkpoint_timeout: '1h',
};

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** vitest's globalSetup. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startTestCluster();
  const { adminUrl, workerUrl, problem } = cluster;
  project.provide('cluster', { adminUrl, workerUrl, template, problem });

  return cluster.stop;
}

/** Starts a cluster in a temporary folder and migrates its template. `stop` removes it again. */
export async function startTestCluster(): Promise<TestCluster> {
  const base = await scratchFolder();
  await removeLeftovers(base);
  const home = await mkdtemp(join(base, folderPrefix));
  await writeFile(join(home, 'owner.pid'), String(process.pid));

  const server = await startPostgres({ home, log: silentLog, settings });
  // Ends the server also when the run ends in a way that awaits nothing; the next run removes the folder.
  const onExit = (): void => {
    try {
      process.kill(server.pid(), 'SIGQUIT');
    } catch {
      // It ended before us.
    }
  };
  process.once('exit', onExit);

  async function stop(): Promise<void> {
    process.off('exit', onExit);
    await server.stop();
    await rm(home, { recursive: true, force: true });
  }

  const problem = await prepareTemplate(server.adminUrl).then(() => null, messageOf);
  const address = { adminUrl: server.adminUrl, workerUrl: server.workerUrl, template, problem };

  return {
    ...address,
    freshDatabase: () => createDatabase(address),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function prepareTemplate(adminUrl: string): Promise<void> {
  await withClient(adminUrl, (client) => client.query(`create database ${template}`));
  await migrate({ url: withDatabase(adminUrl, template), log: silentLog });
}

/** Copies the migrated template, or another. Disposing drops the copy, whoever is still connected. */
export async function createDatabase(
  cluster: ClusterAddress,
  source: string = cluster.template,
): Promise<TestDatabase> {
  if (cluster.problem !== null && source === cluster.template) throw new Error(cluster.problem);
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`;
  const adminUrl = withDatabase(cluster.adminUrl, name);
  // `file_copy` takes a tenth of the time of `wal_log` where nothing waits for the disk.
  await withClient(cluster.adminUrl, (client) =>
    client.query(`create database ${name} template ${source} strategy file_copy`),
  );
  const admin = new pg.Pool({ connectionString: adminUrl, max: 4 });
  admin.on('error', () => undefined);
  let advanced = 0;

  return {
    name,
    adminUrl,
    workerUrl: withDatabase(cluster.workerUrl, name),
    admin,
    async advance({ seconds }) {
      advanced += seconds;
      await admin.query(clockAhead(advanced));
    },
    async sql<Row extends pg.QueryResultRow>(text: string, params: unknown[] = []) {
      const { rows } = await admin.query<Row>(text, params);
      return rows;
    },
    async [Symbol.asyncDispose]() {
      await admin.end();
      await withClient(cluster.adminUrl, (client) =>
        client.query(`drop database if exists ${name} with (force)`),
      );
    },
  };
}

// Without a `set` clause, as in the migration: only so does the planner inline it.
function clockAhead(seconds: number): string {
  return `
    create or replace function nightshift.queue_now()
    returns timestamptz
    language sql
    volatile
    as $$ select clock_timestamp() + interval '${seconds} seconds' $$`;
}

/** A folder for short-lived files. In memory where there is enough: a fresh database then takes 20 ms, not 100. */
export async function scratchFolder(): Promise<string> {
  const space = await statfs('/dev/shm').catch(() => undefined);
  const isRoomy = space !== undefined && space.bavail * space.bsize > 2 * 1024 ** 3;

  return realpath(isRoomy ? '/dev/shm' : tmpdir());
}

// A run that was killed could not clean up; the next one does it.
async function removeLeftovers(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    if (!name.startsWith(folderPrefix)) continue;

    // Those of other users of this machine are theirs to remove.
    await removeLeftover(join(base, name)).catch(() => undefined);
  }
}

async function removeLeftover(home: string): Promise<void> {
  const owner = Number(await readFile(join(home, 'owner.pid'), 'utf8'));
  if (owner === 0 || (await isAlive(owner))) return;

  const orphan = await findPostmaster(join(home, 'postgres', 'data'));
  if (orphan !== undefined) await stopPostmaster(orphan.pid, (ms) => sleep(ms), 'SIGQUIT');
  await rm(home, { recursive: true, force: true });
}
