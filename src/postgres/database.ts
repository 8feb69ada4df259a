// The one way to a database that is ready for work: embedded by default, the operator's own with DATABASE_URL.
import type { Clock, Log } from '../core/ports.ts';
import { checkExternal, enterExternal } from './external.ts';
import { migrate } from './migrate.ts';
import { startPostgres, type PostgresServer } from './server.ts';

export type DatabaseOptions = {
  /** `NIGHTSHIFT_HOME`. */
  home: string;
  /** Use this server (PostgreSQL 15 or newer, any number of machines) and start none. */
  databaseUrl?: string;
  log: Log;
  /** Aborts the start. */
  signal?: AbortSignal;
  clock?: Pick<Clock, 'delay'>;
  /** Default: the migrations of this version. */
  migrationsFolder?: string;
};

/** A migrated database. The URLs hold passwords: they are never logged. */
export type Database = AsyncDisposable & {
  kind: 'embedded' | 'external';
  /** Logs in with the rights of `service_role`: for all work. */
  url: string;
  /** Logs in as the owner of the schema: for migrations. */
  adminUrl: string;
  /** The newest migration's timestamp. */
  version: string;
  /** The server that we run, or null. */
  server: PostgresServer | null;
  /** Stops the embedded server. May be called again. */
  stop(): Promise<void>;
};

/**
 * Opens the database and brings it to this version. Throws `database_newer` before it writes anything where it
 * needs a newer version, `migration_failed`, `postgres_failed`, `database_unavailable` or `config_invalid`.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  return options.databaseUrl === undefined
    ? openEmbedded(options)
    : openExternal(options.databaseUrl, options);
}

async function openEmbedded(options: DatabaseOptions): Promise<Database> {
  const server = await startPostgres(options);

  try {
    const version = await bringUpToDate(server.adminUrl, options);
    const { workerUrl: url, adminUrl, stop } = server;
    return { kind: 'embedded', url, adminUrl, version, server, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function openExternal(adminUrl: string, options: DatabaseOptions): Promise<Database> {
  await checkExternal(adminUrl);
  const version = await bringUpToDate(adminUrl, options);
  const url = await enterExternal(adminUrl);
  // The server is not ours to stop.
  const stop = async (): Promise<void> => undefined;

  return {
    kind: 'external',
    url,
    adminUrl,
    version,
    server: null,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function bringUpToDate(url: string, options: DatabaseOptions): Promise<string> {
  const { log, migrationsFolder, signal } = options;
  const { current } = await migrate({
    url,
    log,
    ...(signal !== undefined && { signal }),
    ...(migrationsFolder === undefined ? {} : { folder: migrationsFolder }),
  });

  return current;
}
