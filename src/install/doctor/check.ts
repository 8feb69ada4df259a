// What a check of the doctor is, and how all of them are run: at the same time, each within a limit.
import { messageOf } from '../../core/errors.ts';

export type Status = 'ok' | 'warn' | 'fail' | 'skip';

export type Finding = {
  status: Status;
  /** One line. */
  message: string;
  /** What to do about it, in one line. */
  mend?: string;
  /** Mends it where that cannot do harm, and says in one line what was done. May throw. */
  fix?(): Promise<string>;
};

export type Check = {
  /** Stable: scripts go by it. */
  id: string;
  /** Asks a service outside of this machine. */
  online?: true;
  /** May throw: that is a failed check. */
  look(signal: AbortSignal): Promise<Finding>;
};

export type Result = {
  id: string;
  status: Status;
  message: string;
  mend: string | null;
  /** What `--fix` did, also when it did not help. */
  fixed: string | null;
  tookMs: number;
};

export type ExamineOptions = {
  offline: boolean;
  fix: boolean;
  /** The longest that one check may take. */
  limitMs?: number;
};

export const ok = (message: string): Finding => ({ status: 'ok', message });
export const skip = (message: string): Finding => ({ status: 'skip', message });
export const warn = (message: string, mend: string): Finding => ({ status: 'warn', message, mend });
export const fail = (message: string, mend: string): Finding => ({ status: 'fail', message, mend });

// The whole examination is to take five seconds at most.
const defaultLimitMs = 4_000;

/** Results in the order of the checks. Never rejects. */
export async function examine(checks: Check[], options: ExamineOptions): Promise<Result[]> {
  return await Promise.all(checks.map((check) => examineOne(check, options)));
}

async function examineOne(check: Check, options: ExamineOptions): Promise<Result> {
  const startedAt = performance.now();
  const { found, fixed } = await findAndFix(check, options);

  return {
    id: check.id,
    status: found.status,
    message: found.message,
    mend: found.mend ?? null,
    fixed,
    tookMs: Math.round(performance.now() - startedAt),
  };
}

async function findAndFix(
  check: Check,
  { offline, fix, limitMs = defaultLimitMs }: ExamineOptions,
): Promise<{ found: Finding; fixed: string | null }> {
  if (offline && check.online) return { found: skip('left out: --offline'), fixed: null };

  const found = await within(check, limitMs);
  if (!fix || found.fix === undefined || found.status === 'ok') return { found, fixed: null };

  const fixed = await found.fix().catch((error: unknown) => `could not: ${messageOf(error)}`);
  return { found: await within(check, limitMs), fixed };
}

async function within(check: Check, limitMs: number): Promise<Finding> {
  const controller = new AbortController();
  const { promise: late, resolve } = Promise.withResolvers<Finding>();
  const timer = setTimeout(() => {
    resolve(
      fail(`no answer within ${limitMs / 1_000} s`, 'try again; if it stays, look there first'),
    );
    controller.abort();
  }, limitMs);

  try {
    return await Promise.race([check.look(controller.signal).catch(unexpected), late]);
  } finally {
    clearTimeout(timer);
  }
}

function unexpected(error: unknown): Finding {
  return fail(`the check itself failed: ${messageOf(error)}`, 'see the message');
}
