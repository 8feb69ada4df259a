// The disk spool of a running daemon: while the database is away steps and outcomes are on the disk, and work goes on.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { appError } from '../../src/core/errors.ts';
import type { Queue } from '../../src/core/queue.ts';
import { freshFolder } from '../support/folder.ts';
import { startProxy } from '../support/proxy.ts';
import { freshQueue } from '../support/queue.ts';
import { complete, daemonOn, ended, eventually, stepOf, turnstile } from './fixtures.ts';

test('a run goes on while the database is away, and its steps are recorded in order afterwards', async () => {
  await using given = await freshQueue();
  await using proxy = await startProxy(given.db.workerUrl);
  const answers: string[] = [];
  await using worker = daemonOn({
    url: proxy.url(given.db.workerUrl),
    async runAgent(run, { record }) {
      answers.push(await record(stepOf(run, 1)));
      proxy.cut();
      for (const seq of [2, 3, 4]) answers.push(await record(stepOf(run, seq)));
      proxy.restore();
      return complete(run);
    },
  });
  const { id } = await given.submit({ agents: ['echo'] });

  await worker.daemon.start();
  await ended(given.queue, id);

  expect(answers).toEqual(['ok', 'ok', 'ok', 'ok']);
  const rows = await given.db.sql(
    `select array_agg(step_label order by id) as labels from task_progress where step_label like 'step%'`,
  );
  expect(rows).toEqual([{ labels: ['step 1', 'step 2', 'step 3', 'step 4'] }]);
});

test('a step goes behind those that wait, and every outcome behind its steps', async () => {
  await using given = await freshQueue();
  const taken: string[] = [];
  let failures = 4;
  const recordSteps: Queue['recordSteps'] = async (steps) => {
    const isFailing = steps.some(({ seq }) => seq === 2) && failures > 0;
    failures -= Number(isFailing);
    if (isFailing) throw appError('database_unavailable');

    taken.push(...steps.map(({ seq }) => `step ${seq}`));
    return await given.queue.recordSteps(steps);
  };
  const takeTurn: Queue['takeTurn'] = async (turn) => {
    if (turn.runs.length > 0) taken.push('outcome');
    return await given.queue.takeTurn(turn);
  };
  await using worker = daemonOn({
    url: given.db.workerUrl,
    queue: { ...given.queue, recordSteps, takeTurn },
    async runAgent(run, { record }) {
      for (const seq of [1, 2, 3]) await record(stepOf(run, seq));
      return complete(run);
    },
  });
  const { id } = await given.submit({ agents: ['echo'] });

  await worker.daemon.start();
  await ended(given.queue, id);

  expect(taken).toEqual(['step 1', 'step 2', 'step 3', 'outcome']);
  expect(await given.db.sql('select from run_steps')).toHaveLength(3);
});

test('steps are recorded as soon as the database is back, though no turn has anything to say', async () => {
  await using given = await freshQueue();
  await using proxy = await startProxy(given.db.workerUrl);
  const gate = turnstile();
  await using worker = daemonOn({
    url: proxy.url(given.db.workerUrl),
    settings: { wake: false },
    async runAgent(run, io) {
      proxy.cut();
      await io.record(stepOf(run, 1));
      proxy.restore();
      return await gate.runAgent(run, io);
    },
  });
  await given.submit({ agents: ['echo'] });
  await worker.daemon.start();

  await eventually(async () => (await given.db.sql('select from run_steps')).length === 1);

  expect(gate.inside).toHaveLength(1);
});

test('outcomes get a file at the first failed try and at once from then on, gone once they are settled', async () => {
  await using given = await freshQueue();
  await using home = await freshFolder();
  const gate = turnstile();
  const away = failsOnceThenHangs(given.queue);
  const { queue } = away;
  const url = given.db.workerUrl;
  await using worker = daemonOn({ url, home: home.path, queue, runAgent: gate.runAgent });
  const { id } = await given.submit();
  await worker.daemon.start();
  await eventually(() => gate.inside.length === 4);

  away.begin();
  gate.letOne();
  await eventually(async () => (await spooled(home.path, 'outcomes')).length === 1);
  gate.openAll();
  await eventually(async () => (await spooled(home.path, 'outcomes')).length === 4);
  away.end();

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete', runsEnded: 7 });
  await eventually(async () => (await spooled(home.path, 'outcomes')).length === 0);
  expect(await given.db.sql('select max(attempt) from agent_runs')).toEqual([{ max: 1 }]);
});

test('nothing is written to the disk while the database is there', async () => {
  await using given = await freshQueue();
  await using home = await freshFolder();
  await using worker = daemonOn({
    url: given.db.workerUrl,
    home: home.path,
    async runAgent(run, { record }) {
      await record(stepOf(run, 1));
      return complete(run);
    },
  });
  const { id } = await given.submit();
  await worker.daemon.start();

  await ended(given.queue, id);

  // The one folder that is watched for briefs of the command line.
  expect(await readdir(path.join(home.path, 'spool'), { recursive: true })).toEqual(['tasks']);
});

