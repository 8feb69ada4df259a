// kill -9 at random moments, from the first start to the stop, while briefs keep coming in: nothing is lost or doubled.
import { setTimeout as pause } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { postmasterOf } from '../support/postmaster.ts';
import { programsOn } from '../support/programs-on.ts';
import type { Spawned } from '../support/spawned.ts';
import { faultsOf } from './support/judge.ts';
import { randomOf, scaled, seed } from './support/scale.ts';
import { openWorld, type World } from './support/world.ts';

const kills = scaled(6, 200);
const random = randomOf(seed);

test(`a daemon that is killed ${kills} times at random loses nothing and does nothing twice (seed ${seed})`, async () => {
  await using world = await openWorld({ behave: ({ reply }) => void slowly(() => reply(2)) });
  const briefs = world.submitEvery(scaled(300, 1_000));
  const daemons: Spawned[] = [];

  for (let round = 0; round < kills; round += 1) {
    const daemon = world.launch();
    await randomMoment(world, daemon, round);
    daemon.kill('SIGKILL');
    await daemon.ended;
    daemons.push(daemon);
  }
  const last = await world.start();
  await briefs.stop();
  await world.allEnded();
  const faults = await faultsOf(world, { interruptions: kills });
  const end = await last.stop();

  expect(faults).toEqual([]);
  expect(await complaintsOf(daemons)).toEqual([]);
  expect([end, await postmasterOf(world.home.path)]).toEqual([0, undefined]);
  expect(await programsOn(world.home.path)).toEqual([]);
  expect(world.accepted.size).toBeGreaterThan(kills / 2);
}, 7_200_000);

/** What was said by daemons that ended by themselves, untold, and by those that found traces of a bug. */
async function complaintsOf(daemons: Spawned[]): Promise<string[]> {
  const ends = await Promise.all(daemons.map(({ ended }) => ended));
  const isOdd = (daemon: Spawned, at: number): boolean =>
    !['SIGKILL', 0].includes(ends[at] ?? '') || daemon.stderr().includes('please report it');

  return daemons.filter(isOdd).map((daemon) => daemon.stderr());
}

/** Answers each call after a while, so that at any moment some are under way. */
async function slowly(reply: () => void): Promise<void> {
  await pause(20 + random() * 150);
  reply();
}

/** A third of the moments lie in the start, a third in the work, the rest in the stop. */
async function randomMoment({ home }: World, daemon: Spawned, round: number): Promise<void> {
  const startsWithinMs = 2_000;
  if (round % 3 === 0) {
    await pause(random() * startsWithinMs);
    return;
  }

  // One that does not come to serve says why below.
  await home.served(daemon).catch(() => undefined);
  await pause(random() * 1_200);
  if (round % 3 === 1) return;

  daemon.kill('SIGTERM');
  await pause(random() * 500);
}
