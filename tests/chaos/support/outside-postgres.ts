// A PostgreSQL of somebody else's for one test: whoever runs it starts it again whenever it dies, on the same port.
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';

import { type PostgresServer, startPostgres } from '../../../src/postgres/server.ts';
import { scratchFolder, silentLog } from '../../support/cluster.ts';
import { tellReaper } from '../../support/spawned.ts';

// What is committed outlives a killed server; only a dead machine would lose it.
const settings = { fsync: 'off', full_page_writes: 'off' };

export type OutsidePostgres = AsyncDisposable & Pick<PostgresServer, 'adminUrl' | 'pid'>;

export async function startOutsidePostgres(): Promise<OutsidePostgres> {
  const folder = await mkdtemp(path.join(await scratchFolder(), 'nightshift-outside-'));
  const home = path.join(folder, 'home');
  tellReaper('made', home);
  const server = await startPostgres({ home, log: silentLog, settings });

  return {
    adminUrl: server.adminUrl,
    pid: server.pid,
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      tellReaper('removed', home);
    },
  };
}
