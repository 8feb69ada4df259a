// A daemon on a Supabase project: it is woken, it finds work without being woken, and faults on the way double nothing.
import { expect, test } from 'vitest';

import { systemClock } from '../../../src/daemon/clock.ts';
import type { Listen } from '../../../src/daemon/context.ts';
import { createQueue } from '../../../src/queue/client.ts';
import { createSupabaseTransport } from '../../../src/queue/supabase-transport.ts';
import { listenSupabase } from '../../../src/queue/supabase-wake.ts';
import { complete, daemonOn, ended, eventually, stepOf, turnstile } from '../../daemon/fixtures.ts';
import { silentLog } from '../../support/cluster.ts';
import { type Misbehaviour, secretKey, startPostgrest } from '../../support/postgrest-server.ts';
import { freshQueue } from '../../support/queue.ts';
import { startRealtime } from '../../support/realtime-server.ts';

const quiet: Listen = () => ({ [Symbol.asyncDispose]: () => Promise.resolve() });

test('Realtime wakes it while no poll is near', async () => {
  await using given = await openProject();
  await using realtime = await startRealtime();
  const listen: Listen = (listener) =>
    listenSupabase(
      { url: realtime.url, key: secretKey, workerId: 'any', log: silentLog, clock: systemClock },
      listener,
    );
  await using worker = daemonOn({ ...given.remote, listen });
  await worker.daemon.start();
  await eventually(() => realtime.joins.length === 1);
  await eventually(() => worker.lines.some(({ message }) => message === 'polled'));

  const { id } = await given.local.submit();
  realtime.change('INSERT', { id, status: 'pending' });

  expect(await ended(given.local.queue, id)).toMatchObject({ status: 'complete', runsEnded: 7 });
});

test('without Realtime the next poll finds the work', async () => {
  await using given = await openProject();
  const settings = { pollMinutes: 1 / 60 };
  await using worker = daemonOn({ ...given.remote, listen: quiet, settings });
  await worker.daemon.start();
  await eventually(() => worker.lines.some(({ message }) => message === 'polled'));

  const { id } = await given.local.submit();

  expect(await ended(given.local.queue, id)).toMatchObject({ status: 'complete', runsEnded: 7 });
});

test('lost replies, refusals and garbage on the way lose nothing and double nothing', async () => {
  await using given = await openProject();
  const { server } = given;
  server.misbehave('register_worker', { type: 'lose reply' }, busy);
  server.misbehave('take_turn', { type: 'lose reply' }, slowDown, { type: 'truncate' });
  server.misbehave('record_steps', { type: 'lose reply' }, page, { type: 'cut' });
  await using worker = daemonOn({
    ...given.remote,
    listen: quiet,
    runAgent: async (run, { record }) => {
      await record(stepOf(run, 1));
      server.misbehave('take_turn', { type: 'lose reply' });
      return complete(run);
    },
  });
  const { id } = await given.local.submit({ agents: ['echo', 'vision', 'apex'] });

  await worker.daemon.start();

  expect(await ended(given.local.queue, id)).toMatchObject({ status: 'complete', runsEnded: 3 });
  const runs = await given.local.db.sql('select attempt, refunds from agent_runs');
  expect(runs).toEqual(Array.from({ length: 3 }, () => ({ attempt: 1, refunds: 0 })));
  expect(await given.local.db.sql('select from run_steps')).toHaveLength(3);
});

test.each<[string, Misbehaviour]>([
  ['away', { type: 'cut' }],
  ['paused', { type: 'answer', status: 540, body: '' }],
  [
    'asked with a key that was withdrawn',
    { type: 'answer', status: 401, body: '{"message":"Invalid API key"}' },
  ],
  [
    'not migrated for a while',
    { type: 'answer', status: 404, body: '{"code":"PGRST202","message":"no"}' },
  ],
])('outcomes wait while the project is %s', async (_name, how) => {
  await using given = await openProject();
  const gate = turnstile();
  await using worker = daemonOn({ ...given.remote, listen: quiet, runAgent: gate.runAgent });
  const { id } = await given.local.submit({ agents: ['echo', 'vision'] });
  await worker.daemon.start();
  await eventually(() => gate.inside.length === 2);

  given.server.outage(how);
  const calls = given.server.calls.length;
  gate.openAll();
  await eventually(() => given.server.calls.length > calls + 3);
  given.server.outage();

  expect(await ended(given.local.queue, id)).toMatchObject({ status: 'complete', runsEnded: 2 });
  const tries = await given.local.db.sql('select max(attempt) from agent_runs');
  expect(tries).toEqual([{ max: 1 }]);
});

const busy: Misbehaviour = { type: 'answer', status: 503, body: '' };
const page: Misbehaviour = { type: 'answer', status: 200, body: '<html>' };
const slowDown: Misbehaviour = {
  type: 'answer',
  status: 429,
  body: '{"message":"Too many requests"}',
  headers: { 'retry-after': '1' },
};

/** A database as the test sees it, and the same one over HTTP as the daemon does. */
async function openProject() {
  await using stack = new AsyncDisposableStack();
  const local = stack.use(await freshQueue());
  const url = local.db.workerUrl;
  const server = stack.use(await startPostgrest(url));
  const transport = createSupabaseTransport({ url: server.url, key: secretKey, log: silentLog });
  const opened = stack.move();

  return {
    local,
    server,
    remote: { url, queue: createQueue(transport) },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
