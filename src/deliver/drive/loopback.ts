// A server for one answer: the browser comes back to it from Google, on 127.0.0.1 and a port of the moment.
import { createServer, type ServerResponse } from 'node:http';

import { isAppError } from '../../core/errors.ts';
import { orAborted } from '../../core/abort.ts';
import { markup } from '../page/markup.ts';

export type Loopback = AsyncDisposable & {
  /** Where Google sends the browser to. */
  address: string;
  /** Waits for the browser, lets `take` make something of its query, and shows how that ended. Rejects as `take` does. */
  answer<Value>(
    signal: AbortSignal,
    take: (query: URLSearchParams) => Promise<Value>,
  ): Promise<Value>;
};

const callbackPath = '/callback';

export async function openLoopback(): Promise<Loopback> {
  const visit = Promise.withResolvers<{ query: URLSearchParams; response: ServerResponse }>();
  let isVisited = false;
  const server = createServer((request, response) => {
    const url = URL.parse(request.url ?? '', 'http://127.0.0.1');

    // Browsers ask for icons too, and some load a page ahead.
    if (request.method !== 'GET' || url?.pathname !== callbackPath || isVisited) {
      response.writeHead(404, { connection: 'close' }).end();
      return;
    }
    isVisited = true;
    visit.resolve({ query: url.searchParams, response });
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;

  return {
    address: `http://127.0.0.1:${port}${callbackPath}`,
    async answer(signal, take) {
      const { query, response } = await orAborted(visit.promise, signal);

      try {
        const value = await take(query);
        await show(response, 'Google Drive is connected', 'You can close this tab.');
        return value;
      } catch (error) {
        const reason = isAppError(error) ? error.message : 'The sign-in was called off.';
        await show(response, 'Google Drive was not connected', `${reason} You can close this tab.`);
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

async function show(response: ServerResponse, title: string, text: string): Promise<void> {
  const page = markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>${title} · Nightshift</title></head>
<body style="font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem">
<h1>${title}</h1><p>${text}</p></body></html>`.html;
  const shown = Promise.withResolvers<void>();

  response.once('close', shown.resolve);
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    // The address holds the code: it goes into no cache and no referrer.
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    connection: 'close',
  });
  response.end(page, () => shown.resolve());
  await shown.promise;
}
