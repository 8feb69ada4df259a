// One daemon per home: a lock that the system drops with its process, also at kill -9, so that no pid is guessed.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { z } from 'zod';

import { type ReadyFile, readReadyFile, setAsideReadyFile } from './ready-file.ts';

export type HomeLock = {
  /** The worker of a boot that ended without saying goodbye: its ready file was still there. */
  replaces?: string;
  release(): void;
};

export type Taken =
  | { type: 'held'; lock: HomeLock }
  /** Another daemon has it; `owner` is absent until that one serves. */
  | { type: 'taken'; owner?: ReadyFile };

// SQLite's code for a file that another connection has locked.
const busy = 5;
const SqliteError = z.object({ errcode: z.number() });

// Longer than a `readOwner` elsewhere holds the lock for its look.
const patienceMs = 300;

// A lock lives as long as its database object: without this, garbage collection would drop it.
const held = new Set<DatabaseSync>();

/**
 * Takes the lock of a home. Node has no file locks of its own, but SQLite does: an exclusive transaction, never
 * written to, on a file that nothing else may open (POSIX drops a process's locks when it closes any handle to the file).
 */
export async function takeHome(home: string): Promise<Taken> {
  await mkdir(join(home, 'run'), { recursive: true, mode: 0o700 });
  const release = lockHome(home);

  if (release === undefined) {
    const owner = await readReadyFile(home);
    return owner === undefined ? { type: 'taken' } : { type: 'taken', owner };
  }

  const last = await setAsideReadyFile(home);
  const lock = last === undefined ? { release } : { release, replaces: last.worker_id };
  return { type: 'held', lock };
}

/** The daemon that serves this home, or undefined when none does. */
export async function readOwner(home: string): Promise<ReadyFile | undefined> {
  const owner = await readReadyFile(home);
  if (owner === undefined) return undefined;

  const release = lockHome(home);
  release?.();
  return release === undefined ? owner : undefined;
}

/** Whether a daemon has this home, also one that does not serve yet. */
export function isTaken(home: string): boolean {
  if (!existsSync(join(home, 'run', 'daemon.lock'))) return false;
  const release = lockHome(home);
  release?.();

  return release === undefined;
}

function lockHome(home: string): (() => void) | undefined {
  const database = new DatabaseSync(join(home, 'run', 'daemon.lock'), { timeout: patienceMs });

  try {
    database.exec('pragma locking_mode = exclusive; begin exclusive');
  } catch (error) {
    database.close();
    if (SqliteError.safeParse(error).data?.errcode === busy) return undefined;
    throw error;
  }

  held.add(database);
  return () => {
    if (held.delete(database)) database.close();
  };
}
