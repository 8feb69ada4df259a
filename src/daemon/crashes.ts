// What is remembered of starts that failed and of daemons that died of an error: enough to stop a supervisor from
// starting the same failure again and again. A daemon that is killed, or loses its power, leaves nothing here.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { removeQuietly, writeWhole } from './whole-file.ts';

const Crash = z.object({
  /** ISO 8601. */
  at: z.string(),
  /** `failed`: a start that came to an end in words. `died`: an error that nobody caught, at whatever time. */
  kind: z.enum(['failed', 'died']),
  code: z.string(),
  message: z.string(),
});
export type Crash = z.infer<typeof Crash>;

const mostKept = 20;
// Longer than a supervisor and a recovery pause together take from one failure to the next.
const gapMs = 15 * 60_000;

const pathOf = (home: string): string => join(home, 'run', 'crashes.json');

/**
 * Writes one down; `message` must hold no secret. Synchronous, for a process that is about to die. False when it could
 * not be written: on a full disk nobody can count.
 */
export function recordCrash(home: string, crash: Crash): boolean {
  const former = readCrashes(home);

  return write(home, [...former, crash].slice(-mostKept));
}

/** Those of the last minutes, each soon after the one before: an old one, or one long before the rest, is history. */
export function crashStreak(home: string, now: number): Crash[] {
  const streak: Crash[] = [];
  let next = now;

  for (const crash of readCrashes(home).toReversed()) {
    const at = Date.parse(crash.at);
    // Either way round, as wall clocks can be set.
    if (Number.isNaN(at) || Math.abs(next - at) > gapMs) break;
    streak.unshift(crash);
    next = at;
  }
  return streak;
}

/** A start that serves makes up for those that `failed`; one that has served for a while, for all. */
export function forgetCrashes(home: string, which: 'failed' | 'all'): void {
  const former = readCrashes(home);
  const left = which === 'all' ? [] : former.filter(({ kind }) => kind !== which);
  if (left.length < former.length) write(home, left);
}

function readCrashes(home: string): Crash[] {
  try {
    return z.array(Crash).parse(JSON.parse(readFileSync(pathOf(home), 'utf8')));
  } catch {
    // None yet, or a file that someone else wrote.
    return [];
  }
}

function write(home: string, crashes: Crash[]): boolean {
  if (crashes.length === 0) {
    removeQuietly(pathOf(home));
    return true;
  }
  try {
    mkdirSync(join(home, 'run'), { mode: 0o700 });
  } catch {
    // It is there; if it is not, nothing can be written either.
  }
  const lines = crashes.map((crash) => `  ${JSON.stringify(crash)}`);

  return writeWhole(pathOf(home), `[\n${lines.join(',\n')}\n]\n`);
}
