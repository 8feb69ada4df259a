// Keeps a Mac from falling asleep while work runs, and only then.
import { type ChildProcess, spawn as spawnProcess } from 'node:child_process';

import type { Log } from '../core/ports.ts';

export type KeepAwakeOptions = {
  platform: NodeJS.Platform;
  /** Whose end also ends the assertion, however it comes. */
  pid: number;
  /** Default: `child_process.spawn`, without our environment and output. */
  spawn?(command: string, args: string[]): ChildProcess;
  log: Log;
  /** How long after the last work the Mac stays awake: waves follow each other with a gap. */
  lingerMs?: number;
};

export type KeepAwake = Disposable & {
  /** Work begins. Each call is answered by one of `idle`. */
  busy(): void;
  idle(): void;
  /** The same work, with the Mac awake while it runs. */
  during<Args extends unknown[], Result>(
    work: (...args: Args) => Promise<Result>,
  ): (...args: Args) => Promise<Result>;
};

const defaultLingerMs = 15_000;

/** Does nothing on other systems: servers do not sleep. Never throws. */
export function keepAwake(options: KeepAwakeOptions): KeepAwake {
  const { platform, lingerMs = defaultLingerMs } = options;
  let working = 0;
  let assertion: Disposable | null = null;
  let linger: NodeJS.Timeout | undefined;
  let isOver = false;

  function letGo(): void {
    clearTimeout(linger);
    assertion?.[Symbol.dispose]();
    assertion = null;
  }

  function busy(): void {
    working += 1;
    clearTimeout(linger);
    if (platform === 'darwin' && !isOver)
      assertion ??= assertAwake(options, () => (assertion = null));
  }

  function idle(): void {
    working -= 1;
    if (working === 0 && assertion !== null) linger = setTimeout(letGo, lingerMs).unref();
  }

  return {
    busy,
    idle,
    during:
      (work) =>
      async (...args) => {
        busy();
        try {
          return await work(...args);
        } finally {
          idle();
        }
      },
    [Symbol.dispose]() {
      isOver = true;
      letGo();
    },
  };
}

/** Against sleep by idleness (-i) only: a closed lid still counts. */
function assertAwake(
  { spawn = spawnQuietly, pid, log }: KeepAwakeOptions,
  ended: () => void,
): Disposable {
  const child = spawn('caffeinate', ['-i', '-w', String(pid)]);
  let isWanted = true;

  child.once('error', (error) => {
    log.warn('the Mac may fall asleep during work: caffeinate does not start', {
      error: error.message,
    });
  });
  // Someone ended it: the next work starts another.
  child.once('exit', () => {
    if (isWanted) ended();
  });
  child.unref();

  return {
    [Symbol.dispose]() {
      isWanted = false;
      child.kill('SIGTERM');
    },
  };
}

function spawnQuietly(command: string, args: string[]): ChildProcess {
  const { PATH = '/usr/bin:/bin' } = process.env;
  return spawnProcess(command, args, { stdio: 'ignore', env: { PATH } });
}
