// Recovery mode: one process that stays, claims nothing and tries again, where starting anew has failed again and again.
import { isDiskFault } from '../core/disk.ts';
import { isAppError, messageOf } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import { isWorthSaying } from './persist.ts';
import { removeRecovery, writeRecovery } from './recovery-file.ts';

/** Why a start failed; `retriable` when it may pass by itself. */
export type Fault = { code: string; message: string; retriable: boolean };

/** In milliseconds. */
export type Pauses = { first: number; longest: number };

export type RecoveryPorts = {
  home: string;
  clock: Clock;
  log: Log;
  /** Aborts when the daemon is told to end. */
  signal: AbortSignal;
  /** Asked anew before each pause, as the settings may have been mended. */
  pauses(): Pauses;
  /** What it returns gives a text that changes with the files of the configuration. */
  configuration(): () => string;
  /** Takes secrets out of a text. */
  scrub(text: string): string;
};

export type Recovery<Begun> = {
  fault: Fault;
  /** How many failures came before, one after the other. */
  failures: number;
  /** A try at a start. `isTold` is false where its log would only repeat that of a former one. */
  attempt(isTold: boolean): Promise<Begun>;
};

const lookMs = 500;
// A database that is back is used again within 15 s.
const passingCapMs = 10_000;

/** To be called by the holder of the home's lock. Resolves with what a try began, or with null when aborted. */
export async function recover<Begun>(
  ports: RecoveryPorts,
  { fault: first, failures, attempt }: Recovery<Begun>,
): Promise<Begun | null> {
  const { home, clock, log, signal } = ports;
  const since = new Date(clock.now()).toISOString();
  let fault = first;
  let mark = ports.configuration();
  let seen = mark();

  for (let tries = 0; ; tries += 1) {
    const pauseMs = pauseOf(fault, ports.pauses(), tries);
    const next = new Date(clock.now() + pauseMs).toISOString();
    const { code, message: reason } = fault;
    writeRecovery(home, {
      pid: process.pid,
      since,
      code,
      reason,
      failures: failures + tries,
      next_try_at: next,
    });
    say(log, fault, { tries, failures: failures + tries, next });

    await change(ports, { pauseMs, mark, seen });
    if (signal.aborted) break;

    // Before the try: what changes while it is under way counts for the next.
    mark = ports.configuration();
    seen = mark();
    try {
      const begun = await attempt(isWorthSaying(tries + 1));
      removeRecovery(home);
      log.info('out of recovery mode: the daemon serves again', { tries: tries + 1, since });
      return begun;
    } catch (error) {
      fault = faultOf(error, ports.scrub);
      if (signal.aborted) break;
    }
  }

  removeRecovery(home);
  log.info('recovery mode ends: the daemon was told to stop', { since });
  return null;
}

export function faultOf(error: unknown, scrub: (text: string) => string): Fault {
  const known = isAppError(error);
  if (!known && isDiskFault(error)) {
    return { code: 'disk_full', message: scrub(messageOf(error)), retriable: true };
  }

  return {
    code: known ? error.code : 'unexpected',
    message: scrub(messageOf(error)),
    retriable: known && error.retriable,
  };
}

function pauseOf({ retriable }: Fault, { first, longest }: Pauses, tries: number): number {
  const grown = (retriable ? first / 10 : first) * 2 ** Math.min(tries, 30);

  return Math.min(grown, longest, retriable ? passingCapMs : longest);
}

function say(
  log: Log,
  { code, message }: Fault,
  facts: { tries: number; failures: number; next: string },
): void {
  const { tries, failures, next } = facts;
  const fields = { code, error: message, failures, nextTryAt: next };

  if (tries === 0)
    log.error('recovery mode: the daemon stays, claims nothing, and tries again', fields);
  else if (isWorthSaying(tries)) log.error('still in recovery mode', { tries, ...fields });
}

/** Waits for the pause to end, a change of the configuration, or the signal; never rejects. */
async function change(
  { clock, signal }: RecoveryPorts,
  { pauseMs, mark, seen }: { pauseMs: number; mark(): string; seen: string },
): Promise<void> {
  const end = clock.monotonic() + pauseMs;

  while (!signal.aborted && mark() === seen) {
    const leftMs = end - clock.monotonic();
    if (leftMs <= 0) return;
    await clock.delay(Math.min(leftMs, lookMs), signal).catch(() => undefined);
  }
}
