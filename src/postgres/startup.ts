// Gets a postmaster to answer: adopts the one that a killed daemon left behind, or launches one.
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { appError } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import type { Binaries } from './binaries.ts';
import { ownerName, type Cluster } from './cluster.ts';
import { codeOf, urlOf, withClient } from './connection.ts';
import {
  findPostmaster,
  isAlive,
  launchPostmaster,
  stopPostmaster,
  type Delay,
  type Postmaster,
} from './postmaster.ts';

export const host = '127.0.0.1';

export type Startup = {
  cluster: Cluster;
  binaries: Binaries;
  ownerPassword: string;
  log: Log;
  delay: Delay;
  signal: AbortSignal | undefined;
};

const pingTimeoutMs = 3_000;
const pingEveryMs = 40;
const answerWithinMs = 60_000;
const adoptWithinMs = 5_000;
/** Replaying the log after a crash takes as long as it takes; the server says meanwhile that it starts up. */
const recoverWithinMs = 600_000;
const launches = 4;
const relaunchAfterMs = 300;

/** The running postmaster of this cluster if it answers; one that does not is stopped. */
export async function adopt(startup: Startup): Promise<Postmaster | undefined> {
  const { cluster, log, delay } = startup;
  const found = await findPostmaster(cluster.data);
  if (found === undefined) {
    // PostgreSQL refuses to start while any process has the pid in it, however unrelated.
    await rm(join(cluster.data, 'postmaster.pid'), { force: true });
    return undefined;
  }

  const readiness = await waitUntilReady(startup, found, adoptWithinMs);
  if (readiness === 'ready') {
    log.info('adopted the PostgreSQL that an earlier daemon left running', { pid: found.pid });
    return found;
  }
  if (readiness === 'silent') {
    log.warn('stopping a PostgreSQL that does not answer', { pid: found.pid });
    await stopPostmaster(found.pid, delay, 'SIGQUIT');
  }
  return undefined;
}

/** Launches a postmaster and waits until it answers. Without a port it uses the last one, if that is free. */
export async function launch(startup: Startup, fixedPort?: number): Promise<Postmaster> {
  const { cluster, delay, signal } = startup;

  for (let round = 1; round <= launches; round += 1) {
    const port = fixedPort ?? (await choosePort(round === 1 ? cluster.portFile : undefined));
    const postmaster = await launchOnce(startup, port);
    if (postmaster !== undefined) {
      // Only a hint for the next start: a full disk must not make a failure of it.
      await writeFile(cluster.portFile, `${port}\n`, { mode: 0o600 }).catch(() => undefined);
      return postmaster;
    }
    if (round === launches) break;
    // Someone took the port in between, or processes of a killed postmaster have not noticed its death yet.
    await delay(relaunchAfterMs * round, signal);
  }

  throw appError('postgres_failed', {
    detail: `it does not start: ${await lastWords(cluster)}`,
    log: join(cluster.folder, 'log'),
  });
}

async function launchOnce(startup: Startup, port: number): Promise<Postmaster | undefined> {
  const { cluster, binaries, delay } = startup;
  const postmaster = await launchPostmaster({
    ...cluster,
    program: binaries.postgres,
    // These are arguments, since `alter system` cannot open an argument to the outside.
    args: [
      ['-D', cluster.data],
      ['-c', `config_file=${cluster.settingsFile}`],
      ['-c', `listen_addresses=${host}`],
      ['-c', `port=${port}`],
      ['-c', 'unix_socket_directories='],
    ].flat(),
    port,
  });

  try {
    const readiness = await waitUntilReady(startup, postmaster, answerWithinMs);
    if (readiness === 'ready') return postmaster;
    if (readiness === 'silent') await stopPostmaster(postmaster.pid, delay, 'SIGQUIT');
    return undefined;
  } catch (error) {
    await stopPostmaster(postmaster.pid, delay);
    throw error;
  }
}

async function waitUntilReady(
  { ownerPassword, delay, signal }: Startup,
  { pid, port }: Postmaster,
  boundMs: number,
): Promise<'ready' | 'gone' | 'silent'> {
  const url = urlOf({ host, port, user: ownerName, password: ownerPassword, database: 'postgres' });
  const since = performance.now();

  for (;;) {
    signal?.throwIfAborted();
    const answer = await ping(url);
    if (answer === 'ready') return 'ready';
    if (!(await isAlive(pid))) return 'gone';

    const bound = answer === 'starting' ? recoverWithinMs : boundMs;
    if (performance.now() - since > bound) return 'silent';
    await delay(pingEveryMs, signal);
  }
}

async function ping(url: string): Promise<'ready' | 'starting' | 'no'> {
  try {
    await withClient(url, (client) => client.query('select'), pingTimeoutMs);
    return 'ready';
  } catch (cause) {
    if (codeOf(cause) === '57P03') return 'starting';
    if (codeOf(cause) !== '28P01') return 'no';
    throw appError(
      'postgres_failed',
      { detail: 'the password in postgres/owner.password is not the one that the server knows' },
      { cause },
    );
  }
}

async function choosePort(portFile: string | undefined): Promise<number> {
  const saved =
    portFile === undefined ? 0 : Number(await readFile(portFile, 'utf8').catch(() => 0));

  return (await tryPort(saved > 0 ? saved : 0)) ?? (await tryPort(0)) ?? 0;
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen(port, host, () => {
      const address = probe.address();
      const found = typeof address === 'object' && address !== null ? address.port : undefined;
      probe.close(() => resolve(found));
    });
  });
}

async function lastWords(cluster: Cluster): Promise<string> {
  const folder = join(cluster.folder, 'log');
  const names = await readdir(folder).catch(() => []);
  const logs = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return { path, at: (await stat(path)).mtimeMs };
    }),
  );
  const newest = logs.sort((left, right) => right.at - left.at)[0];
  const texts = await Promise.all(
    [newest?.path ?? '', cluster.outputFile].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  const lines = texts.join('\n').split('\n');
  // The line before tells which setting or file it is about, the one behind what to do.
  const fatal = lines.findLastIndex((line) => line.includes('FATAL'));
  const words = lines.slice(Math.max(0, fatal - 1), fatal + 2).map((line) => line.trim());

  return words.filter(Boolean).join(' / ') || 'no reason given';
}
