// What a daemon left in the spool of its home is told to the database by the next one, first and once.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import type { Queue } from '../../src/core/queue.ts';
import type { SpooledOutcome } from '../../src/core/spool.ts';
import type { RunAgent } from '../../src/daemon/context.ts';
import type { Daemon } from '../../src/daemon/daemon.ts';
import { openSpool } from '../../src/queue/spool.ts';
import { freshFolder } from '../support/folder.ts';
import { type Proxy, startProxy } from '../support/proxy.ts';
import { freshQueue, type TestQueue } from '../support/queue.ts';
import { complete, daemonOn, ended, eventually, stepOf, turnstile } from './fixtures.ts';

test('outcomes and steps of a daemon that ended during an outage are told by the next one', async () => {
  await using bed = await freshBed();
  const { given, proxy, home } = bed;
  const { id } = await given.submit({ agents: ['echo', 'vision'] });
  await workInOutage(bed, 2);
  proxy.restore();

  const calls: number[] = [];
  await using next = daemonOn({
    url: proxy.url(given.db.workerUrl),
    home: home.path,
    async runAgent(run) {
      calls.push(run.id);
      return complete(run);
    },
  });
  await next.daemon.start();

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete', runsEnded: 2 });
  expect(calls).toEqual([]);
  expect(await given.db.sql('select from run_steps')).toHaveLength(2);
  expect(await given.db.sql('select max(attempt) from agent_runs')).toEqual([{ max: 1 }]);
  expect(await spooled(home.path)).toEqual([]);
});

test('a run that was interrupted in an outage goes on after its last spooled step', async () => {
  await using bed = await freshBed();
  const { given, proxy, home } = bed;
  const { id } = await given.submit({ agents: ['echo'] });
  const gate = turnstile();
  await using first = daemonOn({
    url: proxy.url(given.db.workerUrl),
    home: home.path,
    async runAgent(run, io) {
      proxy.cut();
      for (const seq of [1, 2, 3]) await io.record(stepOf(run, seq));
      return await gate.runAgent(run, io);
    },
  });
  await first.daemon.start();
  await eventually(() => gate.inside.length === 1);
  await hurriedStop(first.daemon);

  const seen: number[][] = [];
  await using next = daemonOn({
    url: proxy.url(given.db.workerUrl),
    home: home.path,
    // As after kill -9: the registration hands out again what the former one held.
    worker: { id: crypto.randomUUID(), name: 'test', version: '0.0.0', replaces: first.id },
    async runAgent(run) {
      seen.push(run.steps.map(({ seq }) => seq));
      return complete(run);
    },
  });
  const started = next.daemon.start();
  await eventually(() => next.lines.some(({ fields }) => fields['call'] === 'register'));
  proxy.restore();
  await started;

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });
  expect(seen).toEqual([[1, 2, 3]]);
});

test('an outcome whose turn never got an answer is on the disk after a stop', async () => {
  await using bed = await freshBed();
  const { given, home } = bed;
  const takeTurn: Queue['takeTurn'] = (turn) =>
    turn.runs.length > 0 ? new Promise(() => undefined) : given.queue.takeTurn(turn);
  const { id } = await given.submit({ agents: ['echo'] });
  let calls = 0;
  const runAgent: RunAgent = async (run) => {
    calls += 1;
    return complete(run);
  };
  const shared = { url: given.db.workerUrl, home: home.path, runAgent };
  await using first = daemonOn({ ...shared, queue: { ...given.queue, takeTurn } });
  await first.daemon.start();
  await eventually(() => calls === 1);
  await hurriedStop(first.daemon);

  await using next = daemonOn(shared);
  await next.daemon.start();

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });
  expect(calls).toBe(1);
});

test('an outcome that was told before the crash is told again without harm', async () => {
  await using bed = await freshBed();
  const { given, home } = bed;
  const entry = await claimedEntry(given);
  if (entry.kind === 'run') await given.queue.settleRuns(entry.workerId, [entry]);
  await openSpool(path.join(home.path, 'spool')).outcomes.add(entry);

  await using next = daemonOn({ url: given.db.workerUrl, home: home.path });
  await next.daemon.start();

  const told = next.lines.find(({ message }) => message === 'a spooled outcome is told');
  expect(told?.fields).toMatchObject({ id: entry.id, answer: 'already' });
  expect(await spooled(home.path)).toEqual([]);
});

