// The lanes: whatever an agent or a sink does, the outcome says so, and says no secret.
import { expect, test } from 'vitest';

import { appError } from '../../src/core/errors.ts';
import type { RunAgent } from '../../src/daemon/context.ts';
import { freshQueue } from '../support/queue.ts';
import { complete, daemonOn, ended, eventually, library, sinkOf, stepOf } from './fixtures.ts';

/** Runs one agent once, and returns how its run has ended. */
async function outcomeOf(
  options: Partial<Parameters<typeof daemonOn>[0]>,
  timeoutSeconds?: number,
) {
  await using given = await freshQueue();
  await using worker = daemonOn({ url: given.db.workerUrl, ...options });
  const limits = timeoutSeconds === undefined ? {} : { timeoutSeconds };
  const { id } = await given.submit({ agents: ['echo'], maxRetries: 0, ...limits });
  await worker.daemon.start();

  const task = await ended(given.queue, id);
  return { ...task.runs[0], lines: worker.lines };
}

const file = { name: 'a.md', kind: 'doc', mediaType: 'text/markdown', title: 'A' } as const;

const throwing =
  (error: unknown): RunAgent =>
  async () => {
    throw error;
  };

test('a brief that is not valid fails its run and names the places', async () => {
  await using given = await freshQueue();
  await using worker = daemonOn({ url: given.db.workerUrl });
  const brief = { client: { name: '' }, budget: { amount: -1 } };
  const { id } = await given.submit({ agents: ['echo'], brief });

  await worker.daemon.start();

  const { runs } = await ended(given.queue, id);
  const { code, message } = runs[0]?.error ?? {};
  expect({ code, tries: runs[0]?.tries }).toEqual({ code: 'brief_invalid', tries: 1 });
  expect(message).toMatch(/client\.name: .*budget\.amount: /);
});

test('an agent that this worker does not know fails the run', async () => {
  const run = await outcomeOf({ agents: library(['vision']) });

  expect(run).toMatchObject({ status: 'failed', error: { code: 'agent_missing' } });
});

test('an unexpected error is tried again, and its text keeps no secret', async () => {
  const run = await outcomeOf({
    runAgent: throwing(
      new Error('GET https://me:pw@x.test/?key=hunter2 with Bearer abc.def\nstack'),
    ),
  });

  expect(run).toMatchObject({ status: 'failed', error: { code: 'run_crashed', retriable: true } });
  expect(run.error?.message).toMatch(/GET https/);
  expect(JSON.stringify([run.error, run.lines])).not.toMatch(/pw|hunter2|abc\.def/);
});

test('an error of the catalogue keeps its code', async () => {
  const run = await outcomeOf({ runAgent: throwing(appError('over_budget')) });

  expect(run).toMatchObject({ status: 'failed', error: { code: 'over_budget', retriable: false } });
});

test('an agent that hangs and does not listen is ended at its time limit, with what it spent', async () => {
  const hang: RunAgent = async (run, { record }) => {
    await record(stepOf(run, 1));
    return await new Promise(() => undefined);
  };

  const run = await outcomeOf({ runAgent: hang }, 1);

  expect(run).toMatchObject({
    status: 'failed',
    error: { code: 'run_timeout' },
    usage: { calls: 1, tokensIn: 10 },
  });
});

test('a sink that throws is tried again until it delivers', async () => {
  await using given = await freshQueue();
  let tries = 0;
  const sink = sinkOf('folder', async () => {
    tries += 1;
    if (tries < 3) throw new Error('disk on fire');
    return { type: 'delivered', result: { tries } };
  });
  await using worker = daemonOn({ url: given.db.workerUrl, sinks: [sink] });
  const { id } = await given.submit({ agents: ['echo'] });

  await worker.daemon.start();

  const { deliveries } = await ended(given.queue, id);
  expect(deliveries).toMatchObject([{ status: 'delivered', attempt: 3, result: { tries: 3 } }]);
});

test('a sink that hangs is given up at the time limit and tried again', async () => {
  await using given = await freshQueue();
  let tries = 0;
  const sink = sinkOf('folder', async (_delivery, { signal }) => {
    tries += 1;
    if (tries > 1) return { type: 'delivered', result: {} };
    return await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  });
  await using worker = daemonOn({
    url: given.db.workerUrl,
    sinks: [sink],
    settings: { deliveryTimeoutSeconds: 0.1 },
  });
  const { id } = await given.submit({ agents: ['echo'] });

  await worker.daemon.start();

  const { deliveries } = await ended(given.queue, id);
  expect(deliveries).toMatchObject([{ status: 'delivered', attempt: 2 }]);
  expect(worker.lines.map(({ fields }) => fields['error'])).toContain('delivery_failed');
});

test('an outcome that the database refuses fails its own run and no other', async () => {
  await using given = await freshQueue();
  await given.db.sql(`alter table deliverables add check (name <> 'echo.md')`);
  await using worker = daemonOn({
    url: given.db.workerUrl,
    settings: { concurrencyRuns: 7 },
    runAgent: async (run) => ({
      ...complete(run),
      deliverables: [{ ...file, name: `${run.agent}.md`, content: 'text' }],
    }),
  });
  const { id } = await given.submit();

  await worker.daemon.start();

  const task = await ended(given.queue, id);
  expect(task).toMatchObject({ status: 'partial', failedAgents: ['echo'] });
  expect(task.runs.find(({ agent }) => agent === 'echo')?.error?.code).toBe('database_failed');
});

test('reads deliverables for its sinks', async () => {
  await using given = await freshQueue();
  const read: string[] = [];
  await using worker = daemonOn({
    url: given.db.workerUrl,
    runAgent: async (run) => ({ ...complete(run), deliverables: [{ ...file, content: 'é🚀' }] }),
    sinks: [
      sinkOf('folder', async ({ task }, context) => {
        for (const item of task.deliverables) {
          read.push(new TextDecoder().decode(await context.read(item)));
        }
        return { type: 'delivered', result: {} };
      }),
    ],
  });
  await given.submit({ agents: ['echo'] });

  await worker.daemon.start();

  await eventually(() => read.length === 1);
  expect(read).toEqual(['é🚀']);
});
