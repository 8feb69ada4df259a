// The caps of safe fetch: size, time, and servers that misbehave.
import { gzipSync } from 'node:zlib';

import { expect, test } from 'vitest';

import { startWebServer } from '../../support/web-server.ts';
import { localFetch, signal } from '../fetching.ts';

test('cuts a page at the size cap', async () => {
  await using server = await startWebServer({ '/': 'x'.repeat(50_000) });

  const page = await localFetch()(server.at('/'), { signal, maxBytes: 10_000 });

  expect(page.truncated).toBe(true);
  expect(page.body).toHaveLength(10_000);
});

test('reads a page of exactly the size cap whole', async () => {
  await using server = await startWebServer({ '/': 'x'.repeat(10_000) });

  const page = await localFetch()(server.at('/'), { signal, maxBytes: 10_000 });

  expect(page).toMatchObject({ truncated: false, body: { length: 10_000 } });
});

test('unpacks no more of a gzip bomb than the size cap', async () => {
  const body = gzipSync(Buffer.alloc(100_000_000));
  await using server = await startWebServer({
    '/': { headers: { 'content-encoding': 'gzip' }, body },
  });

  const page = await localFetch()(server.at('/'), { signal });

  expect(page).toMatchObject({ truncated: true, body: { length: 2_000_000 } });
});

test('stops reading a page that never ends', async () => {
  await using server = await startWebServer({
    '/': (_request, response) => {
      const more = (): void => void (response.writable && response.write('x'.repeat(10_000), more));
      more();
    },
  });

  const page = await localFetch()(server.at('/'), { signal });

  expect(page).toMatchObject({ truncated: true, body: { length: 2_000_000 } });
});

test('reads packed pages', async () => {
  const body = gzipSync('hello');
  await using server = await startWebServer({
    '/': { headers: { 'content-encoding': 'gzip' }, body },
  });

  const page = await localFetch()(server.at('/'), { signal });

  expect(Buffer.from(page.body).toString()).toBe('hello');
});

test.each([
  ['garbage that claims to be gzip', { 'content-encoding': 'gzip' }, 'cannot be unpacked'],
  ['layers of packing', { 'content-encoding': 'gzip, gzip' }, 'packed in a way'],
])('fails on %s', async (_what, headers, text) => {
  await using server = await startWebServer({ '/': { headers, body: 'plain' } });

  const fetching = localFetch()(server.at('/'), { signal });

  await expect(fetching).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringContaining(text),
  });
});

test('cuts off a page that drips for ever', async () => {
  let timer: NodeJS.Timeout | undefined;
  await using server = await startWebServer({
    '/': (_request, response) => {
      timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    },
  });

  const fetching = localFetch()(server.at('/'), { signal, timeoutMs: 300 });

  await expect(fetching).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringContaining('took longer than'),
  });
});

test('cuts off a server that takes the request and never answers', async () => {
  await using server = await startWebServer({ '/': () => {} });

  const fetching = localFetch()(server.at('/'), { signal, timeoutMs: 200 });

  await expect(fetching).rejects.toMatchObject({ code: 'fetch_failed' });
});

test('fails when the connection is cut in the middle of a page', async () => {
  await using server = await startWebServer({
    '/': (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half', () => response.destroy());
    },
  });

  const fetching = localFetch()(server.at('/'), { signal });

  await expect(fetching).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringContaining('cut the connection'),
  });
});

test('fails in plain words when a domain does not exist', async () => {
  const unknown = () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' }));

  const fetching = localFetch({ resolve: unknown })('https://no-such.example/', { signal });

  await expect(fetching).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringContaining('no-such.example does not exist in DNS'),
  });
});

test('fails in plain words when a domain does not answer', async () => {
  const never = () => new Promise<never>(() => {});

  const fetching = localFetch({ resolve: never })('https://slow.example/', {
    signal,
    timeoutMs: 200,
  });

  await expect(fetching).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringContaining('slow.example took longer'),
  });
});

test('fails in plain words when nothing listens', async () => {
  const server = await startWebServer({});
  await server[Symbol.asyncDispose]();

  const fetching = localFetch()(server.at('/'), { signal });

  await expect(fetching).rejects.toMatchObject({
    message: expect.stringContaining('refuses connections'),
  });
});

test('stops with the reason of the caller', async () => {
  const controller = new AbortController();
  await using server = await startWebServer({
    '/': () => controller.abort(new Error('task cancelled')),
  });

  const fetching = localFetch()(server.at('/'), { signal: controller.signal });

  await expect(fetching).rejects.toThrow('task cancelled');
});
