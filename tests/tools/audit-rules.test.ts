// Rules of the audit that a local server cannot show, since it speaks no https.
import { expect, test } from 'vitest';

import { findIssues } from '../../src/tools/audit-rules.ts';
import { measurePage } from '../../src/tools/page/facts.ts';

function rulesOf(html: string, finalUrl = 'https://www.example.com/shop/'): string[] {
  const fetched = { status: 200, redirects: 0, robotsHeader: '', truncated: false };

  return findIssues(measurePage({ ...fetched, html, finalUrl })).map(({ rule }) => rule);
}

test('finds parts that a secure page loads over plain http', () => {
  const facts = measurePage({
    html: '<img alt="" src="http://cdn.example/a.png"><link rel=stylesheet href="http://cdn.example/a.css"><a href="http://ok.example/">',
    finalUrl: 'https://example.com/',
    status: 200,
    redirects: 0,
    robotsHeader: '',
    truncated: false,
  });

  const mixed = findIssues(facts).find(({ rule }) => rule === 'mixed_content');

  expect(mixed).toMatchObject({ severity: 'error', measured: 2 });
});

test.each([
  ['the same page', 'https://www.example.com/shop/', false],
  ['a relative address', '/shop/', false],
  ['the same site without www', 'https://example.com/shop/', false],
  ['another site', 'https://example.org/', true],
  ['nonsense', 'http://', true],
])('takes a canonical link to %s for foreign: %s', (_what, href, isForeign) => {
  const rules = rulesOf(`<link rel="canonical" href="${href}">`);

  expect(rules.includes('canonical_foreign')).toBe(isForeign);
});

test.each([
  [29, true],
  [30, false],
  [60, false],
  [61, true],
])('judges a title of %i characters', (length, isBroken) => {
  const rules = rulesOf(`<title>${'ä'.repeat(length)}</title>`);

  expect(rules.includes('title_length')).toBe(isBroken);
});

test('counts words in scripts without spaces', () => {
  const facts = measurePage({
    html: `<p>${'手作りの羊毛靴'.repeat(100)}</p>`,
    finalUrl: 'https://example.jp/',
    status: 200,
    redirects: 0,
    robotsHeader: '',
    truncated: false,
  });

  expect(facts.wordCount).toBe(350);
});

test('does not take the title of a drawing for the title of the page', () => {
  const rules = rulesOf('<svg><title>An icon of a shoe that is long enough</title></svg>');

  expect(rules).toContain('title_missing');
});
