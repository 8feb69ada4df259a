// The page of an ended task: complete, and harmless whatever the agents or the brief contain.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';

import type { DeliveredTask } from '../../src/core/delivery.ts';
import { indexPage } from '../../src/deliver/index-page.ts';
import { addressOf, previewOf } from '../../src/deliver/page/preview.ts';
import {
  completeRun,
  contextOf,
  deliveryOf,
  endedTask,
  failedRun,
  type StoredFile,
  storedFile,
} from './deliveries.ts';
import { folderAtWork } from './trees.ts';

type Page = ReturnType<typeof parseHTML>['document'];

function pageOf(files: StoredFile[], more: Partial<DeliveredTask> = {}): Page {
  const placed = files.map(({ summary, content }) => ({
    deliverable: summary,
    path: `${summary.agent}/${summary.name}`,
    content,
  }));
  const shown = placed.map((file) => ({
    ...file,
    preview: previewOf({ ...file, siblings: placed }),
  }));

  return parseHTML(indexPage(endedTask(files, more), shown)).document;
}

function textOf(document: Page, selector: string): string {
  return document.querySelector(selector)?.textContent ?? '';
}

const vision = [completeRun('vision')];

describe('what the page says', () => {
  test('has the outcome, the reasons, and unknown where something is not known', () => {
    const runs = [
      completeRun('vision', { usage: null }),
      failedRun('apex', 'No answer'),
      failedRun('nova', 'No CSV'),
    ];

    const page = pageOf([], { outcome: 'partial', runs, endedAt: null });

    expect(textOf(page, '.outcome')).toContain('Done with warnings: 1 of 3 agents');
    expect(textOf(page, '.problems')).toContain('Nova failed: No CSV');
    expect(textOf(page, '.facts')).toMatch(/Duration\s*unknown/);
    expect(textOf(page, '.facts')).toContain('at least $0.20');
  });

  test('warns when every text was drafted by rules, and only then', () => {
    const drafted = [completeRun('vision', { model: 'offline-rules' })];

    const mixed = [...drafted, completeRun('apex')];

    expect(textOf(pageOf([], { runs: drafted }), '.notice')).toContain('no language model');
    expect(pageOf([], { runs: mixed }).querySelector('.notice')).toBeNull();
  });

  test('has landmarks, one main heading, a skip link and no gap between heading levels', () => {
    const file = storedFile(['vision', 'a.md'], '# Other\n\n## Part\n\ntext');

    const page = pageOf([file], { runs: vision });

    for (const landmark of ['header', 'nav', 'main', 'footer']) {
      expect(page.querySelectorAll(landmark)).toHaveLength(1);
    }
    const levels = [...page.querySelectorAll('h1, h2, h3, h4, h5, h6')].map((each) => each.tagName);
    expect(levels).toEqual(['H1', 'H2', 'H2', 'H3', 'H4', 'H5']);
    expect(page.querySelector('.skip')?.getAttribute('href')).toBe('#results');
    expect(page.querySelector('#results')).not.toBeNull();
  });

  test('shows documents before sheets, and machine-readable texts folded', () => {
    const files = [
      storedFile(['vision', 'z.json'], '{}', { mediaType: 'application/json', title: 'json' }),
      storedFile(['vision', 'b.csv'], 'a,b\n1,2\n', { title: 'sheet' }),
      storedFile(['vision', 'c.srt'], '1\n', { mediaType: 'application/x-subrip', title: 'srt' }),
      storedFile(['vision', 'a.md'], 'text', { title: 'document' }),
    ];

    const page = pageOf(files, { runs: vision });

    const shown = [...page.querySelectorAll('details.file')];
    expect(shown.map((each) => each.querySelector('h3')?.textContent)).toEqual([
      'document',
      'sheet',
      'json',
      'srt',
    ]);
    expect(shown.map((each) => each.hasAttribute('open'))).toEqual([true, true, false, false]);
  });

  test('shows the first 200 rows of a sheet and says how many there are', () => {
    const rows = Array.from({ length: 260 }, (_, row) => `"row ${row}, quoted",${row}`);
    const file = storedFile(['vision', 'a.csv'], `name,count\r\n${rows.join('\r\n')}`);

    const page = pageOf([file], { runs: vision });

    expect(page.querySelectorAll('.sheet tbody tr')).toHaveLength(200);
    expect(textOf(page, '.sheet tbody td')).toBe('row 0, quoted');
    expect(page.querySelectorAll('.sheet th.number')).toHaveLength(1);
    expect(textOf(page, '.note')).toContain('the first 200 of 260 rows');
  });

  test.each([
    ['broken.csv', 'text/csv', 'a,"b\nc,d'],
    ['deep.md', 'text/markdown', '> - '.repeat(5_000)],
    ['marks.md', 'text/markdown', '*_a'.repeat(3_000)],
    ['plain.txt', 'text/plain', 'plain'],
  ])('shows %s as text when nothing better can be made of it', (name, mediaType, content) => {
    const page = pageOf([storedFile(['vision', name], content, { mediaType })], { runs: vision });

    expect(textOf(page, 'details.file div.text pre')).toBe(content);
  });

  test('shows no bytes of what is not text, but links it', () => {
    const file = storedFile(['reel', 'a.mp4'], new Uint8Array([0, 255, 1]), {
      mediaType: 'video/mp4',
    });
    const wrong = storedFile(['reel', 'b.md'], new Uint8Array([255, 254, 0]));

    const page = pageOf([file, wrong], { runs: [completeRun('reel')] });

    expect(page.querySelectorAll('div.file a')).toHaveLength(2);
    expect(page.querySelector('details')).toBeNull();
  });

  test('links every file in such a way that the link leads to it', async () => {
    await using place = await folderAtWork();
    const names = ['a b.md', '100%.md', '#1.md', 'ü&.md', 'x?.md', "it's.md", 'a.md', 'A.md'];
    const files = names.map((name) => storedFile(['vision', name], name));
    const delivery = deliveryOf(endedTask(files, { runs: vision }));
    await place.sink.deliver(delivery, contextOf(files));

    const folder = join(place.root, delivery.task.folderName);
    const { document } = parseHTML(await readFile(join(folder, 'index.html'), 'utf8'));

    const links = [...document.querySelectorAll('.file .links a')].map(
      (link) => new URL(link.getAttribute('href') ?? '', 'file:///').pathname,
    );
    const published = await readdir(join(folder, 'vision'));
    expect(links.map(decodeURIComponent).toSorted()).toEqual(
      published.map((name) => `/vision/${name}`).toSorted(),
    );
  });
});

