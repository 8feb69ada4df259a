// A Supabase project on one address: PostgREST and Realtime behind a front that can be cut, as a network can.
import { connect, createServer } from 'node:net';

import { type PostgrestServer, startPostgrest } from './postgrest-server.ts';
import { type Proxy, startProxy } from './proxy.ts';
import { type RealtimeServer, startRealtime } from './realtime-server.ts';

export type SupabaseFront = AsyncDisposable & {
  /** For SUPABASE_URL. */
  url: string;
  /** What the requests reach; it sees only those that come through. */
  postgrest: PostgrestServer;
  realtime: RealtimeServer;
  network: Pick<Proxy, 'cut' | 'restore' | 'swallow'>;
};

/** `databaseUrl` logs in as one who may become each of Supabase's roles. */
export async function startSupabaseFront(databaseUrl: string): Promise<SupabaseFront> {
  await using stack = new AsyncDisposableStack();
  const postgrest = stack.use(await startPostgrest(databaseUrl));
  const realtime = stack.use(await startRealtime());
  const router = stack.use(await startRouter({ rest: postgrest.url, realtime: realtime.url }));
  const network = stack.use(await startProxy(router.url));
  const opened = stack.move();

  return {
    url: `http://127.0.0.1:${network.port}`,
    postgrest,
    realtime,
    network,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

type Routes = { rest: string; realtime: string };

/** The first line of a connection tells where it belongs: no client uses one connection for both. */
async function startRouter(routes: Routes): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((client) => {
    client.on('error', () => undefined);
    client.once('data', (first) => {
      const isRealtime = first.toString('latin1').startsWith('GET /realtime/');
      const upstream = connect(Number(new URL(isRealtime ? routes.realtime : routes.rest).port));
      upstream.on('error', () => undefined);
      upstream.on('close', () => client.destroy());
      client.on('close', () => upstream.destroy());
      upstream.write(first);
      client.pipe(upstream).pipe(client);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();

  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
