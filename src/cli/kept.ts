// Briefs that no database can be reached for: kept on this machine under the id that their task will have.
import { createHash, randomUUID } from 'node:crypto';

import { keepTask, keptTasks, loadAgentLibrary } from '../app.ts';
import { type AppError, appError, isAppError, messageOf } from '../core/errors.ts';
import type { KeptTask } from '../core/spool.ts';
import { readSubmission } from '../operations/submit.ts';
import { makeHome } from './home.ts';
import type { Session } from './session.ts';

/** True when a command failed only because no database could be reached: then a brief can wait. */
export function isOutOfReach(error: unknown): error is AppError {
  return isAppError(error) && ['database_unavailable', 'daemon_absent'].includes(error.code);
}

/**
 * The id that a submission is handed in under, so that a repeat after a lost answer changes nothing. With an
 * idempotency key it follows from the key: whoever hands in the same again without a database is told the same id.
 */
export function idFor({ id, idempotency_key: key }: Record<string, unknown>): unknown {
  if (id !== undefined) return id;
  return typeof key === 'string' ? idFromKey(key.trim()) : randomUUID();
}

// A UUID of version 8, which is free for such uses.
function idFromKey(key: string): string {
  const hex = createHash('sha256').update(`nightshift task ${key}`).digest('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];

  return [...parts, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}

/**
 * Checks a brief as far as this machine can, and keeps it for the daemon. Throws as `submit` does, and `reason` where the
 * disk does not take it.
 */
export async function keepBrief(
  { app, screen }: Session,
  input: Record<string, unknown> & { id: unknown },
  reason: AppError,
): Promise<KeptTask> {
  const known = await keptTasks(app.home).catch(() => []);
  const surroundings = { agents: loadAgentLibrary(app) };
  const task = readSubmission(surroundings, input, (ref) => wholeId(ref, known));
  const { id = randomUUID(), title } = task;

  try {
    makeHome(app.home);
    await keepTask(app.home, { ...task, id });
  } catch (error) {
    screen.say(`nightshift: the brief could not be kept here either: ${messageOf(error)}`);
    throw reason;
  }
  return { id, title, at: new Date().toISOString(), status: 'spooled', reason: null };
}

const wholeLength = 36;

function wholeId(ref: string, known: KeptTask[]): string {
  if (ref.length === wholeLength) return ref;
  const found = known.filter(({ id, status }) => status === 'spooled' && id.startsWith(ref));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only.id;

  throw appError('usage', {
    detail: `--after ${ref}: without a database only a whole id says which task that is`,
  });
}

/** A brief of this machine that is no task of the database, by the beginning of its id. */
export async function findKept(home: string, ref: unknown): Promise<KeptTask | undefined> {
  if (typeof ref !== 'string' || ref.length < 4) return undefined;
  const wanted = ref.trim().toLowerCase();

  return (await keptTasks(home).catch(() => [])).find(({ id }) => id.startsWith(wanted));
}
