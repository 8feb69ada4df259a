// The network between a daemon and its database: away, slow, forgetful, or losing the replies of calls that were done.
import { setTimeout as pause } from 'node:timers/promises';

import { expect, test } from 'vitest';

import type { Daemon, Variables } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { callOf, statementWith } from '../support/pg-messages.ts';
import { startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { faultsOf } from './support/judge.ts';
import { isLong, randomOf, scaled, seed } from './support/scale.ts';
import { openWorld, type World, type WorldOptions } from './support/world.ts';

const leaseSeconds = 2;
const random = randomOf(seed);

test.concurrent('a daemon whose network was away for longer than its lease finds its work done by another, and works on', async () => {
  await using bed = await openBed({ homes: 2, behave: ({ reply }) => void slowly(() => reply(2)) });
  const { world, proxy } = bed;
  const [, secondHome] = world.homes;
  const cutOff = await world.start();
  const other = await world.start({
    ...(secondHome && { home: secondHome }),
    env: { DATABASE_URL: bed.databaseUrl },
  });
  const briefs = world.submitEvery(100);

  for (let round = 0; round < scaled(1, 6); round += 1) {
    await holds(world, cutOff);
    proxy.freeze();
    await pause(scaled(1.5, 5 + random() * 15) * leaseSeconds * 1_000);
    proxy.restore();
    const returned = performance.now();
    await isBack(world, cutOff);
    tell('back after an absence', returned);
  }
  await briefs.stop();
  await world.allEnded();

  expect(await faultsOf(world, { interruptions: scaled(1, 6), hasStale: true })).toEqual([]);
  expect(await Promise.all([cutOff.stop(), other.stop()])).toEqual([0, 0]);
}, 1_200_000);

test.concurrent('connections that nobody answers any more are given up: a brief wakes the daemon over new ones', async () => {
  await using bed = await openBed({ variables: { NIGHTSHIFT_QUEUE_LEASE_SECONDS: '45' } });
  const { world, proxy } = bed;
  const daemon = await world.start();

  for (let round = 0; round < scaled(1, 10); round += 1) {
    await world.submit();
    await world.allEnded();
    // No poll is near: only a session that listens can hear of the next brief.
    proxy.forget();
    const forgotten = performance.now();
    await world.submit();
    await world.allEnded();
    tell('back after the server forgot its connections', forgotten);
  }

  expect(await faultsOf(world, { interruptions: scaled(1, 10) })).toEqual([]);
  expect(await daemon.stop()).toBe(0);
}, 1_200_000);

const calls = [
  callOf('take_turn'),
  callOf('record_steps'),
  callOf('take_turn', '"type":"complete"'),
  callOf('take_turn', '"type":"delivered"'),
  callOf('read_delivery_result'),
  callOf('record_delivery'),
  callOf('beat'),
  callOf('sweep'),
];

test.concurrent('a reply that is lost after the database has done the call changes nothing, whichever call it was', async () => {
  await using bed = await openBed({ variables: { NIGHTSHIFT_QUEUE_LEASE_SECONDS: '6' } });
  const { world, proxy } = bed;
  const starting = [
    ...['register_agents', 'register_worker', 'record_poll'].map((name) => callOf(name)),
    statementWith('hold_session'),
  ].map((match) => proxy.lose(match, 'cut'));
  const daemon = await world.start();
  await Promise.all(starting.map(({ caught }) => caught));

  for (const how of scaled(['cut'] as const, ['cut', 'hang', 'cut', 'hang'] as const)) {
    for (const match of calls) {
      const { caught } = proxy.lose(match, how);
      await world.submit();
      await caught;
      await world.allEnded();
    }
  }
  const goodbye = proxy.lose(callOf('retire_worker'), 'cut');
  const end = daemon.stop();
  // A sweep that still waits for its answer may leave no time for a goodbye.
  await Promise.race([goodbye.caught, end]);

  expect(await end).toBe(0);
  // A message is sent once more only where its own answer is lost, and none was.
  expect(await faultsOf(world, { interruptions: 0 })).toEqual([]);
}, 1_200_000);

test.concurrent('briefs that are handed in again after a lost reply are one task', async () => {
  await using bed = await openBed();
  const { world, proxy } = bed;
  const args = ['Once', 'Announce it.', '--agents', 'echo', '--idempotency-key', 'once', '--json'];
  const lost = proxy.lose(callOf('submit_task'), 'cut');
  const daemon = await world.start();

  const first = await world.home.run('submit', ...args);
  await lost.caught;
  const second = await world.home.run('submit', ...args);

  expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining('"repeated": true') });
  // Whether it tries again by itself or says so: it never claims what it does not know.
  if (first.code === 0) expect(JSON.parse(first.stdout)).toMatchObject({ id: idOf(second.stdout) });
  world.accepted.set(idOf(second.stdout), 'Once');
  await world.allEnded();
  expect(await faultsOf(world, { interruptions: 0 })).toEqual([]);
  expect(await daemon.stop()).toBe(0);
}, 120_000);

