// Runs the system's own programs (launchctl, systemctl, pmset ...), found on PATH.
import { execFile } from 'node:child_process';

export type Ran = {
  /** 127 when there is no such program, as in a shell; 124 when it took too long. */
  code: number;
  stdout: string;
  stderr: string;
};

/** Runs a program to its end. Never rejects: a program that is missing or hangs is a code too. */
export type RunCommand = (command: string, args: string[]) => Promise<Ran>;

export const commandMissing = 127;
const commandLate = 124;
const defaultLimitMs = 20_000;

export function createRunCommand(
  environment: NodeJS.ProcessEnv = process.env,
  limitMs = defaultLimitMs,
): RunCommand {
  const { PATH = '/usr/bin:/bin:/usr/sbin:/sbin', HOME, USER, XDG_RUNTIME_DIR } = environment;
  const { DBUS_SESSION_BUS_ADDRESS } = environment;
  // Nothing else of our environment: our keys may be in it. In C, since their answers are read.
  const env = { PATH, HOME, USER, XDG_RUNTIME_DIR, DBUS_SESSION_BUS_ADDRESS, LC_ALL: 'C' };

  return (command, args) =>
    new Promise((resolve) => {
      execFile(command, args, { env, timeout: limitMs }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : codeOf(error), stdout, stderr });
      });
    });
}

function codeOf(error: { code?: string | number | null; killed?: boolean }): number {
  if (error.code === 'ENOENT') return commandMissing;
  if (error.killed === true) return commandLate;
  return typeof error.code === 'number' ? error.code : 1;
}
