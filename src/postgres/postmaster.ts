// The postmaster as the system sees it: its pid file, whether it lives, starting and stopping it.
import { execFile, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { appError } from '../core/errors.ts';
import type { Account } from './account.ts';

/** Waits; rejects when aborted. */
export type Delay = (ms: number, signal?: AbortSignal) => Promise<void>;

/** A postmaster that was started or found. `exited` settles only for those we started. */
export type Postmaster = { pid: number; port: number; exited?: Promise<void> };

type Launch = {
  program: string;
  args: string[];
  port: number;
  data: string;
  account: Account | undefined;
  timezone: string;
  outputFile: string;
};

/** How long each way of stopping may take before the next, harder one. */
const stopBoundMs = { SIGINT: 20_000, SIGQUIT: 10_000, SIGKILL: 10_000 } as const;
const checkEveryMs = 50;

/** What PostgreSQL's programs may know of our environment: our keys are in the rest. */
export function scrubbedEnvironment(timezone: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LANG: 'C', LC_ALL: 'C', TZ: timezone };
}

/** Starts a postmaster that outlives us and hears no Ctrl-C: it has a session of its own. */
export async function launchPostmaster(launch: Launch): Promise<Postmaster> {
  const { program, args, port, data, account, timezone, outputFile } = launch;
  await using output = await open(outputFile, 'w', 0o600);

  const child = spawn(program, args, {
    ...account,
    cwd: dirname(data),
    detached: true,
    env: scrubbedEnvironment(timezone),
    stdio: ['ignore', output.fd, output.fd],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();

  return { pid: requirePid(child.pid), port, exited };
}

/** The postmaster that the data folder's pid file names, if it lives and really works on this folder. */
export async function findPostmaster(data: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid, , , port] = text.split('\n').map(Number);
  if (pid === undefined || port === undefined || !(pid > 1)) return undefined;

  return (await worksOn(pid, data)) ? { pid, port } : undefined;
}

/** False also for a zombie, which nobody may be there to reap. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;

  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') X');
  return !/\) [ZX]/.test(stat);
}

/**
 * Stops it within a bound: first by disconnecting everyone, then at once (the next start recovers), then by force.
 * Start from `SIGQUIT` with one that hangs.
 */
export async function stopPostmaster(
  pid: number,
  delay: Delay,
  from: 'SIGINT' | 'SIGQUIT' = 'SIGINT',
): Promise<void> {
  const signals = ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const;

  for (const signal of signals.slice(signals.indexOf(from))) {
    if (!send(pid, signal)) return;
    if (await isGone(pid, stopBoundMs[signal], delay)) return;
  }

  throw appError('postgres_failed', { detail: `its process ${pid} cannot be stopped`, pid });
}

async function isGone(pid: number, boundMs: number, delay: Delay): Promise<boolean> {
  const deadline = performance.now() + boundMs;
  while (performance.now() < deadline) {
    if (!(await isAlive(pid))) return true;
    await delay(checkEveryMs);
  }

  return false;
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

// After a kill -9 or a power cut the pid in the file may by now be anyone's, so the number proves nothing.
async function worksOn(pid: number, data: string): Promise<boolean> {
  if (process.platform === 'linux') {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const [program = '', ...args] = text.split('\0');
    return basename(program) === 'postgres' && args[args.indexOf('-D') + 1] === data;
  }

  const answer = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)], {
    timeout: 10_000,
  }).catch(() => ({ stdout: '' }));
  return answer.stdout.includes(`postgres -D ${data} `);
}

function requirePid(pid: number | undefined): number {
  if (pid === undefined) throw appError('postgres_failed', { detail: 'it was not started' });
  return pid;
}
