// PostgreSQL restarted and killed again and again under load, its own daemon's and an outside one: work goes on each time.
import { setTimeout as pause } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { postmasterOf } from '../support/postmaster.ts';
import { programsOn } from '../support/programs-on.ts';
import { until } from '../support/until.ts';
import { faultsOf } from './support/judge.ts';
import { startOutsidePostgres } from './support/outside-postgres.ts';
import { isLong, randomOf, scaled, seed } from './support/scale.ts';
import { openWorld, type World } from './support/world.ts';

const blows = scaled(5, 30);
const random = randomOf(seed);

/** Does something to a PostgreSQL. */
type Blow = (world: World, postmaster: number) => Promise<unknown>;
const signal = (name: NodeJS.Signals): Blow => {
  return (_world, postmaster) => Promise.resolve(process.kill(postmaster, name));
};
const blowsInTurn: [string, Blow][] = [
  ['stopped fast', signal('SIGINT')],
  ['its sessions are ended', endSessions],
  ['stopped at once', signal('SIGQUIT')],
  ['a backend is killed', killBackend],
  ['killed', signal('SIGKILL')],
];

test(`the PostgreSQL of a daemon is hurt ${blows} times under load, and nothing is lost (seed ${seed})`, async () => {
  await using world = await openWorld({ behave: ({ reply }) => void slowly(() => reply(2)) });
  const daemon = await world.start();

  const found = () => postmasterOf(world.home.path);
  await hurtUnderLoad(world, found);

  expect(await faultsOf(world, { interruptions: blows })).toEqual([]);
  expect(await daemon.stop()).toBe(0);
  expect(await programsOn(world.home.path)).toEqual([]);
}, 1_200_000);

test(`an outside PostgreSQL is hurt ${blows} times under load, and nothing is lost (seed ${seed})`, async () => {
  await using postgres = await startOutsidePostgres();
  const databaseUrl = postgres.adminUrl;
  await using world = await openWorld({
    databaseUrl,
    behave: ({ reply }) => void slowly(() => reply(2)),
  });
  const daemon = await world.start();

  await hurtUnderLoad(world, () => Promise.resolve(postgres.pid()));

  expect(await faultsOf(world, { interruptions: blows })).toEqual([]);
  expect(await daemon.stop()).toBe(0);
}, 1_200_000);

async function hurtUnderLoad(
  world: World,
  postmaster: () => Promise<number | undefined>,
): Promise<void> {
  const briefs = world.submitEvery(scaled(250, 500));

  for (let round = 0; round < blows; round += 1) {
    await pause(scaled(300, 5_000) + random() * scaled(700, 15_000));
    const [name, blow] = blowsInTurn[round % blowsInTurn.length] ?? ['', endSessions];
    const before = world.accepted.size;
    const pid = await until(postmaster);
    const since = performance.now();
    await blow(world, pid);
    // Not before work goes through again: one more blow at a server that lies on the ground proves nothing.
    await until(() => world.accepted.size > before + 1, { boundMs: 60_000, why: () => name });
    const seconds = ((performance.now() - since) / 1_000).toFixed(1);
    if (isLong) process.stderr.write(`${name}: back after ${seconds} s\n`);
  }

  await briefs.stop();
  await world.allEnded();
}

async function endSessions({ sql }: World): Promise<void> {
  await sql(`
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name like 'nightshift%' and pid <> pg_backend_pid()`);
}

/** The whole server starts anew after that: nobody knows what the dead one did to the memory that they share. */
async function killBackend({ sql }: World): Promise<void> {
  const [row] = await sql(`select pid from pg_stat_activity where application_name = 'nightshift'`);
  if (typeof row?.['pid'] === 'number') process.kill(row['pid'], 'SIGKILL');
}

/** Answers each call after a while, so that at any moment some are under way. */
async function slowly(reply: () => void): Promise<void> {
  await pause(20 + random() * 150);
  reply();
}
