// The file `run/recovery.json`: there while a daemon is in recovery mode, so that others can say why it does not serve.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { isTaken } from './lock.ts';
import { removeQuietly, writeWhole } from './whole-file.ts';

export const RecoveryFile = z.object({
  pid: z.number().int(),
  /** ISO 8601, as `next_try_at`. */
  since: z.string(),
  /** Of the error catalogue, or `unexpected`. */
  code: z.string(),
  reason: z.string(),
  /** Failures one after the other, those before recovery mode included. */
  failures: z.number().int(),
  next_try_at: z.string(),
});
export type RecoveryFile = z.infer<typeof RecoveryFile>;

const pathOf = (home: string): string => join(home, 'run', 'recovery.json');

/** Writes the whole file or nothing. Never throws: on a full disk, recovery mode goes on without it. */
export function writeRecovery(home: string, facts: RecoveryFile): void {
  writeWhole(pathOf(home), `${JSON.stringify(facts, null, 2)}\n`);
}

/** To be called by the holder of the home's lock only. Never throws. */
export function removeRecovery(home: string): void {
  removeQuietly(pathOf(home));
}

/** Null where no daemon is in recovery mode on this home. One that was killed left the file, but not the lock. */
export function readRecovery(home: string): RecoveryFile | null {
  try {
    const facts = RecoveryFile.parse(JSON.parse(readFileSync(pathOf(home), 'utf8')));
    return isTaken(home) ? facts : null;
  } catch {
    return null;
  }
}
