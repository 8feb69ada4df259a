// Composition of what a daemon knows of its own health: the room on its disks, its database, and how others hear of both.
import { existsSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import path from 'node:path';

import type { Config } from './core/config.ts';
import { systemClock } from './daemon/clock.ts';
import type { Space, Volumes } from './daemon/disk-watch.ts';
import { readReadyFile } from './daemon/ready-file.ts';
import { readTroubles, removeTroubles, writeTroubles } from './daemon/trouble-file.ts';
import { createTroubles, type Trouble, type Troubles } from './daemon/troubles.ts';
import type { Hearing } from './queue/watch.ts';

export type { Trouble } from './daemon/troubles.ts';

export type Health = { volumes: Volumes; troubles: Troubles; hearing: Hearing };

/** For the holder of the home's lock. What it writes is removed when `stack` is disposed. */
export function openHealth(
  { home, outputsFolder, config }: { home: string; outputsFolder: string; config: Config },
  stack: AsyncDisposableStack,
): Health {
  const troubles = createTroubles(systemClock, (list) => writeTroubles(home, list));
  writeTroubles(home, []);
  stack.defer(() => removeTroubles(home));
  const { low_water_mb: lowWater, check_seconds: seconds } = config.settings.disk;

  return {
    troubles,
    hearing: {
      answered: () => troubles.set('database', null),
      failed: (message) => troubles.set('database', message),
    },
    volumes: {
      folders: [home, outputsFolder],
      space: spaceOf,
      lowWaterMb: lowWater,
      everyMs: seconds * 1_000,
    },
  };
}

/** What the daemon that serves a home says of itself; empty where none does, or all is well. */
export async function findTroubles(home: string): Promise<Trouble[]> {
  const ready = await readReadyFile(home);

  return ready === undefined ? [] : readTroubles(home, ready.pid);
}

async function spaceOf(folder: string): Promise<Space> {
  const place = nearest(folder);
  const [{ bavail, blocks, bsize }, { dev }] = await Promise.all([statfs(place), stat(place)]);

  return { free: bavail * bsize, total: blocks * bsize, disk: String(dev) };
}

// The folder of the results may be made with the first of them.
function nearest(folder: string): string {
  return existsSync(folder) || folder === path.dirname(folder)
    ? folder
    : nearest(path.dirname(folder));
}
