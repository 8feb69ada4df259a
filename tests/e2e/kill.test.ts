// kill -9 in the middle of everything, several times over: nothing is lost, nothing done or paid twice.
import { describe, expect, test } from 'vitest';

import { withClient } from '../../src/postgres/connection.ts';
import { type Daemon, type Home, ownerUrl, temporaryHome } from '../support/daemon.ts';
import { randomOf } from '../chaos/support/scale.ts';
import { freshDatabase } from '../support/database.ts';
import { postmasterOf } from '../support/postmaster.ts';
import { until } from '../support/until.ts';
import { readTaskFolder, taskFolders } from './folders.ts';
import { type ScriptedModel, startScriptedModel } from './scripted.ts';

const tasks = 12;
const toolTurns = 2;
const stepsOfRun = toolTurns + 1;
/** Another seed gives other moments: NIGHTSHIFT_TEST_SEED=7 npm test -- kill. */
const seed = Number(process.env.NIGHTSHIFT_TEST_SEED ?? 20_261_122);

type Rows = Record<string, unknown>[];
type Bed = {
  home: Home;
  model: ScriptedModel;
  random: () => number;
  sql(text: string): Promise<Rows>;
};
/** The calls before a kill, and the steps that were recorded when the daemon was dead. */
type Kill = { calls: number; recorded: string[] };

describe('a daemon that is killed again and again', () => {
  test('ends every run on a database that others run', async () => {
    await using db = await freshDatabase();
    await using model = await slowModel();
    await using home = await temporaryHome({ ...settings(model), DATABASE_URL: db.adminUrl });
    const bed: Bed = { home, model, random: randomOf(seed), sql: (text) => db.sql(text) };
    let daemon = await start(home);
    await bed.sql(submission);

    const kills: Kill[] = [];
    for (let round = 0; round < 4; round += 1) {
      kills.push(await killAmidSteps(bed, daemon));
      daemon = await start(home);
    }
    await until(async () => (await taskFolders(home.path)).length > 0);
    kills.push(await kill(bed, daemon));
    daemon = await start(home);

    await expectAllDoneOnce(bed, kills);
    expect(await daemon.stop()).toBe(0);
  }, 180_000);

  test('takes over the PostgreSQL that its former self left behind', async () => {
    await using model = await slowModel();
    await using home = await temporaryHome(settings(model));
    let daemon = await start(home);
    const url = await ownerUrl(daemon.ready);
    const sql = (text: string) => withClient(url, async (db) => (await db.query(text)).rows);
    const bed: Bed = { home, model, random: randomOf(seed + 1), sql };
    const postgres = await postmasterOf(home.path);
    await sql(submission);

    const kills = [await killAmidSteps(bed, daemon)];
    daemon = await start(home);

    expect(await postmasterOf(home.path)).toBe(postgres);
    await expectAllDoneOnce(bed, kills);
    expect(await daemon.stop()).toBe(0);
    expect(await postmasterOf(home.path)).toBeUndefined();
  }, 180_000);
});

const submission = `
  insert into tasks (title, description, agents, max_retries)
  select 'Task ' || number, 'Announce our refill subscription in spring.', '{echo}', 20
  from generate_series(1, ${tasks}) as number`;

const start = (home: Home): Promise<Daemon> => home.start({ args: ['--no-sample'] });

function settings(model: ScriptedModel) {
  return {
    ...model.variables,
    NIGHTSHIFT_CONCURRENCY_RUNS: String(tasks),
    NIGHTSHIFT_RETRY_BASE_MS: '10',
    NIGHTSHIFT_RETRY_CAP_MS: '100',
  };
}

/** Answers each call after a while, so that at any moment some are under way. */
function slowModel(): Promise<ScriptedModel> {
  const random = randomOf(seed + 2);

  return startScriptedModel(({ reply }) => {
    setTimeout(() => reply(toolTurns), 20 + random() * 200);
  });
}

/** A few recorded steps after the kill before, so that steps are left for every later round. */
async function killAmidSteps(bed: Bed, daemon: Daemon): Promise<Kill> {
  const count = async () => (await bed.sql('select from run_steps')).length;
  const steps = (await count()) + 1 + Math.floor(bed.random() * 6);
  await until(async () => (await count()) >= steps, { why: () => daemon.stderr() });

  return await kill(bed, daemon);
}

async function kill({ model, sql }: Bed, daemon: Daemon): Promise<Kill> {
  await daemon.murder();
  const calls = model.calls().length;
  const rows = await sql(`
    select task.title || ' step ' || step.seq as step
    from run_steps as step
    join agent_runs as run on run.id = step.run_id
    join tasks as task on task.id = run.task_id`);

  return { calls, recorded: rows.map((row) => String(row.step)) };
}

async function expectAllDoneOnce(bed: Bed, kills: Kill[]): Promise<void> {
  const { home, sql } = bed;
  const isOver = async () =>
    (await sql('select from tasks where completed_at is null')).length === 0;
  await until(isOver, { boundMs: 60_000, why: () => `all tasks end (seed ${seed})` });

  expect(await sql(`select status, count(*)::int from tasks group by 1`)).toEqual([
    { status: 'complete', count: tasks },
  ]);
  expect(await sql(`select distinct status from agent_runs`)).toEqual([{ status: 'complete' }]);
  const steps = await sql(`
    select array_agg(seq order by seq) as seqs from run_steps group by run_id`);
  const everyStepOnce = Array.from({ length: stepsOfRun }, (_, at) => at + 1);
  expect(steps).toEqual(Array.from({ length: tasks }, () => ({ seqs: everyStepOnce })));

  expectNothingPaidTwice(bed, kills);
  await expectFoldersOnce(home, sql);
}

function expectNothingPaidTwice({ model }: Bed, kills: Kill[]): void {
  const names = model.calls().map(({ title, step }) => `${title} step ${step}`);
  const repeated = kills.flatMap((one) =>
    names.slice(one.calls).filter((name) => one.recorded.includes(name)),
  );

  expect(repeated).toEqual([]);
  // Each kill can cost the calls that were under way, and no more.
  expect(names.length).toBeLessThanOrEqual(tasks * stepsOfRun + kills.length * tasks);
}

async function expectFoldersOnce(home: Home, sql: Bed['sql']): Promise<void> {
  const folders = await sql('select folder_name, folder_url from tasks');
  const files = await sql(`
    select task.folder_name || '/' || file.path as path, count(*)::int
    from deliverables as file join tasks as task on task.id = file.task_id group by 1`);

  expect((await taskFolders(home.path)).toSorted()).toEqual(
    folders.map((row) => String(row.folder_name)).toSorted(),
  );
  const published: string[] = [];
  for (const { folder_name: name, folder_url: url } of folders) {
    const { manifest } = await readTaskFolder(String(url));
    published.push(...manifest.files.map((file) => `${String(name)}/${file.path}`));
  }
  expect(files.map(({ path, count }) => [path, count]).toSorted()).toEqual(
    published.map((path) => [path, 1]).toSorted(),
  );
}
