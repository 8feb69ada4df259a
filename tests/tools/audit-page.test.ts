// The tool audit_page: a page with planted defects, and one without.
import { expect, test } from 'vitest';

import { startWebServer } from '../support/web-server.ts';
import { call, toolNamed, valueOf } from './calling.ts';

const words = 'good shoes from fine wool '.repeat(80);

const soundHead = `<title>Handmade wool shoes from the coast | Woolly</title>
  <meta name="Description" content="Handmade wool shoes for cold mornings: warm, light, repairable for life, and sent to you within two days.">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="canonical" href="/shoes">
  <meta property="og:title" content="Wool shoes"><meta property="og:description" content="Warm">
  <meta property="og:image" content="/shoe.png">
  <script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":"Organization"},{"@type":["Product","https://schema.org/Thing"],"offers":{"@type":"Offer"}}]}</script>`;

function sound(body = ''): string {
  return `<!doctype html><html lang="en"><head>${soundHead}</head><body><h1>Wool shoes</h1><h2>Warm</h2>
    <p>${words}</p>${body}</body></html>`;
}

async function audit(url: string): Promise<Record<string, unknown>> {
  return await valueOf(call(toolNamed('audit_page'), { url }));
}

/** The rules that an audit found broken, with what was measured. */
function brokenRules(value: Record<string, unknown>): Record<string, unknown> {
  const issues = Array.isArray(value['issues']) ? value['issues'] : [];

  return Object.fromEntries(issues.map((issue) => [issue.rule, issue.measured]));
}

test('measures a sound page, and finds only that it is served over http', async () => {
  const body = `<img src="a.png" alt=""><a href="/b">b</a><a href="https://www.example.org/">c</a>
    <a href="#top">top</a><a href="mailto:us@example.org">mail</a>
    <div itemscope itemtype="https://schema.org/Recipe"></div>`;
  await using server = await startWebServer({ '/': sound(body) });

  const value = await audit(server.at('/'));

  expect(value).toMatchObject({
    status: 200,
    title: 'Handmade wool shoes from the coast | Woolly',
    canonical: server.at('/shoes'),
    h1: ['Wool shoes'],
    headings: [
      { level: 1, text: 'Wool shoes' },
      { level: 2, text: 'Warm' },
    ],
    images: { count: 1, without_alt: [] },
    links: { internal: 1, external: 1, broken_format: [] },
    structured_data: ['Organization', 'Product', 'Thing', 'Offer', 'Recipe'],
    open_graph: { 'og:title': 'Wool shoes', 'og:description': 'Warm', 'og:image': '/shoe.png' },
    lang: 'en',
    word_count: 405,
  });
  expect(brokenRules(value)).toEqual({ http_not_https: 'http' });
});

test('has exactly the fields that agents count on', async () => {
  await using server = await startWebServer({ '/': sound() });

  const value = await audit(server.at('/'));

  const fields =
    'url final_url status title description canonical h1 headings images links structured_data open_graph word_count lang text_excerpt issues retrieved_at';
  expect(Object.keys(value)).toEqual(fields.split(' '));
  expect(Object.keys(Object(value['issues'])[0]).toSorted()).toEqual(
    ['rule', 'severity', 'measured', 'limit', 'fix'].toSorted(),
  );
});

test('finds every planted defect of a bad page', async () => {
  const html = `<title>Shoes</title><meta name=description content=Short><meta name=robots content="NOINDEX">
    <link rel=canonical href="https://other.example/"><script type="application/ld+json">{oops</script>
    <h1>One</h1><h1>Two</h1><h4>Deep</h4><img src="/a.png"><img src="data:image/png;base64,AAAA">
    <a href="javascript:go()">x</a><a href="htp://example.org">x</a><a href="www.example.org">x</a>
    <a href="{{ url }}">x</a><a href="">x</a><a href="http:/example.org">x</a><a href="tel:">x</a>`;
  await using server = await startWebServer({
    '/': { status: 301, headers: { location: '/2' } },
    '/2': { status: 301, headers: { location: '/3' } },
    '/3': { status: 500, body: html },
  });

  const value = await audit(server.at('/'));

  expect(brokenRules(value)).toEqual({
    status_not_ok: 500,
    http_not_https: 'http',
    noindex: 'noindex',
    title_length: '5 characters',
    description_length: '5 characters',
    h1_duplicate: 2,
    heading_order: 'h1 to h4 at "Deep"',
    canonical_foreign: 'https://other.example/',
    images_without_alt: 2,
    lang_missing: 'missing',
    viewport_missing: 'missing',
    structured_data_invalid: 1,
    thin_content: 5,
    open_graph_missing: 'missing: og:title, og:description, og:image',
    links_broken_format: 7,
    redirect_chain: 2,
  });
  expect(value['images']).toEqual({ count: 2, without_alt: [server.at('/a.png'), 'data:'] });
});

test('names what an empty page lacks, as null', async () => {
  await using server = await startWebServer({ '/': '' });

  const value = await audit(server.at('/'));

  expect(value).toMatchObject({
    title: null,
    description: null,
    canonical: null,
    lang: null,
    h1: [],
  });
  expect(Object.keys(brokenRules(value))).toEqual(
    expect.arrayContaining([
      'title_missing',
      'description_missing',
      'h1_missing',
      'canonical_missing',
      'structured_data_missing',
    ]),
  );
});

test('sees noindex in the headers', async () => {
  await using server = await startWebServer({
    '/': { headers: { 'x-robots-tag': 'googlebot: noindex' }, body: sound() },
  });

  const value = await audit(server.at('/'));

  expect(brokenRules(value)).toHaveProperty('noindex');
});

test('lists the gravest issues first', async () => {
  await using server = await startWebServer({ '/': '<p>hello' });

  const issues = (await audit(server.at('/')))['issues'];

  const severities = Array.isArray(issues) ? issues.map((issue) => issue.severity) : [];
  expect(severities.join(' ')).toMatch(/^(error )+(warn )+info$/);
});

test('refuses to audit what is no page', async () => {
  await using server = await startWebServer({
    '/': { headers: { 'content-type': 'application/json' }, body: '{}' },
  });

  const result = await call(toolNamed('audit_page'), { url: server.at('/') });

  expect(result).toEqual({ ok: false, error: expect.stringContaining('not HTML') });
});

test('hands on no script, control character or endless text', async () => {
  const body = `<h2>a\u0000\u0008b<script>steal()</script></h2><p>${'long '.repeat(5_000)}</p>`;
  await using server = await startWebServer({ '/': sound(body.replace('\u0000', '')) });

  const value = await audit(server.at('/'));

  expect(JSON.stringify(value)).not.toMatch(/steal|\\u0008/);
  expect(String(value['text_excerpt'])).toHaveLength(2_000);
});
