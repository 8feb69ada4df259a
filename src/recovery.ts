// Composition of a start that nobody watches: what it remembers of failures, and when it stays instead of ending.
import { statSync } from 'node:fs';

import { systemClock } from './daemon/clock.ts';
import { type Crash, crashStreak, forgetCrashes, recordCrash } from './daemon/crashes.ts';
import { type HomeLock, takeHome } from './daemon/lock.ts';
import type { ReadyFile } from './daemon/ready-file.ts';
import { type Fault, faultOf, recover, type RecoveryPorts } from './daemon/recovery.ts';

export { readRecovery, type RecoveryFile } from './daemon/recovery-file.ts';

type Taken = { type: 'taken'; owner?: ReadyFile };

/** What a try may use: the lock of the home, once it is held, and whether its log is to be kept short. */
export type Try = { lock?: HomeLock; isTold: boolean };

export type Unattended = Omit<RecoveryPorts, 'clock'> & {
  /** Whether a fault of the configuration makes it stay at once, since nobody would start it again. */
  staysWhenMisconfigured: boolean;
  isConfigurationFault(error: unknown): boolean;
};

// A supervisor may start it that often before it stays.
const mostFailures = 3;
const soundAfterMs = 5 * 60_000;

/**
 * Begins what `attempt` begins; failures are written down. After several of them, one soon after the other, it does not
 * reject but stays in recovery mode until a try succeeds. Null when it was told to end meanwhile; what `attempt` throws
 * otherwise. The lock of the home that it takes is held until the process ends.
 */
export async function beginUnattended<Begun extends { type: string }>(
  options: Unattended,
  attempt: (about: Try) => Promise<Begun>,
): Promise<Begun | Taken | null> {
  const { home, scrub } = options;
  process.on('uncaughtExceptionMonitor', (error) => {
    recordCrash(home, crashOf('died', faultOf(error, scrub)));
  });

  const begun = await beginOrStay(options, attempt);
  if (begun !== null && begun.type !== 'taken') {
    forgetCrashes(home, 'failed');
    setTimeout(() => forgetCrashes(home, 'all'), soundAfterMs).unref();
  }
  return begun;
}

async function beginOrStay<Begun>(
  options: Unattended,
  attempt: (about: Try) => Promise<Begun>,
): Promise<Begun | Taken | null> {
  const { home, scrub, signal } = options;
  const former = crashStreak(home, Date.now());
  const last = former.at(-1);
  // Nobody caught that one, so only the next start can pause.
  if (former.length >= mostFailures && last?.kind === 'died') {
    const fault = { ...last, retriable: false };
    return await stay(options, { fault, failures: former.length, attempt });
  }

  try {
    return await attempt({ isTold: true });
  } catch (error) {
    if (signal.aborted) throw error;
    const fault = faultOf(error, scrub);
    const isCounted = isFolder(home) && recordCrash(home, crashOf('failed', fault));
    const stays =
      former.length >= mostFailures ||
      (options.staysWhenMisconfigured && options.isConfigurationFault(error)) ||
      // A disk that is full: it cannot be counted how often this happens.
      !isCounted;
    // What is no folder can be neither locked nor written to.
    if (!stays || !isFolder(home)) throw error;

    return await stay(options, { fault, failures: former.length + 1, attempt });
  }
}

async function stay<Begun>(
  options: Unattended,
  given: { fault: Fault; failures: number; attempt(about: Try): Promise<Begun> },
): Promise<Begun | Taken | null> {
  const taken = await takeHome(options.home);
  if (taken.type === 'taken') return taken;
  const { lock } = taken;

  return await recover(
    { ...options, clock: systemClock },
    { ...given, attempt: (isTold) => given.attempt({ lock, isTold }) },
  );
}

function crashOf(kind: Crash['kind'], { code, message }: Fault): Crash {
  return { at: new Date().toISOString(), kind, code, message: message.slice(0, 500) };
}

function isFolder(home: string): boolean {
  return statSync(home, { throwIfNoEntry: false })?.isDirectory() === true;
}
