// One daemon per home: the lock, and the file that says who has it.
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';

import { readOwner, takeHome } from '../../src/daemon/lock.ts';
import {
  type ReadyFile,
  readReadyFile,
  removeReadyFile,
  writeReadyFile,
} from '../../src/daemon/ready-file.ts';
import { spawnChild } from './children/spawned.ts';

async function freshHome() {
  const path = await mkdtemp(join(tmpdir(), 'nightshift-home-'));

  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

function factsOf(workerId: string): ReadyFile {
  return {
    pid: process.pid,
    worker_id: workerId,
    version: '1.2.3',
    profile: 'embedded',
    started_at: '2026-11-22T22:00:00.000Z',
  };
}

test('the lock of a home is given once, and again after its release', async () => {
  await using home = await freshHome();

  const first = await takeHome(home.path);
  const second = await takeHome(home.path);
  if (first.type === 'held') first.lock.release();
  const third = await takeHome(home.path);

  expect([first.type, second.type, third.type]).toEqual(['held', 'taken', 'held']);
  if (third.type === 'held') third.lock.release();
});

test('the lock survives garbage collection when its holder does not keep it', async () => {
  await using home = await freshHome();
  await takeHome(home.path);

  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  // Finalizers run after the collection, in a turn of their own.
  await new Promise((resolve) => setImmediate(resolve));

  expect(await takeHome(home.path)).toMatchObject({ type: 'taken' });
});

test('a second daemon is refused and told who has the home', async () => {
  await using home = await freshHome();
  const workerId = crypto.randomUUID();
  await using child = spawnChild('hold-home', home.path, workerId);
  await child.prints('held');

  const taken = await takeHome(home.path);

  const owner = { pid: child.pid, worker_id: workerId };
  expect(taken).toMatchObject({ type: 'taken', owner });
  expect(await readOwner(home.path)).toMatchObject(owner);
});

test('after kill -9 the home is free at once, and names the worker to replace', async () => {
  await using home = await freshHome();
  const workerId = crypto.randomUUID();
  await using child = spawnChild('hold-home', home.path, workerId);
  await child.prints('held');

  child.kill('SIGKILL');
  await child.ended;

  expect(await readOwner(home.path)).toBeUndefined();
  const taken = await takeHome(home.path);
  expect(taken).toMatchObject({ type: 'held', lock: { replaces: workerId } });
  if (taken.type === 'held') taken.lock.release();
});

test('the worker to replace is remembered over boots that never served, and forgotten by one that did', async () => {
  await using home = await freshHome();
  const replaced: unknown[] = [];
  const boot = async (): Promise<void> => {
    const taken = await takeHome(home.path);
    if (taken.type !== 'held') throw new Error('the home is taken');
    replaced.push(taken.lock.replaces);
    taken.lock.release();
  };
  await writeReadyFile(home.path, factsOf('11111111-1111-4111-8111-111111111111'));

  await boot();
  await boot();
  await writeReadyFile(home.path, factsOf('22222222-2222-4222-8222-222222222222'));
  removeReadyFile(home.path, '22222222-2222-4222-8222-222222222222');
  await boot();

  const first = '11111111-1111-4111-8111-111111111111';
  expect(replaced).toEqual([first, first, undefined]);
});

test('while another boots, a dead daemon is not named as the owner', async () => {
  await using home = await freshHome();
  await writeReadyFile(home.path, factsOf(crypto.randomUUID()));
  await using child = spawnChild('hold-home', home.path);
  await child.prints('held');

  expect(await takeHome(home.path)).toEqual({ type: 'taken' });
});

test('the ready file is whole, private, and gone after its removal', async () => {
  await using home = await freshHome();
  const facts = { ...factsOf(crypto.randomUUID()), api_url: 'http://127.0.0.1:1' };

  await writeReadyFile(home.path, facts);

  const { mode } = await stat(join(home.path, 'run', 'daemon.json'));
  expect(mode & 0o777).toBe(0o600);
  expect(await readReadyFile(home.path)).toEqual(facts);
  removeReadyFile(home.path, facts.worker_id);
  expect(await readdir(join(home.path, 'run'))).toEqual([]);
});

test("another worker's ready file is left alone, and a broken one is as good as none", async () => {
  await using home = await freshHome();
  const facts = factsOf(crypto.randomUUID());
  await writeReadyFile(home.path, facts);

  removeReadyFile(home.path, crypto.randomUUID());
  expect(await readReadyFile(home.path)).toEqual(facts);

  await writeFile(join(home.path, 'run', 'daemon.json'), '{"pid":');
  expect(await readReadyFile(home.path)).toBeUndefined();
});
