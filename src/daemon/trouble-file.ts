// The file `run/troubles.json` of a daemon that serves: how others hear why it does not work when the database cannot say it.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import type { Trouble } from './troubles.ts';
import { removeQuietly } from './whole-file.ts';

const TroubleFile = z.object({
  pid: z.number().int(),
  troubles: z.array(
    z.object({ kind: z.enum(['disk', 'database']), since: z.string(), message: z.string() }),
  ),
});

const pathOf = (home: string): string => join(home, 'run', 'troubles.json');
// Written in place and always as long: its room on the disk is taken while there is some.
const bytes = 4_096;
const longestMessage = 1_000;

/** To be called once with none before anything can go wrong. Never throws. */
export function writeTroubles(home: string, troubles: readonly Trouble[]): void {
  const short = troubles.map((trouble) => ({
    ...trouble,
    message: trouble.message.slice(0, longestMessage),
  }));
  const text = Buffer.alloc(bytes, ' ');
  text.write(JSON.stringify({ pid: process.pid, troubles: short }));

  try {
    const file = openSync(pathOf(home), 'r+');
    writeAll(file, text);
  } catch {
    create(home, text);
  }
}

function create(home: string, text: Buffer): void {
  try {
    writeAll(openSync(pathOf(home), 'w', 0o600), text);
  } catch {
    // Then only the log says it.
  }
}

function writeAll(file: number, text: Buffer): void {
  try {
    writeSync(file, text, 0, text.length, 0);
  } finally {
    closeSync(file);
  }
}

/** What keeps the daemon of this pid from working. Never throws. */
export function readTroubles(home: string, pid: number): Trouble[] {
  try {
    const found = TroubleFile.parse(JSON.parse(readFileSync(pathOf(home), 'utf8')));
    return found.pid === pid ? found.troubles : [];
  } catch {
    return [];
  }
}

/** Never throws. */
export function removeTroubles(home: string): void {
  removeQuietly(pathOf(home));
}
