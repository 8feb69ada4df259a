// Keeping a Mac awake: an assertion while work runs, and none otherwise.
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { type KeepAwakeOptions, keepAwake } from '../../src/install/keep-awake.ts';
import { silentLog } from '../support/cluster.ts';
import { until } from '../support/until.ts';
import { fakePrograms, type Programs } from './programs.ts';

// As the real one: it holds until it is told to end.
const caffeinate = 'exec sleep 60';

type Mac = Programs & {
  /** Each caffeinate that was started. */
  started: ChildProcess[];
  options(given?: Partial<KeepAwakeOptions>): KeepAwakeOptions;
};

async function mac(scripts: Record<string, string> = { caffeinate }): Promise<Mac> {
  const programs = await fakePrograms(scripts);
  const started: ChildProcess[] = [];
  const begin: KeepAwakeOptions['spawn'] = (command, args) => {
    const child = spawn(command, args, { stdio: 'ignore', env: { PATH: programs.path } });
    started.push(child);
    return child;
  };

  return {
    ...programs,
    started,
    options: (given = {}) => ({
      platform: 'darwin',
      pid: process.pid,
      lingerMs: 1,
      log: silentLog,
      spawn: begin,
      ...given,
    }),
  };
}

const hasEnded = (child: ChildProcess | undefined) => child?.signalCode === 'SIGTERM';

test('holds one assertion for work that overlaps, tied to this very program, and lets go of it', async () => {
  await using machine = await mac();
  using awake = keepAwake(machine.options());
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<string>();
  const work = awake.during((promise: Promise<string>) => promise);

  const results = [work(first.promise), work(second.promise)];
  await until(() => machine.calls('caffeinate').length > 0);
  first.resolve('one');
  second.resolve('two');

  expect(await Promise.all(results)).toEqual(['one', 'two']);
  await until(() => hasEnded(machine.started[0]));
  expect(machine.calls('caffeinate')).toEqual([`-i -w ${process.pid}`]);
});

test('stays awake until the last of the work has ended', async () => {
  await using machine = await mac();
  using awake = keepAwake(machine.options({ lingerMs: 0 }));
  awake.busy();
  awake.busy();

  awake.idle();
  // Timers ring in order: one that was set for the first end would have rung before this.
  await pause(2);
  const between = machine.started[0]?.killed;
  awake.idle();
  await until(() => hasEnded(machine.started[0]));

  expect(between).toBe(false);
});

test('work that fails lets go of it too, and the next work asks anew', async () => {
  await using machine = await mac();
  using awake = keepAwake(machine.options());
  const fails = awake.during(async () => {
    await until(() => machine.calls('caffeinate').length > 0);
    throw new Error('no');
  });

  await expect(fails()).rejects.toThrow('no');
  await until(() => hasEnded(machine.started[0]));
  awake.busy();

  await until(() => machine.calls('caffeinate').length === 2);
});

test('does nothing where machines do not sleep', async () => {
  await using machine = await mac();
  using awake = keepAwake(machine.options({ platform: 'linux' }));

  expect(await awake.during(async () => 'done')()).toBe('done');

  expect(machine.calls('caffeinate')).toEqual([]);
});

test('work goes on where there is no caffeinate, and the log says so once', async () => {
  await using machine = await mac({});
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  using awake = keepAwake(machine.options({ log }));

  const done = await awake.during(async () => {
    await until(() => warnings.length > 0);
    awake.busy();
    awake.idle();
    return 'done';
  })();

  expect(done).toBe('done');
  expect(warnings).toEqual(['the Mac may fall asleep during work: caffeinate does not start']);
});
