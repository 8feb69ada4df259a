// Temporary homes for the tests of this folder, and a server that loses no time on the disk.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { startPostgres, type PostgresServer } from '../../src/postgres/server.ts';
import { scratchFolder, silentLog } from '../support/cluster.ts';

export type Home = AsyncDisposable & { path: string };

export async function temporaryHome(): Promise<Home> {
  const path = await mkdtemp(join(await scratchFolder(), 'nightshift-home-'));

  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export function startOn(home: Home): Promise<PostgresServer> {
  return startPostgres({ home: home.path, log: silentLog, settings: { fsync: 'off' } });
}

/** Asks until the answer is yes; a test that waits in vain fails by its own time limit. */
export async function eventually(question: () => Promise<boolean>): Promise<void> {
  while (!(await question().catch(() => false))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
