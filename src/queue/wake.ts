// Hears of due work and of cancelled tasks over LISTEN, on a session that also proves that the worker lives.
import { Client } from 'pg';
import { z } from 'zod';

import { messageOf } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Wake } from '../core/queue.ts';
import { functions } from './functions.ts';
import { statementOf } from './pg-transport.ts';

const Notice = z.discriminatedUnion('type', [
  z.object({ type: z.literal('due'), by: z.uuid().nullable() }),
  z.object({ type: z.literal('cancelled'), taskId: z.uuid() }),
]);

export type WakeOptions = { url: string; workerId: string; log: Log; clock: Clock };

export type WakeListener = {
  wake(wake: Wake): void;
  /** Called after every (re)connection: what was sent in between is lost, so look once. */
  connected(): void;
};

const reconnectMs = { first: 250, most: 15_000 };

/**
 * Listens until disposed; a lost connection is made again with backoff, and only logged, since polling goes on.
 * The worker's own wake-ups are left out: it knows.
 */
export function listen(options: WakeOptions, listener: WakeListener): AsyncDisposable {
  const stopping = new AbortController();
  const done = keepListening(options, listener, stopping.signal);

  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await done;
    },
  };
}

async function keepListening(
  options: WakeOptions,
  listener: WakeListener,
  signal: AbortSignal,
): Promise<void> {
  let waitMs = reconnectMs.first;

  while (!signal.aborted) {
    try {
      await listenOnce(options, listener, signal);
      waitMs = reconnectMs.first;
    } catch (error) {
      options.log.warn('wake-ups are off until the database answers', { reason: messageOf(error) });
    }

    // Full jitter, so that many machines do not come back at once; the abort only ends the wait.
    await options.clock.delay(Math.random() * waitMs, signal).catch(() => undefined);
    waitMs = Math.min(waitMs * 2, reconnectMs.most);
  }
}

// One connection, from connecting to its end. Rejects when it cannot be made.
async function listenOnce(
  options: WakeOptions,
  listener: WakeListener,
  signal: AbortSignal,
): Promise<void> {
  const client = new Client({
    connectionString: options.url,
    application_name: 'nightshift wake',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  const ended = new Promise<void>((resolve) => {
    client.once('error', () => resolve());
    client.once('end', () => resolve());
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  // Errors after the first would otherwise end the whole process.
  client.on('error', () => undefined);

  try {
    await client.connect();
    client.on('notification', ({ payload }) => notice(payload, options, listener));
    await client.query('listen nightshift');
    await client.query(statementOf(functions.holdSession), [options.workerId]);
    listener.connected();
    await ended;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function notice(payload: string | undefined, options: WakeOptions, listener: WakeListener): void {
  const parsed = Notice.safeParse(parseJson(payload));
  if (!parsed.success) return;
  if (parsed.data.type === 'due' && parsed.data.by === options.workerId) return;

  listener.wake(parsed.data);
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