describe('what the page never does', () => {
  const attack = '<script>alert(1)</script><img src=x onerror=alert(1)> " onmouseover="alert(1)';

  test('runs or fetches nothing, by policy and by content', () => {
    const files = [
      storedFile(
        ['vision', 'a.md'],
        `# ${attack}\n\n${attack}\n\n![x](https://tracker.example/x.png)`,
      ),
      storedFile(['vision', 'b.csv'], `${attack},b\n${attack},c\n`, { title: attack }),
      storedFile(['vision', 'c.html'], attack, { mediaType: 'text/html', title: attack }),
    ];
    const runs = [completeRun('vision', { title: attack, summary: attack, model: attack })];

    const page = pageOf(files, { title: attack, description: attack, runs, brief: { x: attack } });

    expect(page.querySelector('script, img, iframe, object, link, base, form')).toBeNull();
    for (const element of page.querySelectorAll('*')) {
      expect(element.getAttributeNames().filter((name: string) => name.startsWith('on'))).toEqual(
        [],
      );
    }
    expect(page.querySelector('meta[http-equiv]')?.getAttribute('content')).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:",
    );
  });

  test.each([
    'javascript:alert(1)',
    ' java\nscript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    '../other/task',
    '//evil.example',
  ])('links a document to %j', (href) => {
    const markdown = `[text](<${href}>) and [text]: ${href}\n\n[ref][r]\n\n[r]: ${href}`;
    const page = pageOf([storedFile(['vision', 'a.md'], markdown)], { runs: vision });

    expect([...page.querySelectorAll('.document a')].map((link) => link.outerHTML)).toEqual([]);
  });

  test('trusts text that pretends to be escaped behind raw HTML', () => {
    const markdown = 'a <pre> b <img src=x onerror=alert(1)//\n\n<script> <svg onload=alert(1)';

    const page = pageOf([storedFile(['vision', 'a.md'], markdown)], { runs: vision });

    expect(page.querySelector('.document img, .document svg, .document script')).toBeNull();
  });

  test('shows pictures but those that were delivered', () => {
    const picture = storedFile(['vision', 'map.png'], 'png', { mediaType: 'image/png' });
    const markdown = '![own](map.png) ![other](../apex/x.png) ![far](https://evil.example/x.png)';

    const page = pageOf([storedFile(['vision', 'a.md'], markdown), picture], { runs: vision });

    const sources = [...page.querySelectorAll('img')].map((image) => image.getAttribute('src'));
    expect(sources).toEqual(['./vision/map.png', 'data:image/png;base64,cG5n']);
    expect(page.querySelectorAll('a[rel]')).toHaveLength(0);
  });
});

test('keeps harmless links, without handing over the page', () => {
  const markdown = '[a](https://example.com/?a=1&b="2") [b](mailto:me@example.com)';

  const page = pageOf([storedFile(['vision', 'a.md'], markdown)], { runs: vision });

  const links = [...page.querySelectorAll('.document a')];
  expect(links.map((link) => link.getAttribute('href'))).toEqual([
    'https://example.com/?a=1&b=%222%22',
    'mailto:me@example.com',
  ]);
  expect(links.map((link) => link.getAttribute('rel'))).toEqual(
    links.map(() => 'noopener noreferrer'),
  );
});

test('addresses are relative and encoded', () => {
  expect(addressOf('vision/a b#?%.md')).toBe('./vision/a%20b%23%3F%25.md');
});
