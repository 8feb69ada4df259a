// A web server on 127.0.0.1 for tests, with pages that can misbehave.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** A page: HTML as text, an answer in parts, or a function that does as it likes with the connection. */
export type TestPage =
  | string
  | { status?: number; headers?: Record<string, string>; body?: string | Uint8Array }
  | ((request: IncomingMessage, response: ServerResponse) => void);

export type WebServer = AsyncDisposable & {
  port: number;
  /** The whole address of a path. */
  at(path: string): string;
  /** Requests so far, robots.txt too. */
  requests: { path: string; headers: IncomingMessage['headers'] }[];
};

/** Serves `pages` by path (the query counts); everything else, robots.txt too, is 404. */
export async function startWebServer(pages: Record<string, TestPage>): Promise<WebServer> {
  const requests: WebServer['requests'] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    requests.push({ path, headers: request.headers });
    answer(pages[path] ?? { status: 404, body: '<title>Not here</title>' }, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    port,
    at: (path) => `http://127.0.0.1:${port}${path}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(page: TestPage, request: IncomingMessage, response: ServerResponse): void {
  if (typeof page === 'function') {
    page(request, response);
    return;
  }
  const {
    status = 200,
    headers = {},
    body = '',
  } = typeof page === 'string' ? { body: page } : page;
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers });
  response.end(body);
}
