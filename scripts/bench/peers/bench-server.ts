// One PostgreSQL for all, with the product's own settings, and an empty database for each measurement.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { withClient, withDatabase } from '../../../src/postgres/connection.ts';
import { startPostgres } from '../../../src/postgres/server.ts';
import { quiet } from '../bed.ts';
import type { Address } from './contract.ts';

export type BenchServer = AsyncDisposable & {
  pid(): number;
  /** Makes a database, lends it, and drops it. */
  withEmptyDatabase<Result>(use: (address: Address) => Promise<Result>): Promise<Result>;
};

export async function startBenchServer(): Promise<BenchServer> {
  const home = await mkdtemp(join(tmpdir(), 'nightshift-peers-'));
  const server = await startPostgres({ home, log: quiet });
  const admin = (text: string) => withClient(server.adminUrl, (client) => client.query(text));
  let number = 0;
  // Also when the measuring is broken off: nothing is left behind but a folder for temporary files.
  const endServer = (): void => void process.kill(server.pid(), 'SIGQUIT');
  process.once('exit', endServer);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

  return {
    pid: server.pid,

    async withEmptyDatabase(use) {
      number += 1;
      const name = `bench_${number}`;
      await admin(`create database ${name}`);

      try {
        return await use({
          adminUrl: withDatabase(server.adminUrl, name),
          workUrl: withDatabase(server.workerUrl, name),
        });
      } finally {
        await admin(`drop database if exists ${name} with (force)`);
      }
    },

    async [Symbol.asyncDispose]() {
      process.off('exit', endServer);
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
