// Hostile content costs its thread and nothing else.
import { expect, test } from 'vitest';

import { inThread } from '../../src/tools/thread.ts';

/** A page that takes the parser minutes. */
const endless = { html: '<div>'.repeat(400_000) };

test('gives up on a page that takes too long to read', async () => {
  const { signal } = new AbortController();

  const reading = inThread('read_page', endless, { signal, maxMs: 300 });

  await expect(reading).rejects.toMatchObject({ code: 'content_refused' });
});

test('keeps the main thread free meanwhile', async () => {
  const { signal } = new AbortController();
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 5);

  await inThread('read_page', endless, { signal, maxMs: 300 }).catch(() => {});
  clearInterval(timer);

  expect(turns).toBeGreaterThan(5);
});

test('stops at once when the run is cancelled', async () => {
  const controller = new AbortController();

  const reading = inThread('read_page', endless, { signal: controller.signal });
  await new Promise(setImmediate);
  controller.abort(new Error('cancelled'));

  await expect(reading).rejects.toThrow('cancelled');
});

test('reads a page that nests deeper than the stack', async () => {
  const { signal } = new AbortController();

  const page = await inThread('read_page', { html: `${'<b>'.repeat(20_000)}deep` }, { signal });

  expect(page.text).toBe('deep');
});
