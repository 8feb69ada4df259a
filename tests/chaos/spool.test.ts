// The database vanishes under load: work goes on, on the disk, also across kill -9; then it is told, once and in order.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { SpooledStep } from '../../src/core/spool.ts';
import { freshDatabase } from '../support/database.ts';
import { type Proxy, startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { faultsOf } from './support/judge.ts';
import { isLong, randomOf, scaled, seed } from './support/scale.ts';
import { openWorld, type World } from './support/world.ts';

const awayMs = scaled(3_000, 300_000);
const runs = scaled(6, 14);
const toolTurns = 3;
const callsOfRun = toolTurns + 1;
const kills = scaled(1, 10);
const boundMs = awayMs * 3 + 60_000;

test(`a database that is away costs nothing but time (seed ${seed})`, async () => {
  await using bed = await openBed();
  const { world, proxy } = bed;
  const daemon = await world.start();
  await fill(bed);

  proxy.cut();
  const cutAt = performance.now();
  const kept = await submitAway(world, 'Away');
  await until(async () => (await spooled(world, 'outcomes')).length > 0, { boundMs });
  const during = world.model.calls().length;
  await pause(Math.max(0, awayMs - (performance.now() - cutAt)));
  expect(await spooled(world, 'steps')).not.toEqual([]);
  proxy.restore();
  const back = await backAt(world, Date.now());
  await world.allEnded(boundMs);

  // Each call was made once: nothing of what was done while the database was away is done again.
  expect(world.model.calls()).toHaveLength((runs + 1) * callsOfRun);
  expect(during).toBeGreaterThan(runs);
  expect(await world.sql('select max(attempt) from agent_runs')).toEqual([{ max: 1 }]);
  expect(world.accepted.get(kept)).toBe('Away');
  await expectNothingLeft(world);
  expect(await faultsOf(world, { interruptions: 1 })).toEqual([]);
  if (isLong) process.stdout.write(`away for ${awayMs / 1_000} s, claims again after ${back} ms\n`);
  expect(await daemon.stop()).toBe(0);
}, 1_800_000);

test(`kill -9 in the middle of that costs at most the calls that were under way (seed ${seed})`, async () => {
  await using bed = await openBed();
  const { world, proxy } = bed;
  const first = await world.start();
  await fill(bed);

  proxy.cut();
  const cutAt = performance.now();
  await until(() => goneFar(world), { boundMs, why: () => first.stderr() });
  await pause(Math.max(0, awayMs / 2 - (performance.now() - cutAt)));
  await first.murder();
  const calls = world.model.calls().length;
  const steps = await spooledSteps(world);
  const kept = await submitAway(world, 'Away');
  // Started again while the database is still away, and killed in that as well.
  const second = world.launch();
  await until(() => second.stderr() !== '' || second.hasEnded());
  second.kill('SIGKILL');
  await second.ended;
  await pause(Math.max(0, awayMs - (performance.now() - cutAt)));
  expect(await spooledSteps(world)).toEqual(steps);
  proxy.restore();
  // And killed while the spool is told.
  const random = randomOf(seed);
  for (let round = 0; round < kills; round += 1) {
    const teller = world.launch();
    await until(() => teller.stderr() !== '' || teller.hasEnded());
    await pause(random() * 1_000);
    teller.kill('SIGKILL');
    await teller.ended;
  }
  const third = await world.start();
  await world.allEnded(boundMs);

  const later = world.model.calls().slice(calls);
  const again = later.map(({ title, step }) => `${title} step ${step}`);
  expect(steps.filter((step) => again.includes(step))).toEqual([]);
  expect(world.accepted.get(kept)).toBe('Away');
  await expectNothingLeft(world);
  expect(await faultsOf(world, { interruptions: 2 + kills })).toEqual([]);
  expect(await third.stop()).toBe(0);
}, 1_800_000);

type Bed = { world: World; proxy: Proxy };

async function openBed() {
  await using stack = new AsyncDisposableStack();
  const db = stack.use(await freshDatabase());
  const proxy = stack.use(await startProxy(db.adminUrl));
  const random = randomOf(seed);
  const world = stack.use(
    await openWorld({
      databaseUrl: db.adminUrl,
      // So long that the calls of a run are spread over the whole time, and some runs end within it.
      behave: ({ reply }) =>
        void setTimeout(
          () => reply(toolTurns),
          (0.05 + random() * 0.25) * Math.min(awayMs, 90_000),
        ),
      variables: {
        DATABASE_URL: proxy.url(db.adminUrl),
        NIGHTSHIFT_CONCURRENCY_RUNS: String(runs),
      },
    }),
  );
  const opened = stack.move();

  return { world, proxy, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Every slot is at work, and some of it is on record. */
async function fill({ world }: Bed): Promise<void> {
  for (let run = 0; run < runs; run += 1) await world.submit();
  await until(async () => (await world.sql('select from run_steps')).length > 1, { boundMs });
}

/** By the command line, which finds no database either: the answer names the task all the same. */
async function submitAway(world: World, title: string): Promise<string> {
  const text = 'Announce our refill subscription in spring.';
  // More tries than there are kills: a run that got no step on record may be what kills its worker.
  const flags = ['--agents', 'echo', '--max-retries', '20', '--json'];
  const { code, stdout, stderr } = await world.home.run('submit', title, text, ...flags);
  const { id, status } = JSON.parse(stdout);
  expect({ code, status }, stderr).toEqual({ code: 0, status: 'spooled' });
  world.accepted.set(id, title);

  return id;
}

async function goneFar(world: World): Promise<boolean> {
  const [steps, outcomes] = [await spooled(world, 'steps'), await spooled(world, 'outcomes')];
  return steps.length >= runs && outcomes.length > 0;
}

/** Milliseconds from then until something was claimed. */
async function backAt(world: World, since: number): Promise<number> {
  const claimed = `
    select extract(epoch from min(claimed_at)) * 1000 as at from agent_runs where claimed_at > to_timestamp($1)`;

  return await until(
    async () => {
      const [row] = await world.sql(claimed, [since / 1_000]);
      return typeof row?.['at'] === 'string' && Math.round(Number(row['at']) - since);
    },
    { boundMs },
  );
}

async function spooled(world: World, folder: string): Promise<string[]> {
  const names = await readdir(path.join(world.home.path, 'spool', folder)).catch(() => []);
  return names.filter((name) => !name.startsWith('.'));
}

/** Each as the title of its task and its number, as the model knows it. */
async function spooledSteps(world: World): Promise<string[]> {
  const names = (await spooled(world, 'steps')).toSorted();
  const folder = path.join(world.home.path, 'spool', 'steps');
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));

  return texts.map((text) => {
    const { taskId, step } = SpooledStep.parse(JSON.parse(text));
    return `${world.accepted.get(taskId)} step ${step.seq}`;
  });
}

async function expectNothingLeft(world: World): Promise<void> {
  const left = async () => {
    const folders = ['steps', 'outcomes', 'tasks', 'late', 'refused'];
    return (await Promise.all(folders.map((folder) => spooled(world, folder)))).flat();
  };
  await until(async () => (await left()).length === 0, { why: () => 'the spool is empty' });
}
