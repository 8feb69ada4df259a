// Two daemons by mistake, and what a dead one left behind that now names a stranger: nobody is harmed.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { isAlive } from '../../src/postgres/postmaster.ts';
import type { Home } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { postmasterOf } from '../support/postmaster.ts';
import { programsOn } from '../support/programs-on.ts';
import { type Spawned, spawnNode } from '../support/spawned.ts';
import { until } from '../support/until.ts';
import { faultsOf } from './support/judge.ts';
import { scaled } from './support/scale.ts';
import { openWorld, type World } from './support/world.ts';

const rounds = scaled(1, 25);

test('eight daemons that start on one home at the same instant are one that serves and seven that know it', async () => {
  await using world = await openWorld();
  const { home } = world;

  for (let round = 0; round < rounds; round += 1) {
    const daemons = Array.from({ length: 8 }, () => world.launch());
    await until(() => daemons.filter((daemon) => daemon.hasEnded()).length === 7);
    const ended = daemons.filter((daemon) => daemon.hasEnded());
    const [left] = await Promise.all(
      daemons.filter((daemon) => !daemon.hasEnded()).map((daemon) => home.served(daemon)),
    );
    await world.submit();
    await world.allEnded();

    expect(await Promise.all(ended.map((daemon) => daemon.ended))).toEqual(Array(7).fill(0));
    for (const daemon of ended) expect(daemon.stderr()).toMatch(/runs on .* already \((pid|still)/);
    expect(await left?.stop()).toBe(0);
    expect(await programsOn(home.path)).toEqual([]);
  }
  const last = await world.start();
  expect(await faultsOf(world, { interruptions: 0 })).toEqual([]);
  expect(await last.stop()).toBe(0);
}, 1_200_000);

test('a daemon that starts while another one stops waits for nobody and takes nothing from it', async () => {
  await using world = await openWorld();
  let daemon = await world.start();
  const briefs = world.submitEvery(50);

  for (let round = 0; round < scaled(2, 40); round += 1) {
    const stopping = daemon.stop();
    const next = world.launch();
    expect(await stopping).toBe(0);
    const served = await Promise.race([world.home.served(next).catch(() => null), next.ended]);
    // It came too early and said so.
    const isTooEarly = served === 0 || served === null;
    if (isTooEarly) expect(next.stderr()).toMatch(/runs on .* already/);
    daemon = served !== null && typeof served === 'object' ? served : await world.start();
  }
  await briefs.stop();
  await world.allEnded();

  expect(await faultsOf(world, { interruptions: 0 })).toEqual([]);
  expect(await daemon.stop()).toBe(0);
  expect(await programsOn(world.home.path)).toEqual([]);
}, 1_200_000);

test('pid files that now name a stranger do him no harm, and the daemon starts', async () => {
  await using world = await openWorld();
  await using stranger = await startStranger();
  const { home } = world;
  const first = await world.start();
  await world.submit();
  await killWithDatabase(world, first);

  for (const pid of [stranger.pid, await postmasterOfOthers(), process.pid]) {
    await renumber(home, pid);
    const daemon = await world.start();
    await world.allEnded();
    expect(await isAlive(pid)).toBe(true);
    await killWithDatabase(world, daemon);
  }
  const last = await world.start();

  expect(await faultsOf(world, { interruptions: 4 })).toEqual([]);
  expect(await last.stop()).toBe(0);
  expect([stranger.stdout(), stranger.hasEnded()]).toEqual(['here\n', false]);
}, 240_000);

async function startStranger(): Promise<Spawned> {
  const script = fileURLToPath(new URL('children/stranger.ts', import.meta.url));
  const stranger = spawnNode([script], { env: {}, cwd: '/' });
  await until(() => stranger.stdout() !== '', { why: stranger.stderr });

  return stranger;
}

/** A power cut, but for the machine: neither has the time to remove its pid file. */
async function killWithDatabase({ home }: World, daemon: Spawned): Promise<void> {
  const postgres = await postmasterOf(home.path);
  daemon.kill('SIGKILL');
  await daemon.ended;
  if (postgres !== undefined) process.kill(postgres, 'SIGKILL');
  // Its children notice its death by themselves.
  await until(async () => (await programsOn(home.path)).length === 0);
}

/** The PostgreSQL of the test run: one like ours, on another folder. */
async function postmasterOfOthers(): Promise<number> {
  await using db = await freshDatabase();
  const [row] = await db.sql('show data_directory');
  const text = await readFile(path.join(String(row?.['data_directory']), 'postmaster.pid'), 'utf8');

  return Number(text.split('\n', 1)[0]);
}

/** Puts another pid into what the dead daemon and its PostgreSQL left behind. */
async function renumber(home: Home, pid: number): Promise<void> {
  const ready = path.join(home.path, 'run', 'daemon.json');
  const facts: unknown = JSON.parse(await readFile(ready, 'utf8'));
  await writeFile(ready, JSON.stringify(Object.assign({}, facts, { pid })));

  const file = path.join(home.path, 'postgres', 'data', 'postmaster.pid');
  const [, ...rest] = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, [String(pid), ...rest].join('\n'));
}
