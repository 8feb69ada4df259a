// Composition of the way to the queue: the PostgreSQL of the home, the one of DATABASE_URL, or a Supabase project.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import type { Config } from './core/config.ts';
import { appError, isAppError } from './core/errors.ts';
import type { Log } from './core/ports.ts';
import type { Queue } from './core/queue.ts';
import { systemClock } from './daemon/clock.ts';
import type { Listen } from './daemon/context.ts';
import { readOwner } from './daemon/lock.ts';
import { readRecovery } from './daemon/recovery-file.ts';
import { type ReadyFile, readReadyFile } from './daemon/ready-file.ts';
import { urlOf, withRole } from './postgres/connection.ts';
import { openDatabase } from './postgres/database.ts';
import { checkExternal, enterExternal } from './postgres/external.ts';
import { migrate, pendingMigrations } from './postgres/migrate.ts';
import { readMigrations } from './postgres/migrations.ts';
import { createPool } from './postgres/pool.ts';
import { createQueue } from './queue/client.ts';
import type { Transport } from './queue/functions.ts';
import { type Hearing, watchTransport } from './queue/watch.ts';
import { createPgTransport } from './queue/pg-transport.ts';
import { listen } from './queue/wake.ts';

export type BackendOptions = {
  home: string;
  config: Config;
  log: Log;
  /** Hears whether the database works. */
  hearing?: Hearing;
};

/** The queue, how to hear of due work, and what the ready file says of the database. */
export type Backend = {
  queue: Queue;
  listen(workerId: string): Listen;
  /** The newest migration that this build knows. */
  schema: string;
  database: ReadyFile['database'];
};

/**
 * Opens the queue for a daemon: starts and migrates its own database, or waits for the Supabase project. What it opens
 * is left in `stack`. Throws as `openDatabase` does, and `database_behind` or `database_key_refused` for Supabase.
 */
export async function openBackend(
  options: BackendOptions & { signal: AbortSignal },
  stack: AsyncDisposableStack,
): Promise<Backend> {
  const { home, config, log, signal } = options;
  if (config.profile === 'supabase') return await openSupabase(options);

  const { DATABASE_URL: databaseUrl } = config.secrets;
  const { url, server, version } = stack.use(
    await openDatabase({ home, log, signal, ...(databaseUrl !== undefined && { databaseUrl }) }),
  );

  return {
    queue: queueOver(url, { ...options, max: config.settings.database.pool, stack }),
    listen: (workerId) => (listener) =>
      listen({ url, workerId, log, clock: systemClock }, listener),
    schema: version,
    database: server && {
      host: server.host,
      port: server.port,
      name: server.database,
      user: server.ownerUser,
      password_file: server.ownerPasswordFile,
    },
  };
}

/** The queue for a command. Throws `daemon_absent` when there is no database to reach. */
export async function openClientQueue(
  options: BackendOptions,
  stack: AsyncDisposableStack,
): Promise<Queue> {
  if (options.config.profile === 'supabase') return createQueue(await supabaseTransport(options));

  const url = await findDatabase(options);
  return queueOver(url, { ...options, max: 2, stack });
}

function queueOver(
  url: string,
  {
    log,
    max,
    stack,
    hearing,
  }: Pick<BackendOptions, 'log' | 'hearing'> & { max: number; stack: AsyncDisposableStack },
): Queue {
  const pool = createPool(url, { log, max, applicationName: 'nightshift' });
  stack.defer(() => pool.end());

  return createQueue(heard(createPgTransport(pool), hearing));
}

function heard(transport: Transport, hearing: Hearing | undefined): Transport {
  return hearing === undefined ? transport : watchTransport(transport, hearing);
}

async function openSupabase(options: BackendOptions & { signal: AbortSignal }): Promise<Backend> {
  const { log, signal } = options;
  const { url, key } = supabaseOf(options.config);
  const { checkSupabase } = await import('./queue/supabase-check.ts');
  const { listenSupabase } = await import('./queue/supabase-wake.ts');
  const transport = await supabaseTransport(options);
  const migrations = await readMigrations();

  await whileUnavailable(() => checkSupabase(transport, migrations, log), { log, signal });

  return {
    queue: createQueue(heard(transport, options.hearing)),
    listen: (workerId) => (listener) =>
      listenSupabase({ url, key, workerId, log, clock: systemClock }, listener),
    schema: migrations.at(-1)?.version ?? '',
    database: null,
  };
}

async function supabaseTransport({ config, log }: BackendOptions): Promise<Transport> {
  const { createSupabaseTransport } = await import('./queue/supabase-transport.ts');

  return createSupabaseTransport({ ...supabaseOf(config), log });
}

function supabaseOf({ secrets }: Config): { url: string; key: string } {
  const { SUPABASE_URL: url, SUPABASE_SECRET_KEY: key } = secrets;
  if (url === undefined || key === undefined) {
    throw appError('config_invalid', { detail: 'SUPABASE_URL and SUPABASE_SECRET_KEY are needed' });
  }

  return { url, key };
}

const firstWaitMs = 1_000;
const longestWaitMs = 60_000;

// A machine that comes up before its network waits for it, as the daemon does later on.
async function whileUnavailable<Result>(
  attempt: () => Promise<Result>,
  { log, signal }: { log: Log; signal: AbortSignal },
): Promise<Result> {
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isAppError(error) || error.code !== 'database_unavailable') throw error;
      log.warn('waiting for the database', { reason: error.message });
    }
    await systemClock.delay(Math.random() * waitMs, signal);
  }
}

async function findDatabase({ home, config }: BackendOptions): Promise<string> {
  const { DATABASE_URL: external } = config.secrets;
  if (external !== undefined) {
    await checkExternal(external);
    const pending = await pendingMigrations(external);
    if (pending.length > 0) throw appError('database_behind', { detail: pending.join(', ') });
    return await enterExternal(external);
  }

  const owner = existsSync(path.join(home, 'run')) ? await readOwner(home) : undefined;
  if (owner === undefined) throw await absent(home);
  if (!owner.database) {
    throw appError('daemon_absent', {
      detail:
        'the one that runs uses a database of yours: set DATABASE_URL or SUPABASE_URL here too',
    });
  }
  const { host, port, name, user, password_file: file } = owner.database;
  const password = (await readFile(file, 'utf8')).trim();
  return withRole(urlOf({ host, port, user, password, database: name }), 'service_role');
}

async function absent(home: string): Promise<Error> {
  const recovery = readRecovery(home);
  if (recovery !== null) return appError('daemon_recovering', { home, detail: recovery.reason });

  const left = existsSync(path.join(home, 'run')) ? await readReadyFile(home) : undefined;
  const last =
    left && `the last one (pid ${left.pid}, since ${left.started_at}) ended without saying so`;

  return appError('daemon_absent', { home, detail: last ? `${home}; ${last}` : home });
}

/** Brings the database of an address to this version. */
export async function migrateDatabase(
  url: string,
  log: Log,
): Promise<{ applied: string[]; current: string }> {
  await checkExternal(url);
  return await migrate({ url, log });
}

/** What `supabase db push` would apply: the files, and a text for people. */
export async function pendingOnSupabase(
  options: BackendOptions,
): Promise<{ pending: string[]; text: string }> {
  const { describePending, readSupabase } = await import('./queue/supabase-check.ts');
  const state = await readSupabase(await supabaseTransport(options), await readMigrations());

  return { pending: state.pending, text: describePending(state) };
}
