// What is remembered of failures, and the pauses between the tries of recovery mode. The whole of it: tests/chaos/recovery.test.ts.
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { appError } from '../../src/core/errors.ts';
import type { Clock } from '../../src/core/ports.ts';
import { type Crash, crashStreak, forgetCrashes, recordCrash } from '../../src/daemon/crashes.ts';
import { takeHome } from '../../src/daemon/lock.ts';
import { faultOf, recover } from '../../src/daemon/recovery.ts';
import { readRecovery, type RecoveryFile } from '../../src/daemon/recovery-file.ts';
import { freshFolder } from '../support/folder.ts';

const minute = 60_000;
const now = Date.parse('2026-11-22T22:00:00.000Z');

function crash(minutesAgo: number, kind: Crash['kind'] = 'failed'): Crash {
  const at = new Date(now - minutesAgo * minute).toISOString();
  return { at, kind, code: 'config_invalid', message: 'no' };
}

const agesOf = (home: string) =>
  crashStreak(home, now).map(({ at }) => (now - Date.parse(at)) / minute);

test('failures count as long as each came soon after the one before', async () => {
  await using home = await freshFolder();
  for (const age of [300, 40, 26, 12, 1]) recordCrash(home.path, crash(age));

  const streak = agesOf(home.path);
  recordCrash(home.path, crash(-1_000));

  expect(streak).toEqual([40, 26, 12, 1]);
  // A clock that was set back leaves a failure of the future, which says nothing.
  expect(agesOf(home.path)).toEqual([]);
});

test('a start that serves makes up for starts that failed, and time for those that died', async () => {
  await using home = await freshFolder();
  recordCrash(home.path, crash(3));
  recordCrash(home.path, crash(2, 'died'));
  recordCrash(home.path, crash(1));

  forgetCrashes(home.path, 'failed');
  const left = agesOf(home.path);
  forgetCrashes(home.path, 'all');

  expect({ left, after: agesOf(home.path) }).toEqual({ left: [2], after: [] });
});

test('the record is small, private, and made anew when it is garbage', async () => {
  await using home = await freshFolder();
  await mkdir(path.join(home.path, 'run'));
  const file = path.join(home.path, 'run', 'crashes.json');
  await writeFile(file, '{');

  for (let count = 0; count < 50; count += 1) recordCrash(home.path, crash(1));

  expect(crashStreak(home.path, now)).toHaveLength(20);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(path.dirname(file))).toEqual(['crashes.json']);
});

test('where it cannot be written, that is said', async () => {
  await using home = await freshFolder();
  await writeFile(path.join(home.path, 'run'), 'a file in its place');

  expect(recordCrash(home.path, crash(0))).toBe(false);
});

/** Time that passes as fast as it is waited for. */
function swiftClock(): Clock & { waitedMs: () => number } {
  let waited = 0;

  return {
    waitedMs: () => waited,
    now: () => now + waited,
    monotonic: () => waited,
    async delay(ms) {
      waited += ms;
    },
  };
}

/** Fails so many times, and tells how long each pause was. */
async function triesOf(error: Error, times: number) {
  await using home = await freshFolder();
  const taken = await takeHome(home.path);
  const clock = swiftClock();
  const pauses: number[] = [];
  const seen: (RecoveryFile | null)[] = [];
  const lines: string[] = [];
  const log = {
    debug: () => {},
    warn: () => {},
    info: () => {},
    error: (text: string) => lines.push(text),
  };
  let before = 0;

  const ports = {
    home: home.path,
    clock,
    log,
    signal: new AbortController().signal,
    pauses: () => ({ first: 30_000, longest: 600_000 }),
    configuration: () => () => 'same',
    scrub: (text: string) => text.replace('hunter2', '…'),
  };
  const attempt = async (): Promise<string> => {
    seen.push(readRecovery(home.path));
    pauses.push((clock.waitedMs() - before) / 1_000);
    before = clock.waitedMs();
    if (pauses.length <= times) throw error;
    return 'begun';
  };
  const fault = faultOf(error, ports.scrub);
  const begun = await recover(ports, { fault, failures: 4, attempt });
  const after = await readFile(path.join(home.path, 'run', 'recovery.json'), 'utf8').catch(
    () => null,
  );
  if (taken.type === 'held') taken.lock.release();

  return { begun, pauses, seen, lines, after };
}

test('pauses grow up to the longest, and few lines are written', async () => {
  const { begun, pauses, seen, lines, after } = await triesOf(appError('config_invalid'), 9);

  expect(pauses).toEqual([30, 60, 120, 240, 480, 600, 600, 600, 600, 600]);
  expect(seen[0]).toMatchObject({ pid: process.pid, code: 'config_invalid', failures: 4 });
  expect(seen[9]).toMatchObject({ failures: 13, next_try_at: '2026-11-22T23:05:30.000Z' });
  // On entry, and after 1, 2, 4 and 8 tries.
  expect(lines).toHaveLength(5);
  expect({ begun, after }).toEqual({ begun: 'begun', after: null });
});

test('what passes by itself is tried sooner, and at least every ten seconds', async () => {
  const { pauses } = await triesOf(appError('database_unavailable'), 6);

  expect(pauses).toEqual([3, 6, 10, 10, 10, 10, 10]);
});

test('keeps what is secret in the reason to itself', async () => {
  const { seen } = await triesOf(new Error('the password hunter2 is wrong'), 1);

  expect(seen[0]).toMatchObject({ code: 'unexpected', reason: 'the password … is wrong' });
});
