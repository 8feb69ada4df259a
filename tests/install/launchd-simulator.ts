// A tiny launchd: reads a property list and supervises its program as launchd.plist(5) says, only faster.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

import { parse } from 'plist';
import { z } from 'zod';

import { tellReaper } from '../support/spawned.ts';

const Job = z.strictObject({
  Label: z.string(),
  ProgramArguments: z.array(z.string()).min(1),
  WorkingDirectory: z.string(),
  LimitLoadToSessionType: z.string(),
  RunAtLoad: z.literal(true),
  KeepAlive: z.strictObject({ SuccessfulExit: z.boolean() }),
  ThrottleInterval: z.number(),
  ExitTimeOut: z.number(),
  ProcessType: z.enum(['Background', 'Standard', 'Adaptive', 'Interactive']),
  Umask: z.number(),
  StandardOutPath: z.string(),
  StandardErrorPath: z.string(),
});

export type Supervised = AsyncDisposable & {
  /** One entry per end of the program: its exit code, or the signal. */
  exits: (number | string)[];
  pid(): number | undefined;
  isOver(): boolean;
  /** As `launchctl bootout`: SIGTERM, and SIGKILL after ExitTimeOut. Answers how it ended. */
  bootOut(): Promise<number | string | undefined>;
};

/** `HOME` and launchd's own PATH are all there is of an environment. `hurry` divides the throttle. */
export async function supervise(
  file: string,
  { home, hurry }: { home: string; hurry: number },
): Promise<Supervised> {
  const job = Job.parse(parse(await readFile(file, 'utf8')));
  const exits: (number | string)[] = [];
  let child: ChildProcess | undefined;
  let isStopping = false;
  let isOver = false;

  async function keepAlive(): Promise<void> {
    while (!isStopping) {
      const startedAt = performance.now();
      child = start(job, home);
      const [code, signal] = await once(child, 'exit');
      tellReaper('ended', String(child.pid));
      exits.push(code ?? signal);
      // `SuccessfulExit: false` restarts after failures only, `true` after successes only.
      if ((code === 0) !== job.KeepAlive.SuccessfulExit) break;
      const restMs = (job.ThrottleInterval * 1_000) / hurry - (performance.now() - startedAt);
      await pause(Math.max(0, restMs));
    }
    isOver = true;
  }
  const ended = keepAlive();

  async function bootOut(): Promise<number | string | undefined> {
    isStopping = true;
    child?.kill('SIGTERM');
    const late = setTimeout(() => child?.kill('SIGKILL'), job.ExitTimeOut * 1_000);
    await ended;
    clearTimeout(late);
    return exits.at(-1);
  }

  return {
    exits,
    pid: () => child?.pid,
    isOver: () => isOver,
    bootOut,
    async [Symbol.asyncDispose]() {
      isStopping = true;
      child?.kill('SIGKILL');
      await ended;
    },
  };
}

function start(job: z.infer<typeof Job>, home: string): ChildProcess {
  const [program = '', ...args] = job.ProgramArguments;
  const child = spawn(program, args, {
    cwd: job.WorkingDirectory,
    env: { HOME: home, PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
    stdio: ['ignore', openSync(job.StandardOutPath, 'a'), openSync(job.StandardErrorPath, 'a')],
  });
  tellReaper('spawned', String(child.pid));

  return child;
}
