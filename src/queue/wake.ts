// Hears of due work and of cancelled tasks over LISTEN, on a session that also proves that the worker lives.
import { Socket } from 'node:net';

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

const reconnectMs = { first: 250, most: 5_000 };
// How often the session is asked for a sign of life. A network can take a connection without a word, and then nothing
// is heard on it for ever.
const askEveryMs = 5_000;
const answerWithinMs = 5_000;
const goodbyeMs = 1_000;

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

// One connection, from connecting to its end. Rejects when it cannot be made, and when it falls silent.
async function listenOnce(
  options: WakeOptions,
  listener: WakeListener,
  signal: AbortSignal,
): Promise<void> {
  const socket = new Socket();
  const client = new Client({
    connectionString: options.url,
    application_name: 'nightshift wake',
    connectionTimeoutMillis: answerWithinMs,
    query_timeout: answerWithinMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    stream: () => socket,
  });
  const over = new AbortController();
  for (const event of ['error', 'end'] as const) client.once(event, () => over.abort());
  // Errors after the first would otherwise end the whole process.
  client.on('error', () => undefined);

  try {
    await client.connect();
    client.on('notification', ({ payload }) => notice(payload, options, listener));
    await client.query('listen nightshift');
    await holdSession(client, options.workerId);
    listener.connected();
    await proveLife(client, options, AbortSignal.any([signal, over.signal]));
  } finally {
    // A goodbye over a dead network is never answered.
    const waited = options.clock.delay(goodbyeMs).then(() => socket.destroy());
    await Promise.race([client.end(), waited]).catch(() => undefined);
  }
}

/**
 * Asks for a sign of life until the signal aborts; rejects when none comes. Each time the worker's lock is taken anew,
 * since a former session that the server took for alive may have held it until now.
 */
async function proveLife(
  client: Client,
  { workerId, clock }: WakeOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    // An abort only ends the wait.
    await clock.delay(askEveryMs, signal).catch(() => undefined);
    if (!signal.aborted) await holdSession(client, workerId);
  }
}

async function holdSession(client: Client, workerId: string): Promise<void> {
  await client.query(statementOf(functions.holdSession), [workerId]);
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
