// Turns what PostgreSQL refuses into errors of the catalogue; the one place that knows SQLSTATEs.
import { appError, type AppError, type ErrorCode, isAppError, messageOf } from '../core/errors.ts';

/** Refusals raised by our own functions. */
export const refusals = {
  NS001: 'lease_lost',
  NS002: 'brief_invalid',
  NS003: 'agent_unknown',
  NS004: 'dependency_invalid',
  NS005: 'task_not_found',
  NS006: 'task_not_retriable',
  NS007: 'task_over',
  NS008: 'worker_unknown',
  NS009: 'database_newer',
  NS010: 'contents_removed',
} as const satisfies Record<string, ErrorCode>;

// What passes by itself, or can be mended from outside, and is not the call's fault: connection, resources (a full disk, no
// connections left), operator, system, lost races; a login that is turned away, a database that is gone, damaged pages.
const passing = [
  /^08/,
  /^53/,
  /^57/,
  /^58/,
  /^40/,
  /^55P03$/,
  /^25006$/,
  /^28/,
  /^3D000$/,
  /^XX00[12]$/,
];

/** The error of the catalogue for anything thrown by a call; other errors of ours pass as they are. */
export function fromDatabase(error: unknown, call: string): AppError {
  if (isAppError(error)) return error;

  const sqlstate = sqlstateOf(error);
  const detail = messageOf(error);
  const refusal = Object.entries(refusals).find(([state]) => state === sqlstate)?.[1];
  if (refusal !== undefined) return appError(refusal, { detail }, { cause: error });

  const code = isPassing(sqlstate) ? 'database_unavailable' : 'database_failed';

  return appError(code, { detail, call, sqlstate: sqlstate ?? null }, { cause: error });
}

// Without a SQLSTATE the statement never came back: refused, cut, timed out.
function isPassing(sqlstate: string | undefined): boolean {
  return sqlstate === undefined || passing.some((pattern) => pattern.test(sqlstate));
}

function sqlstateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;

  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code)
    ? error.code
    : undefined;
}
