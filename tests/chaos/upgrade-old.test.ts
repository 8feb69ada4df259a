// The build before, as real daemons: under an upgrade, beside ours, on a schema that shuts it out, and in its own home.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { withClient } from '../../src/postgres/connection.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { silentLog as log, type TestDatabase } from '../support/cluster.ts';
import { ownerUrl, temporaryHome, type Variables } from '../support/daemon.ts';
import { emptyDatabase, freshDatabase } from '../support/database.ts';
import { laterFolder, laterVersion } from '../support/migrations.ts';
import { until } from '../support/until.ts';
import { type ScriptedModel, startScriptedModel } from '../e2e/scripted.ts';
import { catalogOf } from './support/catalog.ts';
import { finalFaultsIn } from './support/invariants.ts';
import { findOldCommit, type OldBuild, unpackOldBuild } from './support/old-build.ts';
import { scaled } from './support/scale.ts';

const old = await findOldCommit();
const which = old.type === 'found' ? old.commit.slice(0, 7) : `skipped: ${old.reason}`;
const quiet = { args: ['--no-sample'] };
const boundMs = 120_000;

describe.skipIf(old.type === 'absent')(`the build before (${which})`, () => {
  let build: OldBuild;
  beforeAll(async () => {
    build = await unpackOldBuild(old.type === 'found' ? old.commit : '');
  });
  afterAll(() => build[Symbol.asyncDispose]());

  test(
    'works on while its database is upgraded under it, and shares the work with a daemon of ours',
    async () => {
      await using db = await emptyDatabase();
      await using former = await temporaryHome(settingsOn(db), build);
      await using home = await temporaryHome(settingsOn(db));
      const before = await former.start(quiet);
      await submit(db, 'before');

      await migrate({ url: db.adminUrl, log });
      await submit(db, 'after');
      await allEnded(db);
      const daemon = await home.start(quiet);
      await submit(db, 'together', scaled(24, 300));
      await allEnded(db);

      expect(await workersOf(db)).toEqual([
        { title: 'after', status: 'complete', workers: 1 },
        { title: 'before', status: 'complete', workers: 1 },
        { title: 'together', status: 'complete', workers: 2 },
      ]);
      expect(await finalFaultsIn(db.sql)).toEqual([]);
      expect(await Promise.all([before.stop(), daemon.stop()])).toEqual([0, 0]);
    },
    boundMs,
  );

  test(
    'started on an upgraded database it serves, or is refused in plain words and changes nothing',
    async () => {
      await using db = await freshDatabase();
      await using former = await temporaryHome(settingsOn(db), build);
      const catalog = await catalogOf(db.sql);

      const child = former.launch(quiet);
      const met = await Promise.race([child.ended, former.served(child).catch(() => child.ended)]);
      const handedIn = await former.run('submit', 'A title', 'A text');

      const isServing = typeof met === 'object';
      const words = isServing ? '' : 'newer version of Nightshift';
      expect(child.stderr()).toContain(words);
      expect(handedIn).toMatchObject(isServing ? { code: 0 } : { code: 1, stdout: '' });
      expect(await db.sql('select from tasks')).toHaveLength(isServing ? 1 : 0);
      expect(await catalogOf(db.sql)).toEqual(catalog);
    },
    boundMs,
  );

  test(
    'a schema that it cannot work with takes its work from it, and lets it neither claim nor settle',
    async () => {
      await using db = await emptyDatabase();
      await using model = await heldModel();
      await using former = await temporaryHome({ ...settingsOn(db), ...model.variables }, build);
      const daemon = await former.start(quiet);
      await submit(db, 'held', 1);
      await until(() => model.calls().length === 1);

      await using folder = await laterFolder(
        `select nightshift.require_client('${laterVersion}');`,
      );
      await migrate({ url: db.adminUrl, log, folder: folder.path });
      await submit(db, 'waiting', 1);
      model.release();
      await until(() => daemon.stderr().includes('needs a build that knows'));
      // Until then it tries to settle what it has made.
      expect(await daemon.stop()).toBe(0);

      const runs = await db.sql(
        'select status, attempt, refunds, worker_id as worker from agent_runs order by id',
      );
      expect(runs).toEqual([
        { status: 'pending', attempt: 1, refunds: 1, worker: null },
        { status: 'pending', attempt: 0, refunds: 0, worker: null },
      ]);
      expect(await db.sql('select from deliverables')).toEqual([]);
    },
    boundMs,
  );

  test(
    'a home of its own is taken over by ours after kill -9: every task ends, and no recorded step is paid twice',
    async () => {
      await using model = await startScriptedModel(({ reply }) => {
        setTimeout(() => reply(2), 100);
      });
      await using home = await temporaryHome(model.variables);
      const itself = { ...model.variables, NIGHTSHIFT_HOME: home.path };
      await using former = await temporaryHome(itself, build);
      const count = scaled(4, 40);
      const before = await home.served(former.launch(quiet));
      const url = await ownerUrl(before.ready);
      const handedIn = await handIn(url, count);
      const { steps, calls } = await killAmidSteps(before.murder, { url, model });

      const daemon = await home.start(quiet);

      await withClient(await ownerUrl(daemon.ready), async (client) => {
        const rows = async (text: string) => (await client.query(text)).rows;
        const ended = async () =>
          (await rows(`select id from tasks where status = 'complete' order by id`)).map(({ id }) =>
            String(id),
          );
        await until(async () => (await ended()).length === count, { boundMs: 60_000 });
        expect(await ended()).toEqual(handedIn);
        expect(await finalFaultsIn(client)).toEqual([]);
      });
      expect(
        namesOf(model)
          .slice(calls)
          .filter((name) => steps.includes(name)),
      ).toEqual([]);
      expect(await daemon.stop()).toBe(0);
    },
    boundMs,
  );
});

