// Says in plain words why a page could not be fetched, and what to do about it.
import { type AppError, appError, isAppError, messageOf } from '../../core/errors.ts';

const texts: Record<string, string> = {
  ENOTFOUND: 'does not exist in DNS: check the spelling of the domain',
  EAI_AGAIN: 'could not be looked up in DNS: try later',
  ECONNREFUSED: 'refuses connections: check the address, or go on without this page',
  ECONNRESET: 'cut the connection: try once more, or go on without this page',
  EHOSTUNREACH: 'cannot be reached: go on without this page',
  ENETUNREACH: 'cannot be reached: go on without this page',
  ETIMEDOUT: 'does not answer: go on without this page',
  UND_ERR_CONNECT_TIMEOUT: 'does not answer: go on without this page',
  UND_ERR_HEADERS_TIMEOUT: 'took the request and never answered: go on without this page',
  UND_ERR_BODY_TIMEOUT: 'stopped in the middle of the page: try once more',
  UND_ERR_SOCKET: 'cut the connection: try once more, or go on without this page',
  UND_ERR_HEADERS_OVERFLOW: 'sends headers beyond all measure: use another page',
  HPE_HEADER_OVERFLOW: 'sends headers beyond all measure: use another page',
  Z_DATA_ERROR: 'sends a page that cannot be unpacked: use another page',
  Z_BUF_ERROR: 'sends a page that cannot be unpacked: use another page',
};

/** The AppError for whatever a fetch threw; errors of ours pass through. */
export function fetchFailure(error: unknown, host: string): AppError {
  if (isAppError(error)) return error;

  const code = codeOf(error);
  return appError(
    'fetch_failed',
    { detail: `${host} ${texts[code] ?? otherText(code)}`, host, code },
    { cause: error },
  );
}

/** The failure of a fetch that used up its whole time. */
export function tooSlow(host: string, timeoutMs: number): AppError {
  const seconds = Math.round(timeoutMs / 1_000);
  const detail = `${host} took longer than ${seconds} s: go on without this page`;

  return appError('fetch_failed', { detail, host, timeoutMs });
}

function otherText(code: string): string {
  if (code.startsWith('ERR_SSL') || code.includes('CERT') || code.includes('SIGNATURE')) {
    return `has no valid certificate (${code}): try the http address, or tell the client`;
  }
  if (code.startsWith('HPE_')) return 'does not speak HTTP: use another page';

  return `failed (${code}): try once more, or go on without this page`;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return messageOf(error);
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error.cause !== undefined) return codeOf(error.cause);

  return error.name;
}
