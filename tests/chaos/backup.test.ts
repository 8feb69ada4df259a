// Backups under load, on files that were damaged, and restores that are killed: a home is whole or says that it is not.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { expect, test } from 'vitest';

import { isAppError } from '../../src/core/errors.ts';
import type { Manifest } from '../../src/postgres/backup/manifest.ts';
import { checkBackup } from '../../src/postgres/backup/reader.ts';
import { withClient } from '../../src/postgres/connection.ts';
import { chats, refreshToken } from '../e2e/outside.ts';
import { backUpTo, calm, freshPlace } from '../postgres/backups.ts';
import { type Home, temporaryHome } from '../support/daemon.ts';
import { folderType } from '../support/drive/store.ts';
import { completed, deliverAll, freshQueue } from '../support/queue.ts';
import { type Spawned, spawnNode } from '../support/spawned.ts';
import { until } from '../support/until.ts';
import { finalFaultsIn } from './support/invariants.ts';
import { randomOf, scaled, seed } from './support/scale.ts';
import { embeddedUrl, openWorld, type World } from './support/world.ts';

const random = randomOf(seed);
const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

test(`a backup under load goes on elsewhere, and tells nobody anything twice (seed ${seed})`, async () => {
  await using world = await openWorld({
    homes: 2,
    behave: ({ reply }) => void slowly(() => reply(2)),
  });
  const { home, second } = homesOf(world);
  const file = path.join(path.dirname(home.path), 'night.tar.gz');
  const daemon = await world.start();
  await workOnHeld(world);
  const briefs = keepBusy(world, scaled(6, 12));
  await until(() => world.telegram.messages.length >= scaled(4, 200), { boundMs: 600_000 });

  const before = [...world.accepted.keys()];
  expect(await home.run('backup', file)).toMatchObject({ code: 0 });
  await daemon.murder();
  await briefs.stop();
  const toldThere = told(world, 0);
  expect(await second.run('restore', file)).toMatchObject({ code: 0 });
  const since = world.telegram.messages.length;
  const successor = await world.start({ home: second });
  const sql = sqlOn(await embeddedUrl(second.path));
  await until(async () => (await sql(open)).length === 0, { boundMs: 600_000 });

  const tasks = await sql('select id, title from tasks');
  expect(before.filter((id) => !tasks.some((task) => task['id'] === id))).toEqual([]);
  expect(await finalFaultsIn(sql)).toEqual([]);
  const [news, old] = [await sql(titlesOf('is null')), await sql(titlesOf('is not null'))];
  expect(told(world, since)).toEqual(twice(news));
  expect(news).toContainEqual({ title: held });
  expect(
    world.model.calls().filter(({ title, step }) => title === held && step === 1),
  ).toHaveLength(1);
  expect(old.length).toBeGreaterThan(0);
  expect(
    Math.max(
      ...Map.groupBy(toldThere, (title) => title)
        .values()
        .map((same) => same.length),
    ),
  ).toBe(chats.length);
  expect(doubleFolders(world)).toEqual([]);
  expect(await secretsIn(file, [world.telegram.token, refreshToken, home, second])).toEqual([]);
  expect(await successor.stop()).toBe(0);
}, 7_200_000);

test(`a file that was cut off or changed anywhere is refused (seed ${seed})`, async () => {
  await using queue = await freshQueue();
  await using place = await freshPlace();
  await fill(queue, 5);
  await backUpTo(queue.db, place.file);
  const whole = await readFile(place.file);
  const wrong: string[] = [];

  for (let round = 0; round < scaled(80, 5_000); round += 1) {
    const at = Math.floor(random() * whole.length);
    const bytes = round % 2 === 0 ? whole.subarray(0, at) : flipped(whole, at);
    await writeFile(place.file, bytes);
    const answer = await checkBackup({ file: place.file, signal: calm }).then(
      // Bits that the compression does not need change nothing: all that counts is there.
      () => (gunzipSync(bytes).equals(gunzipSync(whole)) ? 'as it was' : 'taken'),
      (error: unknown) => (isAppError(error) ? error.code : String(error)),
    );
    if (!['backup_invalid', 'as it was'].includes(answer))
      wrong.push(`${round} at ${at}: ${answer}`);
  }

  expect(wrong).toEqual([]);
  await writeFile(place.file, whole.subarray(0, -1));
  await using home = await temporaryHome();
  const refused = await home.run('restore', place.file);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('not whole')]);
  expect(existsSync(home.path)).toBe(false);
}, 600_000);

test(`a restore that is killed at any moment says so and can be repeated (seed ${seed})`, async () => {
  await using queue = await freshQueue();
  await using place = await freshPlace();
  await fill(queue, 40);
  const { manifest } = await backUpTo(queue.db, place.file);
  const ends: unknown[] = [];
  const marks: boolean[] = [];

  for (let round = 0; round < scaled(1, 60); round += 1) {
    await using home = await temporaryHome();
    await using restoring = restoreOn(home, place.file);
    const point = points[round % points.length] ?? '';
    await until(() => restoring.stderr().includes(point) || restoring.hasEnded());
    await pause(random() * 60);
    restoring.kill('SIGKILL');
    ends.push(await restoring.ended);

    const isMarked = existsSync(path.join(home.path, 'restore.json'));
    if (isMarked) await refusesToStart(home);
    marks.push(isMarked);
    const again = await home.run('restore', place.file);
    const isThere = again.stderr.includes('public.tasks has rows');
    expect([again.code, isThere], again.stderr).toEqual(isThere ? [1, true] : [0, false]);
    expect(await rowsIn(home)).toEqual(rowsOf(manifest));
  }

  expect([ends.includes('SIGKILL'), marks.includes(true)]).toEqual([true, true]);
}, 7_200_000);

