// The PostgreSQL that a home's daemon started, seen from outside.
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { findPostmaster, stopPostmaster } from '../../src/postgres/postmaster.ts';

/** The pid of the PostgreSQL that works on a home, or undefined when none does. */
export async function postmasterOf(home: string): Promise<number | undefined> {
  const found = await findPostmaster(join(home, 'postgres', 'data'));

  return found?.pid;
}

/** Ends the PostgreSQL that a killed daemon left on a home, at once. */
export async function stopOrphan(home: string): Promise<void> {
  const pid = await postmasterOf(home);
  if (pid !== undefined) await stopPostmaster(pid, (ms) => pause(ms), 'SIGQUIT');
}