test('what came too late or is of another database is put aside, and changes nothing', async () => {
  await using bed = await freshBed();
  const { given, home } = bed;
  const entry = await claimedEntry(given);
  const { outcomes } = openSpool(path.join(home.path, 'spool'));
  await outcomes.add({ ...entry, taskId: crypto.randomUUID() });
  await outcomes.add({ ...entry, attempt: 7 });
  // Only hands work back that somebody else has by now.
  await outcomes.add({ ...entry, attempt: 8, outcome: { type: 'release' } });

  await using next = daemonOn({ url: given.db.workerUrl, home: home.path });
  await next.daemon.start();

  const worker = entry.workerId.slice(0, 8);
  expect(await spooled(home.path)).toEqual([
    `late/run-${entry.id}-attempt-1-${worker}.json`,
    `late/run-${entry.id}-attempt-7-${worker}.json`,
  ]);
  expect(await given.db.sql('select from agent_runs where settled_attempt > 0')).toEqual([]);
});

test('a step of another database is put aside, and one that came too late is told and gone', async () => {
  await using bed = await freshBed();
  const { given, home } = bed;
  const { workerId, taskId, id, attempt } = await claimedEntry(given);
  const { steps } = openSpool(path.join(home.path, 'spool'));
  const step = stepOf({ id, attempt }, 1);
  const strange = await steps.add({ workerId, taskId: crypto.randomUUID(), step });
  await steps.add({ workerId, taskId, step: { ...step, attempt: 7 } });

  await using next = daemonOn({ url: given.db.workerUrl, home: home.path });
  await next.daemon.start();

  expect(await spooled(home.path)).toEqual([`refused/steps-${strange}`]);
  expect(await given.db.sql('select from run_steps')).toEqual([]);
  const late = next.lines.find(({ message }) => message === 'a spooled step came too late');
  expect(late?.fields).toMatchObject({ id, attempt: 7, answer: 'lost' });
});

test('a file that makes no sense is moved aside and holds nothing up', async () => {
  await using bed = await freshBed();
  const { given, home } = bed;
  const entry = await claimedEntry(given);
  for (const folder of ['steps', 'outcomes', 'tasks']) {
    await mkdir(path.join(home.path, 'spool', folder), { recursive: true });
    await writeFile(path.join(home.path, 'spool', folder, '000000000000001-aa.json'), '{"x":');
  }
  await openSpool(path.join(home.path, 'spool')).outcomes.add(entry);

  await using next = daemonOn({ url: given.db.workerUrl, home: home.path });
  await next.daemon.start();

  expect(await ended(given.queue, entry.taskId)).toMatchObject({ status: 'complete' });
  await eventually(async () => (await spooled(home.path)).length === 3);
  expect(await spooled(home.path)).toEqual(
    ['outcomes', 'steps', 'tasks'].map((name) => `refused/${name}-000000000000001-aa.json`),
  );
});

/** Works on that many runs, each of one step, while the database is away, and stops before it is back. */
async function workInOutage({ given, proxy, home }: Bed, runs: number): Promise<void> {
  let finished = 0;
  await using first = daemonOn({
    url: proxy.url(given.db.workerUrl),
    home: home.path,
    async runAgent(run, { record }) {
      proxy.cut();
      await record(stepOf(run, 1));
      finished += 1;
      return complete(run);
    },
  });
  await first.daemon.start();
  await eventually(() => finished === runs);
  await hurriedStop(first.daemon);
}

/** Said twice: it waits for the database no longer than a moment. */
async function hurriedStop(daemon: Daemon): Promise<void> {
  await Promise.all([daemon.stop(0), daemon.stop(0)]);
}

/** The outcome of a run that a worker, dead by now, had claimed. */
async function claimedEntry(given: TestQueue): Promise<SpooledOutcome> {
  const { id: taskId } = await given.submit({ agents: ['echo'] });
  const worker = await given.worker({ sinks: [{ name: 'folder', stage: 0 }] });
  const [run] = await worker.claim();
  if (run === undefined) throw new Error('nothing was due');
  const { id, attempt, agent } = run;

  return { kind: 'run', workerId: worker.id, taskId, agent, id, attempt, outcome: complete(run) };
}

type Bed = { given: TestQueue; proxy: Proxy; home: { path: string } };

async function freshBed() {
  await using stack = new AsyncDisposableStack();
  const given = stack.use(await freshQueue());
  const proxy = stack.use(await startProxy(given.db.workerUrl));
  const home = stack.use(await freshFolder());
  const opened = stack.move();

  return { given, proxy, home, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function spooled(home: string): Promise<string[]> {
  const names = await readdir(path.join(home, 'spool'), { recursive: true });
  return names.filter((name) => name.endsWith('.json')).toSorted();
}
