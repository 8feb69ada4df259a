// kill -9 at named points, one daemon after the other on one home: the next one finds what is there and ends the work once.
import { afterAll, beforeAll, expect, test } from 'vitest';

import { SubmittedTask } from '../../src/core/queue.ts';
import { readMigrations } from '../../src/postgres/migrations.ts';
import { createQueue } from '../../src/queue/client.ts';
import { createPgTransport } from '../../src/queue/pg-transport.ts';
import { chats, isMaking } from '../e2e/outside.ts';
import type { TestDatabase } from '../support/cluster.ts';
import { type Daemon, temporaryHome } from '../support/daemon.ts';
import { emptyDatabase, freshDatabase } from '../support/database.ts';
import { folderType } from '../support/drive/store.ts';
import { writeEvents } from '../support/model-server.ts';
import { callOf } from '../support/pg-messages.ts';
import { type Catch, type Proxy, startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { faultsOf } from './support/judge.ts';
import { scaled } from './support/scale.ts';
import { openWorld, type World } from './support/world.ts';

type Bed = { world: World; db: TestDatabase; proxy: Proxy; daemon: Daemon; kills: number };
/** Resolves when the daemon is at the point, with what lets all things go their way again once it is dead. */
type Point = (bed: Bed, title: string) => Promise<() => void>;
type Match = Parameters<Proxy['hold']>[0];

const stack = new AsyncDisposableStack();
let bed: Bed;

beforeAll(async () => {
  const db = stack.use(await freshDatabase());
  const proxy = stack.use(await startProxy(db.adminUrl));
  const variables = {
    DATABASE_URL: proxy.url(db.adminUrl),
    NIGHTSHIFT_QUEUE_SWEEP_SECONDS: '0.5',
    NIGHTSHIFT_TIMEOUTS_STOP_GRACE_SECONDS: '0.2',
  };
  const world = stack.use(await openWorld({ databaseUrl: db.adminUrl, variables }));
  bed = { world, db, proxy, daemon: await world.start(), kills: 0 };
});

afterAll(() => stack.disposeAsync());

const points: [string, Point][] = [
  ['after the claim, before its answer', lost(callOf('take_turn'))],
  ['in the middle of the reply of the model', amidReply],
  ['after the reply, before the step', held(callOf('record_steps'))],
  ['after the last step, before the outcome', held(callOf('take_turn', '"type":"complete"'))],
  ['after the outcome, before its answer', lost(callOf('take_turn', '"type":"complete"'))],
  ['after the files, before their row is settled', held(callOf('take_turn', '"bytes"'))],
  ['after the folder on Drive, before its id is recorded', held(callOf('take_turn', '"folderId"'))],
  ['after the message, before its id is recorded', held(callOf('record_delivery'))],
  ['in the middle of a sweep', amidSweep],
  ['in the middle of a stop', amidStop((proxy, match) => proxy.hold(match))],
];
/** For the long form; tests/e2e/outside-kill.test.ts has those about Drive and Telegram in the quick one. */
const morePoints: typeof points = [
  ...points,
  ['after the step, before its answer', lost(callOf('record_steps'))],
  ['after the folder on Drive, before the answer', afterFolder],
  ['after the message, before the answer', afterMessage],
  ['after the goodbye, before its answer', amidStop((proxy, match) => proxy.lose(match, 'hang'))],
];

test.each(scaled(points, Array.from({ length: 10 }, () => morePoints).flat()))(
  'killed %s, a daemon loses nothing, and nothing is done twice',
  async (name, point) => {
    const { world, daemon } = bed;
    const title = `Killed ${name} ${bed.kills}`;

    await hasPolled(bed);
    const calm = await point(bed, title);
    await daemon.murder();
    bed.kills += 1;
    calm();
    bed.daemon = await world.start();
    await world.allEnded();

    expect(await faultsOf(world, { interruptions: bed.kills })).toEqual([]);
  },
  120_000,
);

test('killed while it registers, a daemon is no hindrance to the next', async () => {
  const { world, proxy } = bed;
  expect(await bed.daemon.stop()).toBe(0);

  for (const name of scaled(['register_worker'], ['register_agents', 'register_worker'])) {
    for (const snare of [proxy.hold(callOf(name)), proxy.lose(callOf(name), 'hang')]) {
      const daemon = world.launch();
      await snare.caught;
      daemon.kill('SIGKILL');
      await daemon.ended;
      snare.release();
    }
  }
  bed.daemon = await world.start();
  await world.submit();
  await world.allEnded();

  expect(await faultsOf(world, { interruptions: bed.kills + 4 })).toEqual([]);
  expect(await bed.daemon.stop()).toBe(0);
}, 120_000);

test('killed in the middle of the migrations, a daemon leaves them to the next, each applied once', async () => {
  await using db = await emptyDatabase();
  await using proxy = await startProxy(db.adminUrl);
  await using home = await temporaryHome({ DATABASE_URL: proxy.url(db.adminUrl) });
  const files = await readMigrations();

  const moments = scaled([files[8]], [files[1], files[8], files.at(-1)]);

  for (const { version } of moments.flatMap((file) => file ?? [])) {
    const snare = proxy.hold(({ type, body }) => type === 'B' && body.includes(version));
    const daemon = home.launch();
    await snare.caught;
    daemon.kill('SIGKILL');
    await daemon.ended;
    snare.release();
  }
  const daemon = await home.start();

  const applied = await db.sql(
    'select version from supabase_migrations.schema_migrations order by 1',
  );
  expect(applied.map(({ version }) => version)).toEqual(files.map(({ version }) => version));
  expect(await daemon.stop()).toBe(0);
});

/** A look of its own at the start is over: what the daemon asks from now on, it asks for a reason. */
async function hasPolled({ db, daemon }: Bed): Promise<void> {
  const polled = 'select from poll_runs where worker_id = $1';

  await until(async () => (await db.sql(polled, [daemon.ready.worker_id])).length > 0, {
    why: () => daemon.stderr(),
  });
}

/** Before the database hears of it. */
function held(match: Match): Point {
  return async ({ world, proxy }, title) => {
    const { caught, release } = proxy.hold(match);
    await world.submit({ title });
    await caught;
    return release;
  };
}

/** After the database has done it. */
function lost(match: Match): Point {
  return async ({ world, proxy }, title) => {
    const { caught, release } = proxy.lose(match, 'hang');
    await world.submit({ title });
    await caught;
    return release;
  };
}

async function amidReply({ world }: Bed, title: string): Promise<() => void> {
  const begun = Promise.withResolvers<void>();
  const half = { choices: [{ index: 0, delta: { role: 'assistant', content: '{"schema_ver' } }] };
  world.model.meet(title, ({ response }) => {
    writeEvents(response, [half]);
    begun.resolve();
  });
  await world.submit({ title });
  await begun.promise;

  return () => world.model.meet(title, ({ reply }) => reply(1));
}

async function afterFolder({ world }: Bed, title: string): Promise<() => void> {
  const { drive } = world;
  const made = Promise.withResolvers<void>();
  let isMade = false;
  drive.misbehave = (entry) => {
    if (isMade) return { type: 'hang' };
    if (!isMaking(entry) || entry.mimeType !== folderType) return undefined;
    isMade = true;
    made.resolve();
    return { type: 'lost_reply' };
  };
  await world.submit({ title });
  await made.promise;

  return () => (drive.misbehave = () => undefined);
}

async function afterMessage({ world, daemon }: Bed, title: string): Promise<() => void> {
  const { telegram } = world;
  const before = telegram.messages.length;
  const answer = Promise.withResolvers<void>();
  // One for each of the deliveries that may be under way.
  for (const _ of chats) telegram.fail('sendMessage', { type: 'held', until: answer.promise });
  await world.submit({ title });
  await until(() => telegram.messages.length === before + chats.length, { why: daemon.stderr });

  return answer.resolve;
}

/** A worker that is dead holds a run; the sweep that takes it from there waits for the row that the test has locked. */
async function amidSweep({ world, db, daemon }: Bed, title: string): Promise<() => void> {
  const client = await db.admin.connect();
  const queue = createQueue(createPgTransport(db.admin));
  const ghost = crypto.randomUUID();
  await queue.registerWorker({ ...ghostly, workerId: ghost });
  // In one transaction: nobody else sees the run before it is the ghost's.
  const submission = { title, description: 'Announce it.', agents: ['echo'], maxRetries: 20 };
  await client.query('begin');
  const { rows } = await client.query('select submit_task($1) as task', [submission]);
  await client.query('select claim_runs($1, gen_random_uuid(), 1)', [ghost]);
  await client.query('commit');
  const { id } = SubmittedTask.parse(rows[0].task);
  world.accepted.set(id, title);

  await client.query('begin');
  await client.query('select from tasks where id = $1 for update', [id]);
  await db.sql(`update workers set beat_at = beat_at - interval '1 hour' where id = $1`, [ghost]);
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%sweep%'`;
  await until(async () => (await db.sql(waiting)).length > 0, { why: daemon.stderr });

  return () => void client.query('rollback').finally(() => client.release());
}

const ghostly = {
  name: 'ghost',
  version: '0.0.0',
  leaseSeconds: 45,
  sinks: [],
  retry: { baseMs: 10, capMs: 100 },
};

/** Told to stop while its run is under way, it is killed before or after it has said goodbye. */
function amidStop(snareOf: (proxy: Proxy, match: Match) => Catch): Point {
  return async ({ world, proxy, daemon }, title) => {
    const called = Promise.withResolvers<void>();
    world.model.meet(title, () => called.resolve());
    const { caught, release } = snareOf(proxy, callOf('retire_worker'));
    await world.submit({ title });
    await called.promise;
    daemon.kill('SIGTERM');
    await caught;

    return () => {
      world.model.meet(title, ({ reply }) => reply(1));
      release();
    };
  };
}
