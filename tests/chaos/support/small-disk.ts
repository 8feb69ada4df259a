// A small disk of its own in a folder, in memory: it can be filled up without harm to anybody.
import { execFile } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { stopOrphan } from '../../support/postmaster.ts';

const run = promisify(execFile);

export type SmallDisk = AsyncDisposable & {
  /** Takes all the room that there is. */
  fill(): void;
  /** Gives it back. */
  free(): void;
};

/** Whether disks may be mounted here: root on Linux may, where nothing forbids it. */
export async function canMount(): Promise<boolean> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = await mkdtemp(path.join(tmpdir(), 'nightshift-mount-'));
  try {
    await mount(folder, 1);
    await run('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    await rmdir(folder);
  }
}

/** Mounts a disk at a folder, which is made. Disposing ends a PostgreSQL on it, and takes it away with all that it holds. */
export async function smallDisk(folder: string, megabytes: number): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true, mode: 0o711 });
  await mount(folder, megabytes);
  const filler = path.join(folder, 'filler');

  return {
    fill: () => fillUp(filler),
    free: () => rmSync(filler, { force: true }),
    async [Symbol.asyncDispose]() {
      await stopOrphan(folder);
      // Also while something still has a file open on it.
      await run('umount', ['-l', folder]);
    },
  };
}

async function mount(folder: string, megabytes: number): Promise<void> {
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0711`, 'tmpfs', folder]);
}

function fillUp(filler: string): void {
  const file = openSync(filler, 'a');
  try {
    for (let size = 1 << 20; size > 0; size >>= 1) writeUntilFull(file, Buffer.alloc(size));
  } finally {
    closeSync(file);
  }
}

function writeUntilFull(file: number, piece: Buffer): void {
  try {
    while (writeSync(file, piece) === piece.length);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOSPC') throw error;
  }
}
