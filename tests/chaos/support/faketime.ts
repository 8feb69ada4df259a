// Programs whose wall clock the test sets while they run, with libfaketime; what counts from their start stays true.
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { findBinaries } from '../../../src/postgres/binaries.ts';
import { ownerName, prepareCluster, savedPassword } from '../../../src/postgres/cluster.ts';
import { urlOf } from '../../../src/postgres/connection.ts';
import { stopPostmaster } from '../../../src/postgres/postmaster.ts';
import { host, launch } from '../../../src/postgres/startup.ts';
import { systemClock } from '../../../src/daemon/clock.ts';
import { silentLog } from '../../support/cluster.ts';
import type { Variables } from '../../support/daemon.ts';
import { tellReaper } from '../../support/spawned.ts';

export type FakeClock = AsyncDisposable & {
  /** The environment of a program that lives by this clock. */
  variables: Variables;
  /** How far ahead of the true time it is from now on, such as `+3h` or `-1d`. */
  set(offset: string): Promise<void>;
};

/** The library, where it is installed (Debian: libfaketime). */
export async function findFaketime(): Promise<string | undefined> {
  const base = '/usr/lib';
  const folders = await readdir(base).catch(() => []);
  const places = ['.', ...folders].map((name) => path.join(base, name, 'faketime'));
  const found = await Promise.all(
    places.map(async (place) => {
      const names: string[] = await readdir(place).catch(() => []);
      return names.includes('libfaketimeMT.so.1') ? [path.join(place, 'libfaketimeMT.so.1')] : [];
    }),
  );

  return found.flat()[0];
}

export async function createFakeClock(library: string): Promise<FakeClock> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightshift-clock-'));
  const file = path.join(folder, 'offset');
  // Programs of other accounts look at it too.
  await chmod(folder, 0o755);
  await writeFile(file, '+0');

  return {
    variables: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    },
    set: (offset) => writeFile(file, offset),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export type FakedPostgres = AsyncDisposable & { adminUrl: string; pid: number };

/** A PostgreSQL that lives by a fake clock, and that nobody starts again. */
export async function startFakedPostgres({ variables }: FakeClock): Promise<FakedPostgres> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightshift-faked-'));
  await chmod(folder, 0o755);
  const home = path.join(folder, 'home');
  tellReaper('made', home);
  const binaries = await findBinaries();
  const cluster = await prepareCluster(home, binaries, {
    log: silentLog,
    settings: { fsync: 'off', full_page_writes: 'off' },
  });
  const password = await savedPassword(cluster.ownerPasswordFile);
  // Its environment is made by the product, so that ours goes in between.
  const program = path.join(folder, 'postgres');
  const assignments = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
  await writeFile(
    program,
    `#!/bin/sh\n${assignments.join(' ')} exec '${binaries.postgres}' "$@"\n`,
  );
  await chmod(program, 0o755);

  const { pid, port } = await launch({
    cluster,
    binaries: { ...binaries, postgres: program },
    ownerPassword: password,
    log: silentLog,
    delay: systemClock.delay,
    signal: undefined,
  });

  return {
    pid,
    adminUrl: urlOf({ host, port, user: ownerName, password, database: 'postgres' }),
    async [Symbol.asyncDispose]() {
      await stopPostmaster(pid, systemClock.delay, 'SIGQUIT');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      tellReaper('removed', home);
    },
  };
}
