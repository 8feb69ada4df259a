// The tool fetch_page: what a model gets to see of a page.
import { expect, test } from 'vitest';

import { startWebServer } from '../support/web-server.ts';
import { call, toolNamed, valueOf } from './calling.ts';
import { strictFetch } from './fetching.ts';

test('answers with the visible text of a page', async () => {
  const html = `<!doctype html><html><head><title> Shoes &amp; more </title><style>p{}</style></head>
    <body><script>alert(1)</script><h1>Good   shoes</h1><p>From <b>wool</b>.</p>
    <p hidden>hidden</p><div style="display: none">unseen</div><noscript>no</noscript>
    <template>template</template><ul><li>one</li><li>two</li></ul></body></html>`;
  await using server = await startWebServer({ '/': html });

  const value = await valueOf(call(toolNamed('fetch_page'), { url: server.at('/') }));

  expect(value).toMatchObject({
    url: server.at('/'),
    final_url: server.at('/'),
    status: 200,
    content_type: 'text/html',
    title: 'Shoes & more',
    text: 'Good shoes\nFrom wool.\none\ntwo',
    truncated: false,
  });
  expect(Date.parse(String(value['retrieved_at']))).not.toBeNaN();
});

test('lets the model learn that a page is not there', async () => {
  await using server = await startWebServer({});

  const result = await call(toolNamed('fetch_page'), { url: server.at('/gone') });

  expect(result).toMatchObject({ ok: true, value: { status: 404, title: 'Not here' } });
});

test('hands on other text as it is, without control characters', async () => {
  const body = 'a,b\n1,  2\u0007\u202e\n<script>';
  await using server = await startWebServer({
    '/': { headers: { 'content-type': 'text/csv' }, body },
  });

  const value = await valueOf(call(toolNamed('fetch_page'), { url: server.at('/') }));

  expect(value).toMatchObject({ title: null, text: 'a,b\n1,  2\n<script>' });
});

test.each([
  ['a PDF', 'application/pdf', '%PDF-1.7'],
  ['an image that claims to be a page', 'text/html', '\u0089PNG\u0000\u0000'],
])('refuses %s in plain words', async (_what, type, body) => {
  await using server = await startWebServer({ '/': { headers: { 'content-type': type }, body } });

  const result = await call(toolNamed('fetch_page'), { url: server.at('/') });

  expect(result).toEqual({ ok: false, error: expect.stringContaining(`no text but ${type}`) });
});

test('cuts long texts and says so', async () => {
  await using server = await startWebServer({ '/': `<p>x${'😀 '.repeat(10_000)}` });

  const value = await valueOf(call(toolNamed('fetch_page'), { url: server.at('/') }));

  expect(value['truncated']).toBe(true);
  expect(String(value['text']).length).toBeLessThanOrEqual(20_000);
  expect(String(value['text']).isWellFormed()).toBe(true);
});

test.each([
  [{ url: 'http://169.254.169.254/' }, 'may not be fetched'],
  [{ url: 'file:///etc/passwd' }, 'only http and https'],
  [{}, 'url'],
  [{ url: 7 }, 'url'],
  ['http://example.com/', 'input is not valid'],
  [{ url: 'https://example.com/', secret: 1 }, 'secret'],
])('turns the input %j into a failed result that says why', async (input, text) => {
  const result = await call(toolNamed('fetch_page', strictFetch()), input);

  expect(result).toEqual({ ok: false, error: expect.stringContaining(text) });
});

test('stops with the reason of the run', async () => {
  const controller = new AbortController();
  await using server = await startWebServer({
    '/': () => controller.abort(new Error('cancelled')),
  });

  const calling = call(
    toolNamed('fetch_page'),
    { url: server.at('/') },
    { signal: controller.signal },
  );

  await expect(calling).rejects.toThrow('cancelled');
});
