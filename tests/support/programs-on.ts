// What runs on a home, seen from outside: no program may be left behind there.
import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';

import { postmasterOf } from './postmaster.ts';

/** Programs that work in a folder or were told of it, as `pid: command`. Where there is no /proc, PostgreSQL alone. */
export async function programsOn(home: string): Promise<string[]> {
  if (process.platform !== 'linux') {
    const pid = await postmasterOf(home);
    return pid === undefined ? [] : [`${pid}: postgres`];
  }

  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [command, folder] = await Promise.all([
        readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
        readlink(`/proc/${pid}/cwd`).catch(() => ''),
      ]);
      const isThere = command.includes(home) || isWithin(folder, home);
      return isThere && Number(pid) !== process.pid
        ? [`${pid}: ${command.replaceAll('\0', ' ').trim()}`]
        : [];
    }),
  );
  return found.flat();
}

function isWithin(folder: string, home: string): boolean {
  return folder === home || folder.startsWith(home + path.sep);
}
