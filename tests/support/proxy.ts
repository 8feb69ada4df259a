// A TCP proxy on the loopback that can misbehave: cut, swallow, stand still, be slow, or lose one certain reply.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import { cutMessages, isPostgres, type PgMessage } from './pg-messages.ts';

type Match = (message: PgMessage) => boolean;

/** A message that the proxy waits for. */
export type Catch = {
  /** `hold`: the message has come and was kept back. `lose`: the server has done what it says. */
  caught: Promise<void>;
  /** Lets a message that is held go on its way. */
  release(): void;
};

export type Proxy = AsyncDisposable & {
  port: number;
  /** The URL of the server behind, led through the proxy. */
  url(target: string): string;
  /** Breaks all connections and refuses new ones until `restore`. */
  cut(): void;
  /** Takes connections and bytes and answers nothing until `restore`, which breaks those connections. */
  swallow(): void;
  /** Passes nothing on in either direction, as a network without a route does; after `restore` all of it arrives late. */
  freeze(): void;
  /** Forgets the server's ends of all connections, and tells nobody: clients go on talking to no one. */
  forget(): void;
  /** Keeps each piece back for that long, both ways; 0 ends it. */
  slow(ms: number): void;
  /** Lets everything through again. */
  restore(): void;
  /** Keeps the next such message of a PostgreSQL client back, and all that its connection sends behind it. */
  hold(match: Match): Catch;
  /** Lets the next such message through and loses the reply: `cut` breaks the connection then, `hang` leaves it silent. */
  lose(match: Match, how: 'cut' | 'hang'): Catch;
};

type Mode = 'open' | 'cut' | 'swallow' | 'frozen';
type Snare = Catch & {
  match: Match;
  how: 'hold' | 'cut' | 'hang';
  spring(): void;
  released: Promise<void>;
};
type State = {
  mode: Mode;
  thawed: PromiseWithResolvers<void>;
  slowMs: number;
  snares: Snare[];
  pairs: Set<Pair>;
};
/** One connection through the proxy; `snare` is what its next reply belongs to. */
type Pair = {
  client: Socket;
  upstream: Socket;
  snare?: Snare;
  isForgotten?: boolean;
  /** Undefined until the client has said something: then streams of other protocols pass as they come. */
  isPostgres?: boolean;
};

/** Starts a proxy in front of `target`, a URL with host and port. */
export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port: targetPort } = new URL(target);
  const pairs = new Set<Pair>();
  const thawed = Promise.withResolvers<void>();
  const state: State = { mode: 'open', thawed, slowMs: 0, snares: [], pairs };

  // Messages are written one by one: without `noDelay` each would wait for the one before to be acknowledged.
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: Number(targetPort), host: hostname, noDelay: true });
    const pair: Pair = { client, upstream };
    pairs.add(pair);
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined);
      socket.on('close', () => closed(pair, socket, pairs));
    }
    if (state.mode === 'cut') client.destroy();
    void carry(pair, 'client', (message) => toServer(state, pair, message));
    void carry(pair, 'server', (message) => toClient(state, pair, message));
  });
  const breakAll = (): void => {
    for (const { client } of pairs) client.destroy();
  };
  const port = await listenOn(server);

  return {
    port,
    ...faults(state, breakAll),
    url(text) {
      const url = new URL(text);
      url.hostname = '127.0.0.1';
      url.port = String(port);
      return url.href;
    },
    hold: (match) => setSnare(state, match, 'hold'),
    lose: (match, how) => setSnare(state, match, how),
    async [Symbol.asyncDispose]() {
      state.thawed.resolve();
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function faults(
  state: State,
  breakAll: () => void,
): Pick<Proxy, 'cut' | 'swallow' | 'freeze' | 'forget' | 'slow' | 'restore'> {
  return {
    cut() {
      state.mode = 'cut';
      breakAll();
    },
    swallow() {
      state.mode = 'swallow';
    },
    freeze() {
      if (state.mode !== 'frozen') state.thawed = Promise.withResolvers();
      state.mode = 'frozen';
    },
    forget() {
      for (const pair of state.pairs) {
        pair.isForgotten = true;
        pair.upstream.destroy();
      }
    },
    slow(ms) {
      state.slowMs = ms;
    },
    restore() {
      const { mode } = state;
      state.mode = 'open';
      // What was swallowed is gone: nobody could make sense of the rest.
      if (mode === 'swallow' || mode === 'cut') breakAll();
      state.thawed.resolve();
    },
  };
}

function closed(pair: Pair, socket: Socket, pairs: Set<Pair>): void {
  if (pair.isForgotten && socket === pair.upstream) return;
  pair.client.destroy();
  pair.upstream.destroy();
  pairs.delete(pair);
}

/** Reads for as long as the reader takes; what it does not take stays with the sender. */
async function carry(
  pair: Pair,
  side: 'client' | 'server',
  take: (message: PgMessage) => Promise<void>,
): Promise<void> {
  const cut = cutMessages(side);

  try {
    for await (const piece of side === 'client' ? pair.client : pair.upstream) {
      if (side === 'client') pair.isPostgres ??= isPostgres(piece);
      const messages = pair.isPostgres ? cut(piece) : [{ type: '', body: '', bytes: piece }];
      for (const message of messages) await take(message);
    }
  } catch {
    // The connection broke; its other end is told by its closing.
  }
}

async function toServer(state: State, pair: Pair, message: PgMessage): Promise<void> {
  const at = state.snares.findIndex(({ match }) => match(message));
  const [snare] = at < 0 ? [] : state.snares.splice(at, 1);
  if (snare?.how === 'hold') {
    snare.spring();
    await snare.released;
  } else if (snare !== undefined) pair.snare = snare;

  await passes(state);
  if (state.mode !== 'swallow' && !pair.isForgotten) pair.upstream.write(message.bytes);
}

async function toClient(state: State, pair: Pair, { type, bytes }: PgMessage): Promise<void> {
  const { snare } = pair;
  if (snare !== undefined) {
    // Ready for the next query: the transaction has ended.
    if (type === 'Z') snare.spring();
    if (type === 'Z' && snare.how === 'cut') pair.client.destroy();
    return;
  }

  await passes(state);
  if (state.mode === 'open' && !pair.isForgotten) pair.client.write(bytes);
}

async function passes(state: State): Promise<void> {
  if (state.slowMs > 0) await pause(state.slowMs);
  if (state.mode === 'frozen') await state.thawed.promise;
}

function setSnare(state: State, match: Match, how: Snare['how']): Catch {
  const { promise: caught, resolve: spring } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const snare: Snare = { match, how, caught, spring, released, release };
  state.snares.push(snare);

  return snare;
}

function listenOn(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('no port'));
      else resolve(address.port);
    });
  });
}
