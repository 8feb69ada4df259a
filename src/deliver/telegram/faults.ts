// Turns whatever a call of the Bot API throws into an error of the catalogue that holds no token.
import { z } from 'zod';

import { type AppError, appError, messageOf } from '../../core/errors.ts';

/** How Telegram says no; the library's errors have these fields. */
const Refusal = z.object({
  error_code: z.number(),
  description: z.string(),
  parameters: z
    .object({ retry_after: z.number().optional(), migrate_to_chat_id: z.number().optional() })
    .default({}),
});

/** The library wraps what its HTTP client threw, and that names the URL, token included. */
const Wrapped = z.object({ error: z.unknown() });

const anyToken = /bot\d+(:|%3A)[\w-]+/gi;
const longest = 300;

/** The text without the token, whole or its secret half, nor anything that looks like one. */
export function redact(text: string, token: string): string {
  const [, secret = ''] = token.split(':');
  const known = [token, encodeURIComponent(token), secret].filter((part) => part.length > 8);
  const clean = known.reduce((rest, part) => rest.replaceAll(part, '…'), text);

  return clean.replace(anyToken, 'bot…').slice(0, longest);
}

/** Facts: `retryAfterMs` where Telegram named a delay, `movedTo` where a group has a new id. */
export function faultOf(error: unknown, token: string): AppError {
  const refusal = Refusal.safeParse(error).data;
  if (refusal === undefined) return unreached(error, token);

  const { error_code: code, description, parameters } = refusal;
  const detail = redact(description, token);
  const movedTo = parameters.migrate_to_chat_id;
  if (movedTo !== undefined) return appError('chat_moved', { detail, movedTo: String(movedTo) });

  switch (code) {
    case 401:
    // A token that is not even shaped like one leads to an address that does not exist.
    case 404:
      return appError('telegram_unauthorized', { detail });
    case 403:
      return appError('chat_refused', { detail });
    case 409:
      return appError('telegram_conflict', { detail });
    case 429:
      return limited(detail, parameters.retry_after);
    default:
      return code >= 500 ? passing(`Telegram: ${detail}`) : refused(detail);
  }
}

function limited(detail: string, retryAfterSeconds = 1): AppError {
  return appError('delivery_failed', {
    detail: `Telegram asks to wait (${detail})`,
    retryAfterMs: retryAfterSeconds * 1_000,
  });
}

// What Telegram answers with 400 where a chat is not there, or is there and closed to the bot.
const closedChat =
  /chat not found|user not found|chat_write_forbidden|not enough rights|have no rights|need administrator rights|peer_id_invalid|chat_id is empty|user is deactivated|chat is deactivated|group is deactivated/i;

function refused(detail: string): AppError {
  return closedChat.test(detail)
    ? appError('chat_refused', { detail })
    : appError('message_refused', { detail });
}

function unreached(error: unknown, token: string): AppError {
  const wrapped = Wrapped.safeParse(error).data?.error;
  const told = wrapped === undefined ? messageOf(error) : messageOf(wrapped);

  return passing(`Telegram did not answer (${redact(told, token)})`);
}

function passing(detail: string): AppError {
  return appError('delivery_failed', { detail });
}
