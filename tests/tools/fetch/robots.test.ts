// robots.txt as RFC 9309 has it.
import { expect, test } from 'vitest';

import { systemClock } from '../../../src/daemon/clock.ts';
import { startWebServer, type TestPage } from '../../support/web-server.ts';
import { localFetch, signal } from '../fetching.ts';

function robots(...lines: string[]): TestPage {
  return { headers: { 'content-type': 'text/plain' }, body: lines.join('\n') };
}

test('leaves a page alone that robots.txt disallows, and reads its neighbour', async () => {
  await using server = await startWebServer({
    '/robots.txt': robots('User-agent: *', 'Disallow: /private', 'Allow: /private/open'),
    '/private/a': 'secret',
    '/private/open': 'open',
  });
  const fetchPage = localFetch();

  const closed = fetchPage(server.at('/private/a'), { signal });

  await expect(closed).rejects.toMatchObject({
    code: 'address_refused',
    message: expect.stringContaining('robots.txt'),
  });
  await expect(fetchPage(server.at('/private/open'), { signal })).resolves.toBeDefined();
  expect(server.requests.map((request) => request.path)).toEqual(['/robots.txt', '/private/open']);
});

test('follows the rules that name us before those for everyone', async () => {
  await using server = await startWebServer({
    '/robots.txt': robots(
      'User-agent: *',
      'Allow: /',
      '',
      'User-agent: nightshiftbot',
      'Disallow: /',
    ),
    '/': 'hello',
  });

  const fetching = localFetch()(server.at('/'), { signal });

  await expect(fetching).rejects.toMatchObject({ code: 'address_refused' });
});

test('checks the robots.txt of where a redirect leads', async () => {
  await using shut = await startWebServer({
    '/robots.txt': robots('User-agent: *', 'Disallow: /'),
  });
  await using open = await startWebServer({
    '/': { status: 302, headers: { location: shut.at('/') } },
  });

  const fetching = localFetch()(open.at('/'), { signal });

  await expect(fetching).rejects.toMatchObject({ code: 'address_refused' });
  expect(shut.requests).toHaveLength(1);
});

test.each([404, 401, 403, 410])('reads on when robots.txt is %i', async (status) => {
  await using server = await startWebServer({ '/robots.txt': { status }, '/': 'hello' });

  const page = await localFetch()(server.at('/'), { signal });

  expect(page.status).toBe(200);
});

test.each([500, 503])('keeps out when robots.txt is %i', async (status) => {
  await using server = await startWebServer({ '/robots.txt': { status }, '/': 'hello' });

  const fetching = localFetch()(server.at('/'), { signal });

  await expect(fetching).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringContaining(`answers ${status}`),
  });
  expect(server.requests).toHaveLength(1);
});

test('keeps out when robots.txt never comes', async () => {
  await using server = await startWebServer({ '/robots.txt': () => {}, '/': 'hello' });

  const fetching = localFetch({ limits: { robotsMs: 200 } })(server.at('/'), { signal });

  await expect(fetching).rejects.toMatchObject({ code: 'fetch_failed' });
});

test('refuses a robots.txt that redirects to a private address', async () => {
  await using server = await startWebServer({
    '/robots.txt': { status: 302, headers: { location: 'http://10.0.0.1/' } },
    '/': 'hello',
  });

  const fetching = localFetch()(server.at('/'), { signal });

  await expect(fetching).rejects.toMatchObject({ code: 'address_refused' });
});

test('reads robots.txt once an hour, however often pages are asked for', async () => {
  await using server = await startWebServer({ '/': 'hello' });
  let nowMs = 0;
  const fetchPage = localFetch({ clock: { ...systemClock, monotonic: () => nowMs } });

  await Promise.all([1, 2, 3].map(() => fetchPage(server.at('/'), { signal })));
  const before = server.requests.filter(({ path }) => path === '/robots.txt').length;
  nowMs = 3_600_001;
  await fetchPage(server.at('/'), { signal });

  expect(before).toBe(1);
  expect(server.requests.filter(({ path }) => path === '/robots.txt')).toHaveLength(2);
});

test('reads no more than 500 KiB of robots.txt', async () => {
  const padding = `# ${'x'.repeat(1_000)}\n`.repeat(600);
  await using server = await startWebServer({
    '/robots.txt': robots('User-agent: *', padding, 'Disallow: /'),
    '/': 'hello',
  });

  const page = await localFetch()(server.at('/'), { signal });

  expect(page.status).toBe(200);
});

test('keeps out of a site whose rules are made to be slow', async () => {
  const rule = `Disallow: /${'*a'.repeat(900)}b`;
  await using server = await startWebServer({
    '/robots.txt': robots('User-agent: *', ...Array.from({ length: 100 }, () => rule)),
  });

  const fetching = localFetch()(server.at(`/${'a'.repeat(1_900)}`), { signal });

  await expect(fetching).rejects.toMatchObject({ code: 'address_refused' });
  expect(server.requests).toHaveLength(1);
});

test('one caller that gives up does not spoil robots.txt for the next', async () => {
  const gate = Promise.withResolvers<void>();
  const impatient = new AbortController();
  await using server = await startWebServer({
    '/robots.txt': (_request, response) => {
      impatient.abort(new Error('gone'));
      void gate.promise.then(() => response.end('User-agent: *\nAllow: /'));
    },
    '/': 'hello',
  });
  const fetchPage = localFetch();

  const first = fetchPage(server.at('/'), { signal: impatient.signal });
  await expect(first).rejects.toThrow('gone');
  const second = fetchPage(server.at('/'), { signal });
  gate.resolve();

  await expect(second).resolves.toMatchObject({ status: 200 });
});
