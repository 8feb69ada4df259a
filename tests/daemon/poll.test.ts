// Polling: finds work without wake-ups, and leaves a row for every look.
import { expect, test } from 'vitest';

import { noUsage } from '../../src/core/run.ts';
import { pollTimes } from '../../src/daemon/poll-times.ts';
import { freshQueue } from '../support/queue.ts';
import { daemonOn, ended, eventually, sinkOf } from './fixtures.ts';

test.each([
  [15, { expression: '*/15 * * * *', periodMs: 900_000, isExact: true }],
  [1, { expression: '* * * * *', periodMs: 60_000, isExact: true }],
  [60, { expression: '0 * * * *', periodMs: 3_600_000, isExact: true }],
  [120, { expression: '0 */2 * * *', periodMs: 7_200_000, isExact: true }],
  [1_440, { expression: '0 0 * * *', periodMs: 86_400_000, isExact: true }],
  [0.5, { expression: '*/30 * * * * *', periodMs: 30_000, isExact: true }],
  [0.25, { expression: '*/15 * * * * *', periodMs: 15_000, isExact: true }],
  [0.001, { expression: '*/1 * * * * *', periodMs: 1_000, isExact: true }],
  // What cron cannot say is knocked at more often, and counted.
  [7, { expression: '* * * * *', periodMs: 420_000, isExact: false }],
  [90, { expression: '* * * * *', periodMs: 5_400_000, isExact: false }],
  [0.75, { expression: '*/15 * * * * *', periodMs: 45_000, isExact: false }],
  [1.5, { expression: '*/30 * * * * *', periodMs: 90_000, isExact: false }],
])('puts every %d minutes into cron, or says that cron cannot', (minutes, times) => {
  expect(pollTimes(minutes)).toEqual(times);
});

test('the start leaves a poll row even when nothing is due', async () => {
  await using given = await freshQueue();
  await using worker = daemonOn({ url: given.db.workerUrl });

  await worker.daemon.start();

  const rows = await eventually(async () => {
    const found = await given.db.sql('select worker_id, trigger, claimed, settled from poll_runs');
    return found.length > 0 && found;
  });
  expect(rows).toEqual([{ worker_id: worker.id, trigger: 'start', claimed: 0, settled: 0 }]);
});

test('with wake-ups off the scheduled poll finds the work', async () => {
  await using given = await freshQueue();
  await using worker = daemonOn({
    url: given.db.workerUrl,
    settings: { wake: false, pollMinutes: 1 / 60 },
  });
  await worker.daemon.start();
  await eventually(() => worker.lines.some(({ message }) => message === 'polled'));

  const { id } = await given.submit({ agents: ['echo'] });

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });
  const triggers = await given.db.sql(`select from poll_runs where trigger = 'schedule'`);
  expect(triggers).not.toEqual([]);
});

test('one cycle works off all that is due, deliveries included, and sums it up', async () => {
  await using given = await freshQueue();
  const sinks = [sinkOf('folder'), { ...sinkOf('terminal'), stage: 1 as const }];
  await using worker = daemonOn({
    url: given.db.workerUrl,
    sinks,
    settings: { concurrencyRuns: 2, wake: false },
  });
  await using registrar = daemonOn({ url: given.db.workerUrl, sinks });
  await registrar.daemon.pollOnce();
  const { id } = await given.submit();

  const summary = await worker.daemon.pollOnce();

  const byOutcome = { complete: 7, delivered: 2 };
  expect(summary).toMatchObject({ claimed: 9, settled: 9, byOutcome, errors: [] });
  expect(await given.queue.readTask(id)).toMatchObject({ status: 'complete' });
  expect(
    await given.db.sql('select trigger, claimed from poll_runs where worker_id = $1', [worker.id]),
  ).toEqual([{ trigger: 'once', claimed: 9 }]);
});

test('one cycle with nothing due ends at once and leaves its row', async () => {
  await using given = await freshQueue();
  await using worker = daemonOn({ url: given.db.workerUrl });

  const summary = await worker.daemon.pollOnce();

  expect(summary).toMatchObject({ claimed: 0, settled: 0, byOutcome: {}, errors: [] });
  expect(await given.db.sql('select trigger, claimed from poll_runs')).toEqual([
    { trigger: 'once', claimed: 0 },
  ]);
});

test('one cycle leaves what is due only later, and names what went wrong', async () => {
  await using given = await freshQueue();
  const error = { code: 'model_unavailable', message: 'no answer', retriable: true };
  await using worker = daemonOn({
    url: given.db.workerUrl,
    settings: { retry: { baseMs: 500_000, capMs: 900_000 } },
    runAgent: async () => ({ type: 'retry', error, usage: noUsage, retryAfterMs: 600_000 }),
  });
  await given.submit({ agents: ['echo'] });

  const summary = await worker.daemon.pollOnce();

  expect(summary).toMatchObject({ claimed: 1, settled: 1, byOutcome: { retry: 1 } });
  expect(summary.errors).toEqual([expect.stringContaining('model_unavailable: no answer')]);
});
