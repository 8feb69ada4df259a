// The embedded PostgreSQL as the daemon sees it: one call that ends with a database to log in to.
import { setTimeout as sleep } from 'node:timers/promises';

import type { Clock, Log } from '../core/ports.ts';
import { findBinaries } from './binaries.ts';
import { ownerName, prepareCluster, savedPassword } from './cluster.ts';
import { codeOf, urlOf, withClient, withDatabase } from './connection.ts';
import { type Postmaster, stopPostmaster } from './postmaster.ts';
import { applyPrelude, createWorkerLogin, workerName, workerRole } from './prelude.ts';
import type { Settings } from './settings.ts';
import { adopt, host, launch, type Startup } from './startup.ts';
import { supervise } from './supervise.ts';

export const databaseName = 'nightshift';

export type PostgresOptions = {
  /** `NIGHTSHIFT_HOME`; everything is kept in `postgres/` below it. */
  home: string;
  log: Log;
  /** Aborts the start; what was launched by then is stopped again. */
  signal?: AbortSignal;
  clock?: Pick<Clock, 'delay'>;
  /** Added to our settings of PostgreSQL, and before them. */
  settings?: Settings;
};

/** A running server. The URLs hold passwords: they are never logged. */
export type PostgresServer = AsyncDisposable & {
  host: string;
  port: number;
  database: string;
  ownerUser: string;
  ownerPasswordFile: string;
  workerUser: string;
  workerPasswordFile: string;
  /** Logs in as the owner of everything, a superuser: for migrations. */
  adminUrl: string;
  /** Logs in as a role that owns nothing, with the rights of `service_role`: for the work. */
  workerUrl: string;
  pid(): number;
  /** Disconnects everyone and stops the server, within 40 seconds. May be called again. */
  stop(): Promise<void>;
};

/** Starts the server of this home, or takes over the one that is running. Throws `postgres_failed`. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { home, log, signal, settings = {} } = options;
  const delay = options.clock?.delay ?? realDelay;
  const binaries = await findBinaries();
  const cluster = await prepareCluster(home, binaries, { log, settings, signal });
  const ownerPassword = await savedPassword(cluster.ownerPasswordFile);
  const workerPassword = await savedPassword(cluster.workerPasswordFile);

  const startup: Startup = { cluster, binaries, ownerPassword, log, delay, signal };
  const postmaster = (await adopt(startup)) ?? (await launch(startup));
  const { port } = postmaster;
  const supervised = supervise(postmaster, {
    restart: (stopping) => comeBack({ ...startup, signal: stopping }, port),
    delay,
    log,
  });

  const login = { host, port, database: databaseName };
  const adminUrl = urlOf({ ...login, user: ownerName, password: ownerPassword });
  const workerUrl = urlOf({
    ...login,
    user: workerName,
    password: workerPassword,
    role: workerRole,
  });
  try {
    await prepareDatabase(adminUrl, workerUrl, workerPassword);
  } catch (error) {
    await supervised.stop();
    throw error;
  }
  log.info('PostgreSQL runs', { pid: supervised.pid(), port });

  return {
    ...login,
    ownerUser: ownerName,
    ownerPasswordFile: cluster.ownerPasswordFile,
    workerUser: workerName,
    workerPasswordFile: cluster.workerPasswordFile,
    adminUrl,
    workerUrl,
    ...supervised,
    [Symbol.asyncDispose]: supervised.stop,
  };
}

/** Up again where everyone knows it to be: someone else may have started it meanwhile. */
async function comeBack(startup: Startup, port: number): Promise<Postmaster> {
  const running = await adopt(startup);
  if (running?.port === port) return running;
  if (running !== undefined) await stopPostmaster(running.pid, startup.delay);

  return await launch(startup, port);
}

// Nothing is written when the worker can log in already: the database may belong to a newer version of us.
async function prepareDatabase(
  adminUrl: string,
  workerUrl: string,
  workerPassword: string,
): Promise<void> {
  const isReady = await withClient(workerUrl, (client) => client.query('select')).catch(
    () => false,
  );
  if (isReady !== false) return;

  await withClient(withDatabase(adminUrl, 'postgres'), (client) =>
    client.query(`create database ${databaseName}`).catch((error: unknown) => {
      if (codeOf(error) !== '42P04') throw error;
    }),
  );
  await withClient(adminUrl, async (client) => {
    await applyPrelude(client);
    await createWorkerLogin(client, workerPassword);
  });
}

async function realDelay(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal });
}
