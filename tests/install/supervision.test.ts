// The real daemon under a launchd of the same manners: it comes back after a crash, ends on purpose, and never loops.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { readReadyFile } from '../../src/daemon/ready-file.ts';
import { readRecovery } from '../../src/daemon/recovery-file.ts';
import { createUnit } from '../../src/install/create-unit.ts';
import { runCli } from '../support/cli.ts';
import { freshDatabase } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';
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

test('a wrong configuration keeps it in recovery mode, which says why and ends with the fault', async () => {
  await using db = await freshDatabase();
  await using under = await loaded('NIGHTSHIFT_POLL_MINUTES=often\n');
  const recovery = await until(() => readRecovery(under.home) ?? undefined);

  await writeFile(path.join(under.home, '.env'), `DATABASE_URL=${db.adminUrl}\n`);
  await until(() => readReadyFile(under.home));

  expect(recovery).toMatchObject({ pid: under.job.pid(), code: 'config_invalid', failures: 1 });
  expect(under.job.exits).toEqual([]);
  const said = await readFile(path.join(under.home, 'logs', 'nightshift.log'), 'utf8');
  expect(said).toContain('NIGHTSHIFT_POLL_MINUTES = often (.env)');
  expect(readRecovery(under.home)).toBeNull();
});

test('a home that is no folder ends it once and for all, and says why', async () => {
  await using folder = await freshFolder();
  const file = path.join(folder.path, 'file');
  await writeFile(file, '');

  const ended = await runCli(['start', '--supervised', '--home', file]);

  expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('is no folder') });
  expect(ended.stderr).toContain('Not started again by itself');
});

test('an end in failure is followed by another start', async () => {
  await using db = await freshDatabase();
  await using under = await loaded(
    `DATABASE_URL=${new URL('/absent', db.adminUrl).href.replace(/:\d+\//, ':1/')}\n`,
  );

  await until(() => under.job.exits.length > 1);

  expect(under.job.exits.slice(0, 2)).toEqual([1, 1]);
});
