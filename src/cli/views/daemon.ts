// The daemon of this home in lines of text: whether it serves, and what keeps it from working.
import type { RecoveryFile, Trouble } from '../../app.ts';
import { adviceFor } from '../../core/advice.ts';
import type { SpoolFacts } from '../../core/spool.ts';
import { duration, moment, plain, table } from '../plain.ts';
import { spoolFacts } from './spool.ts';

/** What this machine knows of its own daemon; nulls where none runs here. */
export type DaemonView = {
  profile: string | null;
  pid: number | null;
  startedAt: string | null;
  workerId: string | null;
  recovery: RecoveryFile | null;
  troubles: Trouble[];
  /** What is kept on this machine's disk; null where it cannot be looked at. */
  spool: SpoolFacts | null;
  lastError: { at: string | null; message: string } | null;
};

/** All there is to say where the database does not answer. */
export function daemonDetails(daemon: DaemonView, problem: string): string[] {
  return table([...daemonFacts(daemon), ['Queue', plain(problem)], lastErrorFact(daemon)]);
}

export function daemonFacts(daemon: DaemonView): [string, string][] {
  const { recovery, troubles } = daemon;
  const labels = { disk: 'Paused', database: 'Database' };
  const waits = troubles.map(({ kind, since, message }): [string, string] => [
    labels[kind],
    `since ${moment(since)}: ${plain(message)}`,
  ]);

  return [
    ['Daemon', daemonLine(daemon)],
    ...(recovery ? recoveryFacts(recovery) : []),
    ...waits,
    ...spoolFacts(daemon),
  ];
}

export function lastErrorFact({ lastError }: DaemonView): [string, string] {
  const text = lastError && `${moment(lastError.at)}  ${plain(lastError.message)}`;

  return ['Last error', text ?? 'none'];
}

function daemonLine({ pid, profile, startedAt, recovery }: DaemonView): string {
  if (recovery !== null) {
    const { pid: own, since } = recovery;
    return `recovery mode since ${moment(since)} (pid ${own}): it does not start, and claims nothing`;
  }
  if (pid === null || startedAt === null) return 'none on this home';

  return `pid ${pid}, ${profile}, up for ${duration(Date.now() - Date.parse(startedAt))}`;
}

function recoveryFacts(recovery: RecoveryFile): [string, string][] {
  const { reason, code, failures, next_try_at: next } = recovery;

  return [
    ['Reason', plain(reason)],
    ['What to do', adviceFor(code)],
    ['Next try', `${moment(next)}, after ${failures} failures`],
  ];
}
