// Connection pools that survive a database restart and never wait for ever.
import pg from 'pg';

import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';

export type PoolOptions = {
  log: Log;
  /** How the sessions are called in `pg_stat_activity`. */
  applicationName: string;
  /** Connections at most; default 10. */
  max?: number;
  /** Milliseconds one query may take, as seen from here; default 30,000. */
  queryTimeoutMs?: number;
};

const connectTimeoutMs = 10_000;
const idleTimeoutMs = 60_000;
const keepAliveAfterMs = 10_000;

/** A pool on `url`. End it with `pool.end()`. */
export function createPool(url: string, options: PoolOptions): pg.Pool {
  const { log, applicationName, max = 10, queryTimeoutMs = 30_000 } = options;
  const pool = new pg.Pool({
    connectionString: url,
    application_name: applicationName,
    max,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveAfterMs,
    query_timeout: queryTimeoutMs,
  });

  // Unheard, the error of an idle connection ends the program; the pool itself just makes a new connection.
  // `end` does not wait for the sockets: a server that stops right after it breaks connections that nobody needs.
  pool.on('error', (error) => {
    if (!pool.ending) log.warn('an idle connection broke', { error: messageOf(error) });
  });
  return pool;
}