test.concurrent('a slow network slows the work down, and costs no attempt', async () => {
  await using bed = await openBed();
  const { world, proxy } = bed;
  const daemon = await world.start();
  proxy.slow(scaled(10, 100));

  await Promise.all(Array.from({ length: scaled(3, 50) }, () => world.submit()));
  await world.allEnded(scaled(120_000, 1_200_000));
  proxy.slow(0);

  expect(await world.sql('select distinct attempt from agent_runs')).toEqual([{ attempt: 1 }]);
  expect(await faultsOf(world, { interruptions: 0 })).toEqual([]);
  expect(await daemon.stop()).toBe(0);
}, 1_500_000);

/** A world whose daemons reach their database over a proxy, while the test itself goes straight to it. */
async function openBed({ variables, ...options }: WorldOptions = {}) {
  await using stack = new AsyncDisposableStack();
  const db = stack.use(await freshDatabase());
  const proxy = stack.use(await startProxy(db.adminUrl));
  const settings: Variables = {
    NIGHTSHIFT_QUEUE_LEASE_SECONDS: String(leaseSeconds),
    NIGHTSHIFT_QUEUE_SWEEP_SECONDS: '0.5',
    NIGHTSHIFT_POLL_MINUTES: '60',
    DATABASE_URL: proxy.url(db.adminUrl),
    ...variables,
  };
  const world = stack.use(
    await openWorld({ ...options, databaseUrl: db.adminUrl, variables: settings }),
  );
  const opened = stack.move();

  return {
    world,
    proxy,
    databaseUrl: db.adminUrl,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A daemon is at work on something. */
async function holds({ sql }: World, daemon: Daemon): Promise<void> {
  const held = `select from agent_runs where status = 'running' and worker_id = $1`;
  await until(async () => (await sql(held, [daemon.ready.worker_id])).length > 0);
}

/** The database has heard of a daemon since now. */
async function isBack({ sql }: World, daemon: Daemon): Promise<void> {
  const [since] = await sql('select nightshift.queue_now()::text as at');
  const heard = `
    select from workers where id = $1 and retired_at is null and beat_at > $2::timestamptz`;
  const look = async () => (await sql(heard, [daemon.ready.worker_id, since?.['at']])).length > 0;

  await until(look, { boundMs: 120_000, why: () => `it comes back: ${daemon.stderr()}` });
}

function tell(what: string, since: number): void {
  if (!isLong) return;
  const seconds = ((performance.now() - since) / 1_000).toFixed(1);
  process.stderr.write(`${what}: ${seconds} s\n`);
}

function idOf(stdout: string): string {
  return String(Object.entries(JSON.parse(stdout)).find(([name]) => name === 'id')?.[1]);
}

async function slowly(reply: () => void): Promise<void> {
  await pause(20 + random() * 150);
  reply();
}
