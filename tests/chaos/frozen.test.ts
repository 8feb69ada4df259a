// A daemon that is frozen for three leases while another takes its work over: what it still says when it wakes changes nothing.
import { setTimeout as pause } from 'node:timers/promises';

import { expect, test } from 'vitest';

import type { Meeting } from '../e2e/scripted.ts';
import type { Daemon } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { callOf } from '../support/pg-messages.ts';
import { type Proxy, startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { faultsOf } from './support/judge.ts';
import { randomOf, scaled, seed } from './support/scale.ts';
import { openWorld, type World } from './support/world.ts';

const leaseSeconds = 1;
const rounds = scaled(2, 30);
const random = randomOf(seed);

test(`a daemon that is frozen past its lease ${rounds} times changes nothing of what others took over (seed ${seed})`, async () => {
  await using db = await freshDatabase();
  await using world = await openWorld({
    databaseUrl: db.adminUrl,
    homes: 2,
    behave: ({ reply }) => void slowly(() => reply(2)),
    variables: {
      NIGHTSHIFT_QUEUE_LEASE_SECONDS: String(leaseSeconds),
      NIGHTSHIFT_QUEUE_SWEEP_SECONDS: '0.3',
      NIGHTSHIFT_CONCURRENCY_RUNS: '4',
    },
  });
  await using left = await startProxied(world, 0, db.adminUrl);
  await using right = await startProxied(world, 1, db.adminUrl);
  const daemons = [left, right];
  const briefs = world.submitEvery(200);
  const changed: unknown[] = [];

  for (let round = 0; round < rounds; round += 1) {
    changed.push(...(await changedByFrozen(world, daemons, `Frozen ${round}`)));
  }
  await briefs.stop();
  await world.allEnded();

  expect(changed).toEqual([]);
  expect(await faultsOf(world, { interruptions: rounds, hasStale: true })).toEqual([]);
  expect(await Promise.all(daemons.map(({ daemon }) => daemon.stop()))).toEqual([0, 0]);
}, 1_200_000);

type Proxied = AsyncDisposable & { daemon: Daemon; proxy: Proxy };

async function startProxied(world: World, at: number, databaseUrl: string): Promise<Proxied> {
  const proxy = await startProxy(databaseUrl);
  const [home] = world.homes.slice(at);
  const env = { DATABASE_URL: proxy.url(databaseUrl) };

  const daemon = await world.start({ ...(home && { home }), env });

  return { proxy, daemon, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

/**
 * Freezes the daemon that has asked the model about a task, for three leases and until another has asked as well. When it
 * wakes, it finds its answer, while the other still waits for its own: only the attempt tells whose step it is. Answers
 * with the steps that are on record once the database has heard the stale one.
 */
async function changedByFrozen(
  world: World,
  daemons: Proxied[],
  title: string,
): Promise<unknown[]> {
  const asked: Meeting[] = [];
  world.model.meet(title, (meeting) => void asked.push(meeting));
  await world.submit({ title, priority: 20 });
  const first = await until(() => asked[0]);
  // Boots are counted from 1.
  const { daemon: frozen, proxy } = daemons[Number(first.boot) - 1] ?? {};
  if (frozen === undefined || proxy === undefined) throw new Error(`no boot ${first.boot}`);

  frozen.kill('SIGSTOP');
  await pause(3 * leaseSeconds * 1_000);
  const second = await until(() => asked[1], { why: () => `another takes ${title} over` });
  world.model.meet(title, ({ reply }) => reply(2));
  // It speaks before it can hear that its work is not its own any more.
  const stale = proxy.lose(callOf('record_steps', firstStep), 'cut');
  const beat = proxy.hold(callOf('beat'));
  first.reply(2);
  frozen.kill('SIGCONT');
  await stale.caught;
  const steps = await world.sql(stepsOf, [title]);
  beat.release();
  second.reply(2);

  return steps;
}

/** In a call that records steps: the other runs of the frozen daemon are further, or have ended. */
const firstStep = '"seq":1,';

const stepsOf = `
  select step.run_id, step.attempt, step.seq
  from tasks as task
  join agent_runs as run on run.task_id = task.id
  join run_steps as step on step.run_id = run.id
  where task.title = $1`;

/** Answers each call after a while, so that at any moment some are under way. */
async function slowly(reply: () => void): Promise<void> {
  await pause(50 + random() * 250);
  reply();
}
