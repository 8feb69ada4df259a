// A TCP proxy on the loopback that can misbehave: cut every connection, refuse new ones, or swallow what is sent.
import { connect, createServer, type Server, type Socket } from 'node:net';

export type Proxy = AsyncDisposable & {
  port: number;
  /** The URL of the server behind, led through the proxy. */
  url(target: string): string;
  /** Breaks all connections and refuses new ones until `restore`. */
  cut(): void;
  /** Takes connections and bytes and answers nothing until `restore`, which breaks those connections. */
  swallow(): void;
  /** Lets everything through again. */
  restore(): void;
};

type Mode = 'open' | 'cut' | 'swallow';

/** Starts a proxy in front of `target`, a URL with host and port. */
export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port: targetPort } = new URL(target);
  const sockets = new Set<Socket>();
  let mode: Mode = 'open';

  const server = createServer((client) => {
    const upstream = connect(Number(targetPort), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    if (mode === 'cut') client.destroy();

    client.on('data', (bytes) => {
      if (mode !== 'swallow') upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (mode === 'open') client.write(bytes);
    });
  });

  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const port = await listenOn(server);

  return {
    port,
    url(text) {
      const url = new URL(text);
      url.hostname = '127.0.0.1';
      url.port = String(port);
      return url.href;
    },
    cut() {
      mode = 'cut';
      breakAll();
    },
    swallow() {
      mode = 'swallow';
    },
    restore() {
      if (mode !== 'open') breakAll();
      mode = 'open';
    },
    async [Symbol.asyncDispose]() {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
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
