// The part of Supabase Realtime that the queue uses, on a local port: it can drop, refuse and babble.
import { createServer } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';

import { secretKey } from './postgrest-server.ts';

export type Subscription = {
  event: string;
  schema: string;
  table: string;
  filter?: string | undefined;
};

export type Joined = { topic: string; subscriptions: Subscription[]; accessToken: unknown };

/** How the next joins are answered. */
export type JoinAnswer = 'ok' | 'late' | 'refused' | 'silence';

export type RealtimeServer = AsyncDisposable & {
  url: string;
  /** Joins so far that were answered well. */
  joins: Joined[];
  /** How many joins were asked for. */
  asked(): number;
  /** Connections that are open now. */
  open(): number;
  /** Tells every channel whose subscriptions fit of a change of a row of `public.tasks`. */
  change(type: 'INSERT' | 'UPDATE', record: Record<string, unknown>): void;
  /** Sends this text to everyone, whatever it is. */
  babble(text: string): void;
  /** Breaks every connection without a word. */
  drop(): void;
  /** Closes every channel and leaves the connections. */
  closeChannels(): void;
  answerJoinsWith(answer: JoinAnswer): void;
  /** Stops reading and answering, as a machine that hangs. */
  freeze(): void;
};

const Frame = z.tuple([
  z.string().nullable(),
  z.string().nullable(),
  z.string(),
  z.string(),
  z.unknown(),
]);
const Join = z.object({
  config: z.object({
    postgres_changes: z.array(
      z.object({
        event: z.string(),
        schema: z.string(),
        table: z.string(),
        filter: z.string().optional(),
      }),
    ),
  }),
  access_token: z.unknown().optional(),
});

type Channel = {
  socket: WebSocket;
  joinRef: string | null;
  topic: string;
  subscriptions: Subscription[];
};
type State = { channels: Channel[]; joins: Joined[]; answer: JoinAnswer; asked: number };

/** Takes only the secret key. `port` 0 picks a free one. */
export async function startRealtime(port = 0): Promise<RealtimeServer> {
  const state: State = { channels: [], joins: [], answer: 'ok', asked: 0 };
  const server = createServer((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, stream, head) => {
    const address = new URL(request.url ?? '/', 'http://localhost');
    if (address.searchParams.get('apikey') !== secretKey) {
      stream.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => attend(socket, state));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();

  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    joins: state.joins,
    asked: () => state.asked,
    open: () => sockets.clients.size,
    change: (type, record) => tell(state, type, record),
    babble: (text) => sockets.clients.forEach((socket) => socket.send(text)),
    drop: () => sockets.clients.forEach((socket) => socket.terminate()),
    closeChannels() {
      for (const { socket, joinRef, topic } of state.channels.splice(0)) {
        push(socket, [joinRef, joinRef, topic, 'phx_close', {}]);
      }
    },
    answerJoinsWith: (answer) => void (state.answer = answer),
    freeze: () => sockets.clients.forEach((socket) => socket.pause()),
    async [Symbol.asyncDispose]() {
      sockets.clients.forEach((socket) => socket.terminate());
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function attend(socket: WebSocket, state: State): void {
  socket.on('error', () => undefined);
  socket.on('close', () => {
    state.channels = state.channels.filter((channel) => channel.socket !== socket);
  });
  socket.on('message', (bytes) => {
    const [joinRef, ref, topic, event, payload] = Frame.parse(
      JSON.parse(String(Buffer.isBuffer(bytes) ? bytes : '')),
    );
    if (topic === 'phoenix')
      push(socket, [null, ref, topic, 'phx_reply', { status: 'ok', response: {} }]);
    else if (event === 'phx_join') join({ socket, joinRef, ref, topic, payload }, state);
  });
}

type Asked = {
  socket: WebSocket;
  joinRef: string | null;
  ref: string | null;
  topic: string;
  payload: unknown;
};

function join({ socket, joinRef, ref, topic, payload }: Asked, state: State): void {
  const asked = Join.parse(payload);
  state.asked += 1;
  const subscriptions = asked.config.postgres_changes;
  const reply = (status: string, response: unknown): void =>
    push(socket, [joinRef, ref, topic, 'phx_reply', { status, response }]);

  switch (state.answer) {
    case 'silence':
      return;
    case 'refused':
      return reply('error', { reason: 'Unable to subscribe to changes with given parameters' });
    case 'ok':
    case 'late':
      reply('ok', {
        postgres_changes: subscriptions.map((subscription, id) => ({
          id: id + 1,
          ...subscription,
        })),
      });
      state.channels.push({ socket, joinRef, topic, subscriptions });
      state.joins.push({ topic, subscriptions, accessToken: asked.access_token });
      if (state.answer === 'ok') return;
      push(socket, [
        joinRef,
        null,
        topic,
        'system',
        {
          extension: 'postgres_changes',
          status: 'ok',
          message: 'Subscribed to PostgreSQL',
          channel: topic.replace('realtime:', ''),
        },
      ]);
  }
}

function tell(state: State, type: string, record: Record<string, unknown>): void {
  for (const { socket, joinRef, topic, subscriptions } of state.channels) {
    const ids = subscriptions.flatMap((one, place) => (fits(one, type, record) ? [place + 1] : []));
    if (ids.length === 0) continue;

    const columns = Object.keys(record).map((name) => ({ name, type: 'text' }));
    const told = {
      type,
      schema: 'public',
      table: 'tasks',
      commit_timestamp: new Date().toISOString(),
    };
    const data = { ...told, columns, record, errors: null };
    push(socket, [joinRef, null, topic, 'postgres_changes', { ids, data }]);
  }
}

// The one form of filter that is used: `column=eq.value`.
function fits(
  { event, filter }: Subscription,
  type: string,
  record: Record<string, unknown>,
): boolean {
  if (event !== '*' && event !== type) return false;
  if (filter === undefined) return true;
  const { column, value } = /^(?<column>\w+)=eq\.(?<value>.*)$/.exec(filter)?.groups ?? {};

  return column !== undefined && record[column] === value;
}

function push(socket: WebSocket, frame: unknown[]): void {
  socket.send(JSON.stringify(frame));
}
