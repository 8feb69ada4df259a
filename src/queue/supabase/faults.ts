// Turns what Supabase answers instead of a result into errors of the catalogue.
import { z } from 'zod';

import { type AppError, appError, messageOf } from '../../core/errors.ts';
import { fromDatabase } from '../sqlstate.ts';
import type { Exchange } from './exchange.ts';
import { hideKey } from './key.ts';

export type FaultOptions = {
  /** Name of the SQL function. */
  call: string;
  /** The project's address, without anything secret in it. */
  origin: string;
  key: string;
  timeoutMs: number;
};

// PostgREST's error object, and the gateway's, which has a message only.
const Fault = z.object({ code: z.string().catch(''), message: z.string().catch('') });

const longestText = 300;
const sqlstate = /^(?!PGRST)[0-9A-Z]{5}$/;

/** The error for an answer that is no result; `error` is what the client library made of it. */
export function faultOf(error: unknown, exchange: Exchange, options: FaultOptions): AppError {
  const { code, message } = Fault.catch({ code: '', message: '' }).parse(error);
  const text = hideKey(message, options.key).slice(0, longestText);
  // Never the original: it may hold the request, and the request holds the key.
  const cause = Object.assign(new Error(text || 'no text'), { code });

  if (exchange.status === undefined) return unreachable(exchange.failure, options);
  if (sqlstate.test(code)) return fromDatabase(cause, options.call);
  if (code === 'PGRST202') return functionMissing(options, cause);
  if (isAboutKey(code, exchange.status)) {
    return appError(
      'database_key_refused',
      { detail: text, ...factsOf(exchange, options) },
      { cause },
    );
  }

  const isPassing = isPassingStatus(exchange.status, code);
  return appError(
    isPassing ? 'database_unavailable' : 'database_failed',
    { detail: describe(exchange.status, text), ...factsOf(exchange, options) },
    { cause },
  );
}

/** The error for an answer that the status calls good and that is no JSON: something else answered. */
export function garbled(exchange: Exchange, options: FaultOptions): AppError {
  return appError('database_unavailable', {
    detail: `${options.origin} sent an answer that is cut off or is not Supabase's`,
    ...factsOf(exchange, options),
  });
}

function unreachable(failure: unknown, options: FaultOptions): AppError {
  const { call, origin, timeoutMs, key } = options;
  if (failure instanceof Error && failure.name === 'TimeoutError') {
    const detail = `${origin} gave no answer within ${timeoutMs / 1_000} seconds`;
    return appError('database_unavailable', { detail, call });
  }

  const reason = hideKey(reasonOf(failure), key).slice(0, longestText);
  return appError('database_unavailable', { detail: `${origin} is out of reach: ${reason}`, call });
}

// `fetch failed` says nothing; the reason is a cause or two deeper.
function reasonOf(failure: unknown): string {
  if (failure instanceof Error && failure.cause !== undefined) return reasonOf(failure.cause);
  if (failure instanceof AggregateError && failure.errors.length > 0) {
    return reasonOf(failure.errors[0]);
  }

  return failure === undefined ? 'the connection broke' : messageOf(failure);
}

function functionMissing({ call, origin }: FaultOptions, cause: Error): AppError {
  return appError(
    'database_behind',
    {
      detail:
        `${origin} has no function ${call} in this form. Apply the migrations (supabase db push); ` +
        `when they are applied, run: notify pgrst, 'reload schema'`,
      call,
    },
    { cause },
  );
}

// PGRST3xx is PostgREST's judgement of a token; the gateway's has no code.
function isAboutKey(code: string, status: number): boolean {
  return /^PGRST3\d\d$/.test(code) || (code === '' && (status === 401 || status === 403));
}

// What may be over by itself. A 404 without a code is a gateway that does not know the project (yet), 402 one
// over its quota, 540 a paused one: none is the call's fault, so what it carries must be kept.
function isPassingStatus(status: number, code: string): boolean {
  return status >= 500 || (code === '' && [402, 404, 408, 425, 429].includes(status));
}

function describe(status: number, text: string): string {
  // Whole pages come from proxies and content networks.
  const said = text.trimStart().startsWith('<') || text === '' ? '' : `: ${text}`;
  const hint =
    status === 540
      ? ' (the project is paused: restore it in the dashboard)'
      : status === 402
        ? ' (the project is over its quota)'
        : status === 404
          ? ' (is SUPABASE_URL right?)'
          : '';

  return `HTTP ${status}${hint}${said}`;
}

function factsOf({ status, retryAfterMs }: Exchange, { call }: FaultOptions) {
  return { call, status, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
