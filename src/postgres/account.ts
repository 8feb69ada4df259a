// Finds an unprivileged account for PostgreSQL when we run as root, which PostgreSQL refuses to do.
import { execFile } from 'node:child_process';
import { chmod, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

import { appError } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';

/** Ids that PostgreSQL runs under. */
export type Account = { uid: number; gid: number };

const run = promisify(execFile);
const accountName = 'nightshift-postgres';

/** Undefined unless we are root: then PostgreSQL runs as we do. */
export async function accountFor(dataFolder: string, log: Log): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;

  // Whoever owns an existing cluster must go on running it.
  const owner = await stat(dataFolder).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };

  const account = (await lookUp(accountName)) ?? (await createAccount(log));
  if (account === undefined) {
    throw appError('postgres_failed', {
      detail:
        `PostgreSQL does not run as root, and no account could be created for it. Run Nightshift as an ` +
        `ordinary user, or create the system user ${accountName}`,
    });
  }

  return account;
}

/**
 * Lets the account pass through every folder above `path`, which are closed to it by default: the home is
 * 0700, and so may be the folder of the clone (`/root`, for one). Only the right to pass is added (o+x):
 * nothing becomes listable, and what lies inside keeps its own modes.
 */
export async function openPath(
  path: string,
  account: Account | undefined,
  log: Log,
): Promise<void> {
  if (account === undefined) return;

  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const { uid, gid, mode } = await stat(folder);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) !== 0) continue;

    log.warn('opened a folder for PostgreSQL to pass through', { folder });
    await chmod(folder, (mode & 0o7777) | bit);
  }
}

async function createAccount(log: Log): Promise<Account | undefined> {
  const commands: [string, string[]][] = [
    ['useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', accountName]],
    ['adduser', ['-S', '-D', '-H', '-s', '/sbin/nologin', accountName]],
  ];

  for (const [command, args] of commands) {
    await run(command, args, { timeout: 20_000 }).catch(() => undefined);
    // Looked up also after a failure: another start may have created it in between.
    const account = await lookUp(accountName);
    if (account === undefined) continue;

    log.info('created a system user for PostgreSQL', { user: accountName });
    return account;
  }

  return lookUp('nobody');
}

async function lookUp(name: string): Promise<Account | undefined> {
  const ids = await Promise.all(
    ['-u', '-g'].map(async (flag) => {
      const answer = await run('id', [flag, name], { timeout: 20_000 }).catch(() => undefined);
      return answer === undefined ? undefined : Number(answer.stdout.trim());
    }),
  );
  const [uid, gid] = ids;

  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}