function settingsOn(db: TestDatabase): Variables {
  return {
    DATABASE_URL: db.adminUrl,
    NIGHTSHIFT_CONCURRENCY_RUNS: '2',
    NIGHTSHIFT_RETRY_BASE_MS: '10',
    NIGHTSHIFT_RETRY_CAP_MS: '100',
  };
}

async function submit(db: TestDatabase, name: string, count = scaled(10, 300)): Promise<void> {
  await db.sql(
    `insert into tasks (title, description, agents)
    select $1, 'Announce our refill subscription.', '{echo}' from generate_series(1, $2)`,
    [name, count],
  );
}

async function allEnded(db: TestDatabase): Promise<void> {
  const open = () => db.sql('select from tasks where completed_at is null');
  await until(async () => (await open()).length === 0, { boundMs: 60_000 });
}

function workersOf(db: TestDatabase): Promise<unknown[]> {
  return db.sql(`
    select task.title, task.status, count(distinct run.worker_id)::int as workers
    from tasks as task
    join agent_runs as run on run.task_id = task.id
    group by 1, 2
    order by 1`);
}

/** A model that answers nothing until released. */
async function heldModel() {
  const replies: (() => void)[] = [];
  const model = await startScriptedModel(({ reply }) => void replies.push(reply));

  return {
    ...model,
    release() {
      for (const reply of replies) reply();
    },
  };
}

async function handIn(url: string, count: number): Promise<string[]> {
  const { rows } = await withClient(url, (client) =>
    client.query<{ id: string }>(
      `insert into tasks (title, description, agents)
      select 'Task ' || number, 'Announce our refill subscription.', '{echo}'
      from generate_series(1, $1) as number
      returning id`,
      [count],
    ),
  );

  return rows.map(({ id }) => id).toSorted();
}

function namesOf(model: ScriptedModel): string[] {
  return model.calls().map(({ title: task, step }) => `${task} step ${step}`);
}

/** Kills when a few steps are recorded; which those were, and how many calls the model had had. */
async function killAmidSteps(
  kill: () => Promise<void>,
  { url, model }: { url: string; model: ScriptedModel },
): Promise<{ steps: string[]; calls: number }> {
  const recorded = () =>
    withClient(url, async (client) => {
      const { rows } = await client.query<{ name: string }>(`
        select task.title || ' step ' || step.seq as name
        from run_steps as step
        join agent_runs as run on run.id = step.run_id
        join tasks as task on task.id = run.task_id`);
      return rows.map(({ name }) => name);
    });

  await until(async () => (await recorded()).length >= 2);
  await kill();
  const calls = model.calls().length;
  return { steps: await recorded(), calls };
}
