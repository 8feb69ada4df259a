// Supervision: whatever a postmaster dies of, and however often, another one is started.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

import { expect, test } from 'vitest';

import type { Postmaster } from '../../src/postgres/postmaster.ts';
import { supervise } from '../../src/postgres/supervise.ts';
import { silentLog } from '../support/cluster.ts';
import { until } from '../support/until.ts';

test('a postmaster that dies again and again is started again each time', async () => {
  const { supervised, started } = supervisedProgram();

  for (let deaths = 1; deaths <= 8; deaths += 1) {
    process.kill(supervised.pid(), 'SIGKILL');
    await until(() => started.length === deaths + 1);
    await until(() => supervised.pid() === started.at(-1)?.pid);
  }

  await supervised.stop();
  for (const { exited } of started) await exited;
});

test('a start that fails is tried again, with growing pauses, and is not said each time', async () => {
  const said: string[] = [];
  const pauses: number[] = [];
  const { supervised, started } = supervisedProgram({ failures: 41, said, pauses });

  process.kill(supervised.pid(), 'SIGKILL');
  await until(() => started.length === 2);
  await supervised.stop();

  expect(pauses.slice(0, 8)).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  expect(pauses.slice(39, 42)).toEqual([10_000, 60_000, 60_000]);
  const failed = said.filter((line) => line.includes('come up'));
  expect(failed).toHaveLength([1, 2, 4, 8, 16, 32].length);
});

test('a stop ends the tries', async () => {
  const pauses: number[] = [];
  const { supervised, started } = supervisedProgram({ failures: Infinity, pauses });
  process.kill(supervised.pid(), 'SIGKILL');
  await until(() => pauses.length > 3);

  await supervised.stop();

  expect(started).toHaveLength(1);
});

/** Programs that do nothing, in place of PostgreSQL; the first starts fail as told. Pauses are noted, and short. */
function supervisedProgram({
  failures = 0,
  said = [],
  pauses = [],
}: { failures?: number; said?: string[]; pauses?: number[] } = {}) {
  const started: Postmaster[] = [];
  let left = failures;
  const start = (): Postmaster => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    const exited = once(child, 'exit').then(() => undefined);
    const postmaster = { pid: child.pid ?? 0, port: 0, exited };
    started.push(postmaster);
    return postmaster;
  };
  const supervised = supervise(start(), {
    log: { ...silentLog, error: (message) => void said.push(message) },
    async delay(ms, signal) {
      pauses.push(ms);
      await pause(1, undefined, signal === undefined ? {} : { signal });
    },
    async restart() {
      left -= 1;
      if (left >= 0) throw new Error('the disk is full');
      return start();
    },
  });

  return { supervised, started };
}
