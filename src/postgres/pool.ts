// Connection pools that survive a database restart and a network that goes silent, and never wait for ever.
import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import pg from 'pg';

import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';

export type PoolOptions = {
  log: Log;
  /** How the sessions are called in `pg_stat_activity`. */
  applicationName: string;
  /** Connections at most; default 10. */
  max?: number;
  /** Milliseconds one query may take, as seen from here; default 10,000. */
  queryTimeoutMs?: number;
};

export type QueryPool = {
  /** Rejects with what `pg` throws; where no answer comes in time, with `Query read timeout`. */
  query<Row extends pg.QueryResultRow>(
    statement: string | pg.QueryConfig,
  ): Promise<pg.QueryResult<Row>>;
  /** Closes everything, within some seconds whatever the network does. */
  end(): Promise<void>;
};

const connectTimeoutMs = 5_000;
const idleTimeoutMs = 60_000;
const keepAliveAfterMs = 10_000;
// A little longer than the statements of the queue may take anywhere: see `maxBatch` in daemon/outbox.ts.
const firstPatienceMs = 10_000;
const longestPatienceMs = 60_000;
const closeWithinMs = 2_000;

/** A pool on `url`. End it with `end()`. */
export function createPool(url: string, options: PoolOptions): QueryPool {
  const { queryTimeoutMs = firstPatienceMs, log } = options;
  const patience = createPatience(queryTimeoutMs);
  const closing = new Set<Promise<void>>();
  let current = openPool(url, options);

  function close(opened: Opened): Promise<void> {
    const closed = opened.close().finally(() => closing.delete(closed));
    closing.add(closed);
    return closed;
  }

  return {
    async query<Row extends pg.QueryResultRow>(statement: string | pg.QueryConfig) {
      const used = current;
      const { key, config } = keyed(statement);
      const timed = { ...config, query_timeout: patience.of(key) };

      try {
        const result = await used.pool.query<Row>(timed);
        patience.reset(key);
        return result;
      } catch (error) {
        if (messageOf(error) !== silence) throw error;
        patience.grow(key);
        // The network has taken the idle ones too, and each would be waited for in vain, one after the other.
        if (current === used) {
          log.warn('the database does not answer: its connections are made anew');
          current = openPool(url, options);
          void close(used);
        }
        throw error;
      }
    },
    async end() {
      void close(current);
      await Promise.all(closing);
    },
  };
}

const silence = 'Query read timeout';

function keyed(statement: string | pg.QueryConfig): { key: string; config: pg.QueryConfig } {
  const config = typeof statement === 'string' ? { text: statement } : statement;

  return { config, key: config.name ?? config.text };
}

type Opened = { pool: pg.Pool; close(): Promise<void> };

function openPool(url: string, { log, applicationName, max = 10 }: PoolOptions): Opened {
  const sockets = new Set<Socket>();
  const pool = new pg.Pool({
    connectionString: url,
    application_name: applicationName,
    max,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveAfterMs,
    stream: () => tracked(sockets),
  });

  // Unheard, the error of an idle connection ends the program; the pool itself just makes a new connection.
  // `end` does not wait for the sockets: a server that stops right after it breaks connections that nobody needs.
  pool.on('error', (error) => {
    if (!pool.ending) log.warn('an idle connection broke', { error: messageOf(error) });
  });

  return {
    pool,
    async close() {
      const waited = new AbortController();
      const { signal } = waited;
      const ended = pool.end().finally(() => waited.abort());
      await Promise.race([ended, pause(closeWithinMs, undefined, { signal }).catch(() => ended)]);
      // A goodbye that nobody answers would keep the program from ending.
      for (const socket of sockets) socket.destroy();
    },
  };
}

function tracked(sockets: Set<Socket>): Socket {
  const socket = new Socket();
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));

  return socket;
}

type Patience = { of(key: string): number; grow(key: string): void; reset(key: string): void };

/** How long each statement is waited for: longer after each time in vain, since a busy server may need it. */
function createPatience(firstMs: number): Patience {
  const grown = new Map<string, number>();
  const of = (key: string): number => grown.get(key) ?? firstMs;

  return {
    of,
    grow: (key) => void grown.set(key, Math.min(of(key) * 2, longestPatienceMs)),
    reset: (key) => void grown.delete(key),
  };
}
