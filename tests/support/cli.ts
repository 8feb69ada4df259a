// Runs the command line as people do: as a program of its own, with an environment of its own.
import { spawn } from 'node:child_process';
import path from 'node:path';

const main = path.resolve('bin/nightshift.mjs');

export type CliResult = { code: number | null; stdout: string; stderr: string };

/** Nothing of this machine's settings reaches the program; `env` adds to what it needs to run at all. */
export function runCli(
  args: string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...options.env },
  });
  const result: CliResult = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (result.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (result.stderr += chunk.toString()));
  // A program that refuses its arguments does not read its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');

  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...result, code }));
  });
}