test('finished work that lost its lease is put aside with a clear status, and told once', async () => {
  await using given = await freshQueue();
  await using home = await freshFolder();
  const gate = turnstile();
  const url = given.db.workerUrl;
  const slow = { leaseSeconds: 600 };
  await using worker = daemonOn({ url, home: home.path, runAgent: gate.runAgent, settings: slow });
  const { id } = await given.submit({ agents: ['echo'] });
  await worker.daemon.start();
  await eventually(() => gate.inside.length === 1);

  await given.db.sql('update agent_runs set attempt = attempt + 1');
  gate.openAll();
  const [file = ''] = await eventually(async () => {
    const files = await spooled(home.path, 'late');
    return files.length > 0 && files;
  });

  const late = JSON.parse(await readFile(path.join(home.path, 'spool', 'late', file), 'utf8'));
  expect(late).toMatchObject({ status: 'lost', task: id, kind: 'run', agent: 'echo', attempt: 1 });
  expect(late).toMatchObject({ worker: worker.id, outcome: { type: 'complete' } });
  expect(late.reason).toMatch(/another attempt/);
  const told = () => worker.lines.filter(({ message }) => message.includes('put aside'));
  await eventually(() => told().length > 0);
  expect(told()).toMatchObject([{ level: 'warn', fields: { file: `spool/late/${file}` } }]);
});

test('an outcome that the database refuses for good is moved aside, and its run fails in plain words', async () => {
  await using given = await freshQueue();
  await using home = await freshFolder();
  const takeTurn: Queue['takeTurn'] = (turn) =>
    turn.runs.some(({ outcome }) => outcome.type === 'complete')
      ? Promise.reject(appError('database_failed', { detail: 'no such form' }))
      : given.queue.takeTurn(turn);
  await using worker = daemonOn({
    url: given.db.workerUrl,
    home: home.path,
    queue: { ...given.queue, takeTurn },
  });
  const { id } = await given.submit({ agents: ['echo'], maxRetries: 0 });
  await worker.daemon.start();

  expect(await ended(given.queue, id)).toMatchObject({ status: 'failed' });

  const [file = ''] = await eventually(async () => {
    const files = await spooled(home.path, 'refused');
    return files.length > 0 && files;
  });
  const refused = await readFile(path.join(home.path, 'spool', 'refused', file), 'utf8');
  expect(JSON.parse(refused)).toMatchObject({
    status: 'refused',
    reason: expect.stringContaining('no such form'),
    entry: { kind: 'run', agent: 'echo', outcome: { type: 'complete' } },
  });
});

test('with a disk that cannot be written, steps and outcomes wait in memory, and it is said once', async () => {
  await using given = await freshQueue();
  await using proxy = await startProxy(given.db.workerUrl);
  const url = proxy.url(given.db.workerUrl);
  await using worker = daemonOn({
    url,
    // No folder can be made in a file.
    home: '/dev/null',
    async runAgent(run, { record }) {
      proxy.cut();
      const recorded = Promise.all([1, 2].map((seq) => record(stepOf(run, seq))));
      await eventually(() => attempts(worker.lines) > 1);
      proxy.restore();
      await recorded;
      return complete(run);
    },
  });
  const { id } = await given.submit({ agents: ['echo'] });
  await worker.daemon.start();

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });

  expect(await given.db.sql('select from run_steps')).toHaveLength(2);
  const said = worker.lines.filter(({ message }) => message.includes('steps wait in memory'));
  expect(said).toHaveLength(1);
});

/** A database that is away: the first turn fails, and the next gets no answer before it is back. */
function failsOnceThenHangs(queue: Queue) {
  const back = Promise.withResolvers<void>();
  let tries = 0;
  let isAway = false;
  const takeTurn: Queue['takeTurn'] = async (turn) => {
    tries += Number(isAway);
    if (tries === 1) throw appError('database_unavailable');
    if (tries > 1) await back.promise;
    return await queue.takeTurn(turn);
  };

  return {
    queue: { ...queue, takeTurn },
    begin: () => (isAway = true),
    end: () => back.resolve(),
  };
}

function attempts(lines: { fields: Record<string, unknown> }[]): number {
  return Math.max(
    0,
    ...lines.map(({ fields }) => Number(fields['call'] === 'record steps' && fields['tries'])),
  );
}

async function spooled(home: string, folder: string): Promise<string[]> {
  const names = await readdir(path.join(home, 'spool', folder)).catch(() => []);
  return names.filter((name) => name.endsWith('.json')).toSorted();
}
