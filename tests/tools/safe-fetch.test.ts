// The guard of safe fetch: which addresses are refused, however they are written or reached.
import { expect, test } from 'vitest';

import { startWebServer } from '../support/web-server.ts';
import { decoded, localFetch, signal, strictFetch } from './fetching.ts';

test.each([
  'http://127.0.0.1/',
  'http://localhost/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://127.1/',
  'http://0.0.0.0/',
  'http://10.1.2.3/',
  'http://172.16.0.1/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://169.254.169.254/latest/meta-data/',
  'http://192.0.2.1/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::127.0.0.1]/',
  'http://[fe80::1]/',
  'http://[fc00::1]/',
  'http://[fec0::1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[64:ff9b:1::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[2001:0:7f00:1::]/',
  'http://[2001:db8::1]/',
  'http://[fd00:ec2::254]/',
  'http://①②⑦.0.0.1/',
  'http://127.0.0.1./',
  'file:///etc/passwd',
  'ftp://example.com/',
  'data:text/html,hello',
  'javascript:alert(1)',
  'http://user:secret@example.com/',
  'http://example.com:22/',
  'http://example.com:8080/',
  'not an address',
  '',
  `https://example.com/${'a'.repeat(3_000)}`,
])('refuses %s before any request', async (url) => {
  const fetching = strictFetch()(url, { signal });

  await expect(fetching).rejects.toMatchObject({ code: 'address_refused' });
});

test.each([
  ['a private address', ['10.0.0.7']],
  ['a metadata address', ['169.254.169.254']],
  ['a public and a private address', ['93.184.216.34', '127.0.0.1']],
  ['a mapped address', ['::ffff:192.168.0.1']],
  ['a NAT64 address', ['64:ff9b::a00:1']],
])('refuses a name that DNS gives %s', async (_what, addresses) => {
  const resolve = () => Promise.resolve(addresses.map((address) => ({ address, family: 4 })));

  const fetching = strictFetch({ resolve })('https://shop.example/', { signal });

  await expect(fetching).rejects.toMatchObject({
    code: 'address_refused',
    facts: { host: 'shop.example' },
  });
});

test('keeps link-local and metadata addresses closed even when everything is let through', async () => {
  const fetchPage = strictFetch({ allowAddress: () => true });

  const fetching = ['169.254.169.254', '[fe80::1]', '[fd00:ec2::254]', '100.100.100.200'].map(
    (host) => fetchPage(`http://${host}/`, { signal }),
  );

  for (const refused of await Promise.allSettled(fetching)) {
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'address_refused' } });
  }
});

test('connects to the very address that was vetted', async () => {
  await using server = await startWebServer({ '/': 'hello' });
  const answers = ['127.0.0.1', '127.0.0.1'].map((address) => [{ address, family: 4 }]);
  const resolve = () => Promise.resolve(answers.shift() ?? []);

  const page = await localFetch({ resolve })(`http://shop.example:${server.port}/`, { signal });

  expect(decoded(page.body)).toBe('hello');
  expect(server.requests.at(-1)?.headers.host).toBe(`shop.example:${server.port}`);
  expect(answers).toEqual([]);
});

test('refuses a name whose answer has turned private since the last request', async () => {
  await using server = await startWebServer({ '/': 'hello' });
  const answers = ['127.0.0.1', '127.0.0.2'].map((address) => [{ address, family: 4 }]);
  const resolve = () => Promise.resolve(answers.shift() ?? []);

  const fetching = localFetch({ resolve })(`http://shop.example:${server.port}/`, { signal });

  await expect(fetching).rejects.toMatchObject({ code: 'address_refused' });
  expect(server.requests.map((request) => request.path)).toEqual(['/robots.txt']);
});

test.each([
  'http://10.0.0.1/',
  'http://[::1]/',
  'http://169.254.169.254/latest/meta-data/',
  'file:///etc/passwd',
  'http://user:secret@example.com/',
  '//0x7f000002/',
])('refuses a page that redirects to %s', async (location) => {
  await using server = await startWebServer({ '/': { status: 302, headers: { location } } });

  const fetching = localFetch()(server.at('/'), { signal });

  await expect(fetching).rejects.toMatchObject({ code: 'address_refused' });
});

test('follows redirects, and names the addresses that it passed', async () => {
  await using server = await startWebServer({
    '/old': { status: 301, headers: { location: '/new?from=old' } },
    '/new?from=old': 'moved here',
  });

  const page = await localFetch()(`${server.at('/old')}#part`, { signal });

  expect(decoded(page.body)).toBe('moved here');
  expect(page).toMatchObject({ status: 200, finalUrl: server.at('/new?from=old') });
  expect(page.redirects).toEqual([server.at('/old')]);
});

test('gives up on a redirect loop', async () => {
  await using server = await startWebServer({ '/': { status: 302, headers: { location: '/' } } });

  const fetching = localFetch()(server.at('/'), { signal });

  await expect(fetching).rejects.toMatchObject({
    code: 'fetch_failed',
    message: expect.stringContaining('redirects more than 5 times'),
  });
  expect(server.requests.filter((request) => request.path === '/')).toHaveLength(6);
});

test('says who asks, and sends nothing secret', async () => {
  await using server = await startWebServer({ '/': { headers: { 'set-cookie': 'a=1' } } });

  const page = await localFetch()(server.at('/'), { signal });

  const headers = server.requests.at(-1)?.headers ?? {};
  expect(headers['user-agent']).toMatch(/^NightshiftBot\/1\.2\.3 /);
  expect(Object.keys(headers).toSorted()).toEqual(
    ['accept', 'accept-encoding', 'connection', 'host', 'user-agent'].toSorted(),
  );
  expect(page.headers).not.toHaveProperty('set-cookie');
});
