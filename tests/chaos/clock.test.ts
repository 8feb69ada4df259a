// Wall clocks that jump, the daemon's and PostgreSQL's, and machines that sleep: the work neither stops nor is lost.
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { freshDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import {
  createFakeClock,
  type FakedPostgres,
  findFaketime,
  startFakedPostgres,
} from './support/faketime.ts';
import { faultsOf } from './support/judge.ts';
import { randomOf, scaled, seed } from './support/scale.ts';
import { openWorld, type World } from './support/world.ts';

const random = randomOf(seed);
const library = (await findFaketime()) ?? '';
// Without it no clock of another program can be set: on Debian, apt-get install libfaketime.
const isThere = library !== '';
const often = { NIGHTSHIFT_POLL_MINUTES: '0.25', NIGHTSHIFT_QUEUE_SWEEP_SECONDS: '0.5' };

test.runIf(isThere)(
  'the clock of the daemon jumps, at work and idle: it polls on, and no run is begun anew',
  async () => {
    await using clock = await createFakeClock(library);
    await using db = await freshDatabase();
    await using world = await openWorld({
      databaseUrl: db.adminUrl,
      behave: ({ reply }) => void slowly(() => reply(2)),
      variables: often,
    });
    const daemon = await world.start({ env: clock.variables });

    for (const offset of scaled(['+3h', '-3h'], ['+3h', '+0', '-3h', '+1d', '-1d', '+20y', '+0'])) {
      const briefs = world.submitEvery(250);
      await isAtWork(world);
      await clock.set(offset);
      await hasPolledAgain(world, offset);
      await briefs.stop();
      await world.allEnded();
    }

    expect(await world.sql('select distinct attempt from agent_runs')).toEqual([{ attempt: 1 }]);
    expect(await faultsOf(world, { interruptions: 0 })).toEqual([]);
    expect(await daemon.stop()).toBe(0);
  },
  1_200_000,
);

test.runIf(isThere)(
  'the clock of PostgreSQL jumps, and both sleep for two minutes: all is done, and done once',
  async () => {
    await using ours = await createFakeClock(library);
    await using its = await createFakeClock(library);
    await using postgres = await startFakedPostgres(its);
    await using world = await openWorld({
      databaseUrl: postgres.adminUrl,
      behave: ({ reply }) => void slowly(() => reply(2)),
      variables: often,
    });
    const daemon = await world.start({ env: ours.variables });
    const briefs = world.submitEvery(250);

    for (const offset of scaled(['+3h', '-3h'], ['+3h', '+0', '-3h', '+1d', '-1d', '+0'])) {
      await isAtWork(world);
      await its.set(offset);
      await hasSubmittedMore(world);
    }
    await isAtWork(world);
    const sleepers = [daemon.pid, ...(await familyOf(postgres))];
    for (const pid of sleepers) process.kill(pid, 'SIGSTOP');
    await Promise.all([ours.set('+2m'), its.set('+2m')]);
    for (const pid of sleepers.toReversed()) process.kill(pid, 'SIGCONT');
    await hasSubmittedMore(world);
    await briefs.stop();
    await world.allEnded();

    const judging = { interruptions: scaled(3, 7), hasStale: true, isClockFalse: true };
    expect(await faultsOf(world, judging)).toEqual([]);
    expect(await daemon.stop()).toBe(0);
  },
  1_200_000,
);

async function isAtWork({ sql }: World): Promise<void> {
  await until(
    async () => (await sql(`select from agent_runs where status = 'running'`)).length > 0,
  );
}

async function hasPolledAgain({ sql }: World, why: string): Promise<void> {
  const count = async () => (await sql(`select from poll_runs where trigger = 'schedule'`)).length;
  const before = await count();

  await until(async () => (await count()) > before, { boundMs: 90_000, why: () => why });
}

async function hasSubmittedMore({ accepted }: World): Promise<void> {
  const before = accepted.size;
  await until(() => accepted.size > before + 3, { boundMs: 60_000 });
}

/** A postmaster and its children. */
async function familyOf({ pid }: FakedPostgres): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const children = await Promise.all(
    pids.map(async (child) => {
      const stat = await readFile(`/proc/${child}/stat`, 'utf8').catch(() => '');
      const [, parent = ''] = /\) \S (\d+) /.exec(stat) ?? [];
      return Number(parent) === pid ? [Number(child)] : [];
    }),
  );

  return [pid, ...children.flat()];
}

/** Answers each call after a while, so that at any moment some are under way. */
async function slowly(reply: () => void): Promise<void> {
  await pause(50 + random() * 250);
  reply();
}
