// A supervisor of the plainest kind: it starts the daemon of a home again after every end but a success.
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import type { Home, Variables } from '../../support/daemon.ts';
import { type Spawned, spawnNode } from '../../support/spawned.ts';

const main = path.resolve('src', 'cli', 'main.ts');

export type Supervisor = AsyncDisposable & {
  /** How each process ended, in their order. */
  exits: (number | string)[];
  /** The process that runs now. */
  pid(): number;
  /** All that any of them has said. */
  said(): string;
  /** Ends it: SIGTERM to the one that runs, and no other start. Answers how that one ended. */
  stop(): Promise<number | string>;
};

const compileCache = path.resolve('node_modules', '.cache', 'nightshift-tests');
const throttleMs = 50;

/** `imports`: modules that each process loads before its own. */
export function supervise(
  home: Home,
  { env, imports = [], args = [] }: { env: Variables; imports?: string[]; args?: string[] },
): Supervisor {
  const exits: (number | string)[] = [];
  const said: string[] = [];
  let isStopping = false;
  let child = begin();

  function begin(): Spawned {
    const given = [...imports.flatMap((file) => ['--import', file]), main, 'start', '--no-sample'];
    const { PATH = '/usr/bin:/bin' } = process.env;
    const folder = path.dirname(home.path);
    const own = {
      PATH,
      HOME: folder,
      NIGHTSHIFT_HOME: home.path,
      NODE_COMPILE_CACHE: compileCache,
    };
    return spawnNode([...given, ...args], { env: { ...own, ...env }, cwd: folder });
  }

  async function keepAlive(): Promise<void> {
    for (;;) {
      const end = await child.ended;
      exits.push(end);
      said.push(child.stderr());
      if (end === 0 || isStopping) return;
      await pause(throttleMs);
      if (isStopping) return;
      child = begin();
    }
  }
  const over = keepAlive();

  async function stop(signal: NodeJS.Signals): Promise<number | string> {
    isStopping = true;
    child.kill(signal);
    const end = await child.ended;
    await over;
    return end;
  }

  return {
    exits,
    pid: () => child.pid,
    said: () => [...said, child.stderr()].join(''),
    stop: () => stop('SIGTERM'),
    async [Symbol.asyncDispose]() {
      await stop('SIGKILL');
    },
  };
}
