// Starts one of the programs beside this file, and ends it with the test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type Child = AsyncDisposable & {
  /** Resolves once the program has printed the word. */
  prints(word: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  ended: Promise<number | string>;
  pid: number;
};

export function spawnChild(name: string, ...args: string[]): Child {
  const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [script, ...args]);
  let printed = '';
  child.stderr.pipe(process.stderr);
  child.stdout.on('data', (bytes) => {
    printed += String(bytes);
  });
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);

  return {
    ended,
    pid: child.pid ?? 0,
    kill: (signal) => void child.kill(signal),
    async prints(word) {
      while (!printed.includes(word)) {
        const more = once(child.stdout, 'data').then(() => undefined);
        const end = await Promise.race([more, ended]);
        if (end !== undefined) throw new Error(`the program ended with ${end}`);
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
