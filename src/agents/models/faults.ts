// Translates what can go wrong between us and a model provider into errors of the catalogue, free of secrets.
import { APIError } from 'openai';

import { type AppError, appError, isAppError } from '../../core/errors.ts';

const maxDetailChars = 500;

/** Turns anything that the SDK throws into an AppError. The original is dropped: it may quote the key. */
export function faultOf(error: unknown, key: string): AppError {
  if (isAppError(error)) return error;

  const detail = scrub(sayError(error), key);
  if (error instanceof SyntaxError) return appError('model_garbled', { detail });
  if (!(error instanceof APIError)) return appError('model_unavailable', { detail });

  const status = statusOf(error);
  const wait = retryAfterOf(error);
  const facts = { detail, status, ...(wait === null ? {} : { retryAfterMs: wait }) };
  if (error.code === 'insufficient_quota') return appError('model_refused', facts);
  if (status === 429) return appError('model_rate_limited', facts);
  if (status === 408 || status === 409 || status >= 500)
    return appError('model_unavailable', facts);

  return appError('model_refused', { ...facts, unknownModel: isUnknownModel(error, status) });
}

/** A text without the key, nor anything that looks like one, and of a bearable length. */
function scrub(text: string, key: string): string {
  const withoutKey = key.trim() === '' ? text : text.replaceAll(key, '[key]');

  return withoutKey
    .replaceAll(/\b(?:sk-|AIza)[\w*.-]{4,}/g, '[key]')
    .replaceAll(/\bBearer\s+\S+/gi, 'Bearer [key]')
    .slice(0, maxDetailChars);
}

// An error event within a stream has no HTTP status: its payload says what it is, if anything does.
function statusOf(error: APIError): number {
  if (typeof error.status === 'number') return error.status;
  const code = Number(error.code ?? NaN);
  if (code >= 400 && code < 600) return code;

  return /rate.?limit|exhausted/i.test(`${error.type} ${error.code}`) ? 429 : 503;
}

function isUnknownModel(error: APIError, status: number): boolean {
  const says = /model\b.*(?:not found|not exist|not a valid|unknown)|not a valid model/i;

  return status === 404 || error.code === 'model_not_found' || says.test(error.message);
}

function retryAfterOf(error: APIError): number | null {
  const { headers } = error;
  const exact = Number(headers?.get('retry-after-ms') ?? NaN);
  if (exact >= 0) return exact;

  const after = headers?.get('retry-after') ?? '';
  const seconds = after === '' ? NaN : Number(after);
  if (seconds >= 0) return seconds * 1000;
  const date = Date.parse(after);
  if (!Number.isNaN(date)) return Math.max(0, date - Date.now());

  // Gemini has no header for it, but a detail in the body.
  const inBody = /"retryDelay":"([\d.]+)s"/.exec(JSON.stringify(error.error ?? null))?.[1];

  return inBody === undefined ? null : Number(inBody) * 1000;
}

// fetch hides the reason, such as ECONNREFUSED, in the cause of its own error.
function sayError(error: unknown): string {
  const texts: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    if (at.message !== '' && !texts.includes(at.message)) texts.push(at.message);
  }

  return texts.length === 0 ? String(error) : texts.join(': ');
}
