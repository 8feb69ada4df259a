// What a daemon costs that has nothing to do.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { withClient } from '../../src/postgres/connection.ts';
import type { Figure } from './main.ts';
import { processorSeconds, residentMegabytes } from './measure.ts';

const main = fileURLToPath(new URL('../../bin/main.mjs', import.meta.url));
// As bin/nightshift.mjs starts it where the system's Node is too old.
const flags = ['--max-semi-space-size=2'];
const settleMs = 15_000;

export async function idle({ seconds }: { seconds: number }): Promise<Figure[]> {
  const home = await mkdtemp(join(tmpdir(), 'nightshift-idle-'));
  const daemon = spawn(process.execPath, [...flags, main, 'start', '--no-sample', '--home', home], {
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], LANG: 'C.UTF-8', MALLOC_ARENA_MAX: '1' },
  });
  const ended = new Promise((resolve) => daemon.once('exit', resolve));

  try {
    return await measure(daemon.pid ?? 0, home, seconds);
  } finally {
    daemon.kill('SIGTERM');
    await ended;
    await rm(home, { recursive: true, force: true });
  }
}

async function measure(pid: number, home: string, seconds: number): Promise<Figure[]> {
  const postgres = await serving(home);
  // Start-up is over, and the first poll with it.
  await pause(settleMs);
  const [own, theirs, before] = await reading(pid, postgres);
  await pause(seconds * 1_000);
  const [ownAfter, theirsAfter, after] = await reading(pid, postgres);

  return [
    { name: 'Node', value: share(own, ownAfter, seconds), unit: '% of one processor' },
    { name: 'PostgreSQL', value: share(theirs, theirsAfter, seconds), unit: '% of one processor' },
    // The reading itself is one transaction.
    { name: 'transactions', value: ((after - before - 1) * 60) / seconds, unit: 'per minute' },
    { name: 'memory', value: await residentMegabytes(pid), unit: 'MB, Node alone' },
  ];
}

type Postgres = { pid: number; transactions(): Promise<number> };

async function reading(
  pid: number,
  postgres: Postgres,
): Promise<[number | null, number | null, number]> {
  return [
    await processorSeconds(pid),
    await processorSeconds(postgres.pid),
    await postgres.transactions(),
  ];
}

function share(before: number | null, after: number | null, seconds: number): number | null {
  return before === null || after === null ? null : ((after - before) / seconds) * 100;
}

type Ready = {
  database: { host: string; port: number; name: string; user: string; password_file: string };
};

async function serving(home: string): Promise<Postgres> {
  for (let tries = 0; tries < 600; tries += 1) {
    const text = await readFile(join(home, 'run', 'daemon.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) return await postgresOf(home, JSON.parse(text));
    await pause(100);
  }

  throw new Error('the daemon did not start within a minute');
}

async function postgresOf(home: string, { database }: Ready): Promise<Postgres> {
  const password = (await readFile(database.password_file, 'utf8')).trim();
  const { host, port, name, user } = database;
  const url = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${name}`;
  const pidFile = await readFile(join(home, 'postgres', 'data', 'postmaster.pid'), 'utf8');

  return {
    pid: Number(pidFile.split('\n')[0]),
    transactions: () =>
      withClient(url, async (client) => {
        const { rows } = await client.query<{ number: string }>(
          `select xact_commit + xact_rollback as number from pg_stat_database where datname = current_database()`,
        );
        return Number(rows[0]?.number ?? 0);
      }),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
