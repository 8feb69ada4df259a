// Programs that tests spawn, in a scrubbed environment; they end with the test run, also when that is killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type Spawned = AsyncDisposable & {
  pid: number;
  stdout(): string;
  stderr(): string;
  hasEnded(): boolean;
  /** The exit code, or the signal that ended it, once all its output is there. */
  ended: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
};

export type SpawnOptions = {
  /** All there is of an environment. */
  env: Record<string, string>;
  cwd: string;
};

/** Spawns this Node with those arguments. Disposing kills it. */
export function spawnNode(args: string[], { env, cwd }: SpawnOptions): Spawned {
  const child = spawn(process.execPath, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (pid === undefined) throw new Error('the program was not spawned');
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);

  tellReaper('spawned', String(pid));
  child.once('exit', () => tellReaper('ended', String(pid)));
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);

  return {
    pid,
    stdout,
    stderr,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    ended,
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function collect(stream: NonNullable<ChildProcess['stdout']>): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (piece: string) => {
    text += piece;
  });

  return () => text;
}

let reaper: ChildProcess | undefined;

/** Says what is to be ended or removed when this process is gone without having done so. */
export function tellReaper(verb: 'spawned' | 'ended' | 'made' | 'removed', what: string): void {
  reaper ??= startReaper();
  reaper.stdin?.write(`${verb}\t${what}\n`);
}

function startReaper(): ChildProcess {
  const script = fileURLToPath(new URL('reaper.ts', import.meta.url));
  // In a group of its own: Ctrl-C in the terminal is for the test run, and the reaper comes after it.
  const child = spawn(process.execPath, [script], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.on('error', () => undefined);
  child.unref();

  return child;
}
