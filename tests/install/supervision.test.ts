// The real daemon under a launchd of the same manners: it comes back after a crash, ends on purpose, and never loops.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { readReadyFile } from '../../src/daemon/ready-file.ts';
import { createUnit } from '../../src/install/create-unit.ts';
import { freshDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import { supervise, type Supervised } from './launchd-simulator.ts';
import { fakePrograms, launchctl, type Programs } from './programs.ts';
import { unitOptions } from './units.ts';

type Installed = AsyncDisposable & { home: string; job: Supervised; programs: Programs };

/** What `service install` writes, loaded. `environment` is all that the home's `.env` holds. */
async function loaded(environment: string): Promise<Installed> {
  const programs = await fakePrograms({ launchctl, fdesetup: 'exit 1' });
  await programs.set('domains', 'gui/501\n');
  const home = path.join(programs.folder, 'home');
  await mkdir(home, { mode: 0o700 });
  await writeFile(path.join(home, '.env'), environment, { mode: 0o600 });

  const node = { path: process.execPath, version: process.version, candidates: [] };
  const unit = createUnit('darwin', unitOptions(programs, { home, node }));
  await unit.install();
  const { file } = await unit.status();
  const job = await supervise(file, { home: programs.folder, hurry: 100 });

  return {
    home,
    job,
    programs,
    async [Symbol.asyncDispose]() {
      await job[Symbol.asyncDispose]();
      await programs[Symbol.asyncDispose]();
    },
  };
}

test('comes back after kill -9, and not after it was told to end', async () => {
  await using db = await freshDatabase();
  await using under = await loaded(`DATABASE_URL=${db.adminUrl}\n`);
  const served = async () => {
    const ready = await readReadyFile(under.home);
    return ready?.pid === under.job.pid() && ready;
  };
  const first = await until(served);
  process.kill(first.pid, 'SIGKILL');

  const second = await until(async () => {
    const ready = await served();
    return ready && ready.pid !== first.pid && ready;
  });
  const end = await under.job.bootOut();

  expect(second.worker_id).not.toBe(first.worker_id);
  expect(under.job.exits).toEqual(['SIGKILL', 0]);
  expect(end).toBe(0);
  expect(existsSync(path.join(under.home, 'run', 'daemon.json'))).toBe(false);
  // The password came from `.env`, and stayed there.
  const { password } = new URL(db.adminUrl);
  const written = await readFile(path.join(under.home, 'logs', 'service.log'), 'utf8');
  expect(written).not.toContain(password);
});

test('a wrong configuration ends it once and for all, and says why', async () => {
  await using under = await loaded('NIGHTSHIFT_POLL_MINUTES=often\n');

  await until(() => under.job.isOver());

  expect(under.job.exits).toEqual([0]);
  const said = await readFile(path.join(under.home, 'logs', 'service.log'), 'utf8');
  expect(said).toContain('NIGHTSHIFT_POLL_MINUTES = often (.env)');
  expect(said).toContain('Not started again by itself');
});

test('an end in failure is followed by another start', async () => {
  await using db = await freshDatabase();
  await using under = await loaded(
    `DATABASE_URL=${new URL('/absent', db.adminUrl).href.replace(/:\d+\//, ':1/')}\n`,
  );

  await until(() => under.job.exits.length > 1);

  expect(under.job.exits.slice(0, 2)).toEqual([1, 1]);
});
