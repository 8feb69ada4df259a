// Judges what a call to Google threw: what to tell people, and whether to try again.
import { z } from 'zod';

import {
  type AppError,
  appError,
  type ErrorCode,
  isAppError,
  messageOf,
} from '../../core/errors.ts';
import { cleanLine } from '../wording.ts';
import type { DriveCredentials } from './credentials.ts';

/** `again`: the same call may succeed by and by. `renew`: it may succeed with a new token. */
export type Verdict = { error: AppError; again: boolean; renew: boolean };

export type Circumstances = {
  account: DriveCredentials['type'];
  /** The call's name, such as `files.create`. */
  call: string;
  /** Values that no message may hold. */
  secrets: readonly string[];
};

// Only these are read from an error: it also carries the request with its headers, the token and the body.
const Failure = z.object({
  response: z.object({ status: z.number(), headers: z.instanceof(Headers), data: z.unknown() }),
});
const OAuthReply = z.object({ error: z.string(), error_description: z.string().optional() });
const ApiReply = z.object({
  error: z.object({
    message: z.string().optional(),
    errors: z.array(z.object({ reason: z.string().optional() })).optional(),
    details: z.array(z.object({ reason: z.string().optional() })).optional(),
  }),
});

const rateLimits = ['rateLimitExceeded', 'userRateLimitExceeded', 'sharingRateLimitExceeded'];
const fullReasons = [
  'storageQuotaExceeded',
  'teamDriveFileLimitExceeded',
  'numChildrenInNonRootLimitExceeded',
];
const disabledReasons = ['accessNotConfigured', 'SERVICE_DISABLED'];
/** A daily limit is gone by tomorrow; until then an hourly look costs nothing. */
const dailyLimitRetryMs = 3_600_000;

/** The error holds nothing of the request, and no `cause`: that would be the request itself. */
export function judge(thrown: unknown, circumstances: Circumstances): Verdict {
  const error = isAppError(thrown) ? thrown : errorOf(thrown, circumstances);

  return {
    error,
    // What is gone stays gone; a whole new delivery may still find its way.
    again: error.retriable && error.code !== 'drive_gone',
    renew: error.facts['status'] === 401 && error.facts['call'] !== 'token',
  };
}

function errorOf(thrown: unknown, circumstances: Circumstances): AppError {
  const failure = Failure.safeParse(thrown);
  if (!failure.success) return unanswered(thrown, circumstances);

  const { status, headers, data } = failure.data.response;
  const oauth = OAuthReply.safeParse(data);
  if (oauth.success) {
    const reply = { status, code: oauth.data.error, text: oauth.data.error_description ?? '' };
    return tokenFault(reply, circumstances);
  }
  const api = ApiReply.safeParse(data).data?.error;
  const told = [...(api?.errors ?? []), ...(api?.details ?? [])];
  return apiFault(
    {
      status,
      reasons: told.flatMap(({ reason }) => reason ?? []),
      text: withoutSecrets(cleanLine(api?.message ?? ''), circumstances),
      retryAfterMs: retryAfterMs(headers.get('retry-after')),
    },
    circumstances,
  );
}

type Refusal = {
  status: number;
  reasons: string[];
  text: string;
  retryAfterMs: number | undefined;
};

/** Nothing came back: the connection, a time limit, or a library that gave up. */
function unanswered(thrown: unknown, circumstances: Circumstances): AppError {
  const name = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  const detail = withoutSecrets(cleanLine(name || rootOf(thrown)), circumstances);

  return appError('drive_unavailable', { detail, call: circumstances.call });
}

function rootOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause === undefined ? messageOf(thrown) : rootOf(cause);
}

function tokenFault(
  { status, code, text }: { status: number; code: string; text: string },
  circumstances: Circumstances,
): AppError {
  const isUser = circumstances.account === 'oauth';
  const facts = { call: 'token', status, reason: code };

  if (status === 429 || status >= 500) return appError('drive_unavailable', facts);
  if (code === 'invalid_grant') {
    const detail = isUser
      ? 'run `nightshift connect drive` again'
      : 'check that the key of GOOGLE_SERVICE_ACCOUNT_FILE still exists, and the clock of this machine';
    return appError('drive_signed_out', { ...facts, detail: `${detail} (${code})` });
  }
  if (code === 'invalid_client' || code === 'unauthorized_client' || code === 'deleted_client') {
    const detail = isUser
      ? 'check GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, then run `nightshift connect drive` again'
      : 'check GOOGLE_SERVICE_ACCOUNT_FILE';
    return appError('drive_signed_out', { ...facts, detail: `${detail} (${code})` });
  }
  const said = withoutSecrets(cleanLine(`${code} ${text}`), circumstances);
  return appError('drive_refused', { ...facts, detail: said });
}

function apiFault(refusal: Refusal, circumstances: Circumstances): AppError {
  const { status, reasons, text } = refusal;
  const has = (known: readonly string[]): boolean => reasons.some((one) => known.includes(one));
  const facts = { call: circumstances.call, status, reason: reasons[0] ?? null };
  const later = refusal.retryAfterMs === undefined ? {} : { retryAfterMs: refusal.retryAfterMs };
  const make = (code: ErrorCode, detail: string): AppError =>
    appError(code, { ...facts, ...later, detail });

  if (status === 401) return make('drive_signed_out', signInAdvice(circumstances.account));
  if (status === 429 || has(rateLimits)) return make('drive_busy', reasons[0] ?? `HTTP ${status}`);
  if (has(['dailyLimitExceeded'])) {
    const error = make('drive_busy', 'the daily limit is reached');
    return appError('drive_busy', { ...error.facts, retryAfterMs: dailyLimitRetryMs });
  }
  if (status === 408 || status >= 500) return make('drive_unavailable', `HTTP ${status}`);
  if (status === 404 || status === 410)
    return make('drive_gone', `${circumstances.call} (${status})`);
  if (has(fullReasons)) return make('drive_full', roomAdvice(reasons, circumstances.account));
  if (has(disabledReasons)) return make('drive_refused', enableAdvice);
  if (status === 403) return make('drive_refused', `${rightsAdvice} (${reasons[0] ?? text})`);
  return make('drive_refused', `${circumstances.call} (${status} ${reasons[0] ?? ''} ${text})`);
}

const enableAdvice =
  'enable the Google Drive API for the project of your client at https://console.cloud.google.com/apis/library/drive.googleapis.com, wait a few minutes, then retry';
const rightsAdvice =
  'give the account the right to add and change files (Content manager on a shared drive, Editor on a folder), then retry';

function signInAdvice(account: DriveCredentials['type']): string {
  return account === 'oauth'
    ? 'run `nightshift connect drive` again'
    : 'check GOOGLE_SERVICE_ACCOUNT_FILE';
}

function roomAdvice(reasons: string[], account: DriveCredentials['type']): string {
  const reason = reasons[0] ?? '';
  if (reason !== 'storageQuotaExceeded') {
    return `remove old folders, or set GOOGLE_DRIVE_PARENT_ID to another one, then retry (${reason})`;
  }
  return account === 'oauth'
    ? `free some storage or buy more, then retry (${reason})`
    : `a service account has no storage of its own: set GOOGLE_DRIVE_PARENT_ID to a folder on a shared drive, or run \`nightshift connect drive\` (${reason})`;
}

/** The text with every secret that it holds taken out. */
export function withoutSecrets(text: string, { secrets }: Pick<Circumstances, 'secrets'>): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '…'), text);
}

/** Seconds, or a date. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null || header.trim() === '') return undefined;

  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1_000;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