/** What a restore says as it gets there. */
const points = [
  'public.deliverable_contents',
  'Writing folders',
  'Checking',
  'public.agents',
  'public.poll_runs',
  'opened a folder for PostgreSQL',
];

const open = `select from tasks where completed_at is null`;

// The notification of a task is news where it was made only after the restore.
const titlesOf = (isBefore: string): string => `
  select title from tasks as task
  where (
    select max(delivery.id) from deliveries as delivery
    where delivery.task_id = task.id and delivery.stage = 1 and delivery.sink = 'telegram'
      and delivery.created_at < (select restored_at from nightshift.restores)
  ) ${isBefore}`;

const held = 'At work when it was backed up';

/** Hands in a brief whose second step the first boot waits for in vain; every other boot gets its answer. */
async function workOnHeld(world: World): Promise<void> {
  world.model.meet(held, ({ boot, step, reply }) => {
    if (boot !== '1' || step === 1) reply(2);
  });
  await world.submit({ title: held });
  await until(() => world.model.calls().some(({ title, step }) => title === held && step === 2));
}

/** Hands in briefs as long as fewer than so many are unfinished: a backlog would starve the news. */
function keepBusy(world: World, most: number): { stop(): Promise<void> } {
  let isOver = false;
  const submitting = (async () => {
    while (!isOver) {
      if ((await world.sql(open)).length < most) await world.submit();
      else await pause(20);
    }
  })();
  // It ends with the database, which is killed under it.
  submitting.catch(() => undefined);

  return {
    async stop() {
      isOver = true;
      await submitting.catch(() => undefined);
    },
  };
}

function homesOf({ homes }: World): { home: Home; second: Home } {
  const [home, second] = homes;
  if (home === undefined || second === undefined) throw new Error('two homes are needed');

  return { home, second };
}

/** Answers each call after a while, so that at any moment some are under way. */
async function slowly(reply: () => void): Promise<void> {
  await pause(20 + random() * 300);
  reply();
}

/** Titles of the tasks that messages were about, one for each message from that one on. */
function told({ telegram, accepted }: World, since: number): string[] {
  const titles = [...accepted.values()];

  return telegram.messages
    .slice(since)
    .flatMap(({ text = '' }) => titles.filter((title) => text.includes(title)))
    .toSorted();
}

function twice(rows: Record<string, unknown>[]): string[] {
  return rows.flatMap((row) => chats.map(() => String(row['title']))).toSorted();
}

/** Folders of one name at one place on Drive. */
function doubleFolders({ drive }: World): string[] {
  const folders = [...drive.store.files.values()]
    .filter((file) => file.mimeType === folderType && !drive.store.isTrashed(file))
    .map((file) => drive.store.pathOf(file));

  return folders.filter((folder, at) => folders.indexOf(folder) !== at);
}

async function secretsIn(file: string, secrets: (string | Home)[]): Promise<string[]> {
  const content = gunzipSync(await readFile(file));
  const values = await Promise.all(
    secrets.map(async (secret) =>
      typeof secret === 'string'
        ? secret
        : await readFile(path.join(secret.path, 'postgres', 'owner.password'), 'utf8'),
    ),
  );

  return values.filter((value) => content.includes(value.trim()));
}

function sqlOn(url: string) {
  return async (text: string): Promise<Record<string, unknown>[]> => {
    const { rows } = await withClient(url, (client) => client.query<Record<string, unknown>>(text));
    return rows;
  };
}

function flipped(whole: Buffer, at: number): Buffer {
  const bytes = Buffer.from(whole);
  bytes.writeUInt8(whole.readUInt8(at) ^ (1 << Math.floor(random() * 8)), at);

  return bytes;
}

/** Tasks that ended, were published and told. */
async function fill(queue: Awaited<ReturnType<typeof freshQueue>>, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1)
    await queue.submit({ title: `Task ${at}`, agents: ['echo'] });
  const worker = await queue.worker();
  await worker.settle(...(await worker.claim()).map(completed));
  await deliverAll(queue, worker);
}

function restoreOn(home: Home, file: string): Spawned {
  const folder = path.dirname(home.path);
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, NIGHTSHIFT_HOME: home.path };

  return spawnNode([main, 'restore', file], { env, cwd: folder });
}

async function refusesToStart(home: Home): Promise<void> {
  const { code, stderr } = await home.run('start', '--no-sample');

  expect([code, stderr]).toEqual([1, expect.stringContaining('has not ended')]);
}

/** What a home holds, as a backup of it says while no daemon runs there. */
async function rowsIn(home: Home): Promise<Record<string, number>> {
  const file = `${home.path}.tar.gz`;
  const { code, stderr } = await home.run('backup', file);
  expect([code, stderr]).toEqual([0, expect.any(String)]);

  return rowsOf(await checkBackup({ file, signal: calm }));
}

function rowsOf({ tables }: Manifest): Record<string, number> {
  const kept = tables.filter(({ name }) => name !== 'nightshift.restores');

  return Object.fromEntries(kept.map(({ name, rows }) => [name, rows]));
}
