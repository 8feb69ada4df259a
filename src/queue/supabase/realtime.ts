// One connection to Supabase Realtime: joins a channel, beats, hands on what it hears, and ends.
import { WebSocket } from 'ws';
import { z } from 'zod';

import type { Clock } from '../../core/ports.ts';

// Not through supabase-js: its channels come back by themselves in ways that leave timers (ten seconds after a
// disconnect) and its sockets throw where a frame is garbled, which ends the process. And Node's own WebSocket
// cannot be ended while the other side is silent.

export type RealtimeOptions = { url: string; key: string; clock: Clock };

/** What Realtime is asked to tell of; `filter` as in `status=eq.cancelled`. */
export type Subscription = {
  event: 'INSERT' | 'UPDATE';
  schema: string;
  table: string;
  filter?: string;
};

export type Change = { type: 'INSERT' | 'UPDATE'; record: Record<string, unknown> };

export type RealtimeListener = {
  /** From now on changes are told. May be called again for the same connection. */
  joined(): void;
  change(change: Change): void;
};

const handshakeMs = 10_000;
// Realtime answers a join only when the database's changes flow, which takes it up to 15 s.
const joinMs = 25_000;
const beatMs = 25_000;
const closeMs = 1_000;
// Realtime itself leaves out what is longer than a megabyte.
const maxPayload = 4 * 1024 * 1024;
const topic = 'realtime:nightshift';

const Frame = z.tuple([
  z.string().nullable(),
  z.string().nullable(),
  z.string(),
  z.string(),
  z.record(z.string(), z.unknown()),
]);
type Frame = z.infer<typeof Frame>;

const Reply = z.object({
  status: z.string(),
  response: z.object({ reason: z.string().optional() }).catch({}),
});
const System = z.object({
  extension: z.string(),
  status: z.string(),
  message: z.string().catch(''),
});
const Changed = z.object({
  data: z.object({
    type: z.enum(['INSERT', 'UPDATE']),
    record: z.record(z.string(), z.unknown()).catch({}),
  }),
});

/**
 * Connects and listens until the connection ends or the signal aborts. Resolves with how long it was joined, in
 * milliseconds; rejects when it never was. Afterwards nothing of it is left.
 */
export async function listenOnce(
  options: RealtimeOptions,
  listener: RealtimeListener & { subscriptions: Subscription[] },
  signal: AbortSignal,
): Promise<{ joinedMs: number; reason: string }> {
  const { clock } = options;
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  const over = new AbortController();
  const socket = new WebSocket(addressOf(options), { handshakeTimeout: handshakeMs, maxPayload });
  const state: State = { joinedAt: undefined, awaited: undefined };
  const connection = { options, listener, socket, state, end };

  // An error is always followed by a close; without a listener it would end the process.
  socket.on('error', (error) => end(error.message));
  socket.on('close', (code) => end(`the connection was closed (${code})`));
  socket.on('open', () => {
    join(connection);
    void keepBeating(connection, over.signal);
  });
  // As Buffers, which is how `ws` hands over messages unless told otherwise.
  socket.on('message', (bytes, isBinary) => {
    if (!isBinary && Buffer.isBuffer(bytes)) hear(connection, bytes.toString());
  });
  signal.addEventListener('abort', () => end('stopped'), { once: true, signal: over.signal });
  void giveUpUnlessJoined(connection, over.signal);

  const reason = signal.aborted ? 'stopped' : await ended;
  over.abort();
  await close(socket, clock);
  if (state.joinedAt === undefined) throw new Error(reason);

  return { joinedMs: clock.monotonic() - state.joinedAt, reason };
}

type State = { joinedAt: number | undefined; awaited: string | undefined };

type Connection = {
  options: RealtimeOptions;
  listener: RealtimeListener & { subscriptions: Subscription[] };
  socket: WebSocket;
  state: State;
  end(reason: string): void;
};

// The key is part of the address because that is where Realtime's gateway looks for it.
function addressOf({ url, key }: RealtimeOptions): URL {
  const address = new URL('realtime/v1/websocket', url.endsWith('/') ? url : `${url}/`);
  address.protocol = address.protocol.replace('http', 'ws');
  address.searchParams.set('apikey', key);
  address.searchParams.set('vsn', '2.0.0');

  return address;
}

function join({ options, listener, socket }: Connection): void {
  const payload = {
    config: {
      broadcast: { ack: false, self: false },
      presence: { key: '', enabled: false },
      private: false,
      postgres_changes: listener.subscriptions,
      // Else the join is answered seconds before changes are told, and those in between are lost.
      postgres_changes_options: { wait: true },
    },
    access_token: options.key,
  };
  send(socket, ['1', '1', topic, 'phx_join', payload]);
}

function send(socket: WebSocket, frame: Frame): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

function hear(connection: Connection, text: string): void {
  const frame = Frame.safeParse(parseJson(text));
  if (!frame.success) return;

  const [, ref, from, event, payload] = frame.data;
  if (from === 'phoenix' && ref === connection.state.awaited) connection.state.awaited = undefined;
  if (from === topic) hearChannel(connection, { ref, event, payload });
}

function hearChannel(
  connection: Connection,
  { ref, event, payload }: { ref: string | null; event: string; payload: unknown },
): void {
  const { listener, end } = connection;

  switch (event) {
    case 'phx_reply':
      if (ref === '1') hearJoin(connection, payload);
      return;
    case 'system':
      return hearSystem(connection, payload);
    case 'postgres_changes': {
      const changed = Changed.safeParse(payload);
      if (changed.success) listener.change(changed.data.data);
      return;
    }
    case 'phx_error':
    case 'phx_close':
      return end('Realtime closed the channel');
  }
}

function hearJoin(connection: Connection, payload: unknown): void {
  const reply = Reply.safeParse(payload);
  if (reply.data?.status === 'ok') return joined(connection);

  connection.end(
    `Realtime refused the channel: ${reply.data?.response.reason ?? 'no reason given'}`,
  );
}

// Realtime before the option `wait` answers the join first, and says later when changes flow.
function hearSystem(connection: Connection, payload: unknown): void {
  const system = System.safeParse(payload);
  if (!system.success || system.data.extension !== 'postgres_changes') return;

  if (system.data.status === 'ok') joined(connection);
  else connection.end(`Realtime cannot tell of changes: ${system.data.message}`);
}

function joined({ options, listener, state }: Connection): void {
  state.joinedAt ??= options.clock.monotonic();
  listener.joined();
}

// A connection that died without a word is found by the beat that nobody answers.
async function keepBeating(connection: Connection, over: AbortSignal): Promise<void> {
  const { options, socket, state, end } = connection;

  for (let beat = 2; !over.aborted; beat += 1) {
    await options.clock.delay(beatMs, over).catch(() => undefined);
    if (state.awaited !== undefined) end('Realtime does not answer');
    state.awaited = String(beat);
    send(socket, [null, state.awaited, 'phoenix', 'heartbeat', {}]);
  }
}

async function giveUpUnlessJoined(
  { options, state, end }: Connection,
  over: AbortSignal,
): Promise<void> {
  await options.clock.delay(joinMs, over).catch(() => undefined);
  if (state.joinedAt === undefined) end('Realtime did not answer in time');
}

// Politely, but not for long: the other side may be gone.
async function close(socket: WebSocket, clock: Clock): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return;

  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  socket.close();
  await clock.delay(closeMs, closed.signal).catch(() => undefined);
  socket.terminate();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
