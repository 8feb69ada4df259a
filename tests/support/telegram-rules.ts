// What the Bot API refuses, for the test server: unknown parameters, texts, entities and buttons that Telegram would not take.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

import { z } from 'zod';

const Entity = z.strictObject({
  type: z.enum(['bold', 'italic', 'code', 'text_link']),
  offset: z.int().min(0),
  length: z.int().min(1),
  url: z.string().optional(),
});
const Button = z.strictObject({
  text: z.string().min(1),
  url: z.string().optional(),
  callback_data: z.string().optional(),
});
const Markup = z.strictObject({ inline_keyboard: z.array(z.array(Button)) });

export const SentMessage = z.object({
  chat_id: z.union([z.string(), z.int()]).transform(String),
  text: z.string().optional(),
  caption: z.string().optional(),
  entities: z.array(Entity).default([]),
  reply_markup: Markup.default({ inline_keyboard: [] }),
  link_preview_options: z.strictObject({ is_disabled: z.boolean() }).optional(),
});
export type SentMessage = z.infer<typeof SentMessage>;

// The library's type definitions are made from the official reference: they know every parameter.
const library = pathToFileURL(createRequire(import.meta.url).resolve('grammy'));
const definitions = readFileSync(new URL('../../@grammyjs/types/methods.d.ts', library), 'utf8');

/** The names of a method's parameters; undefined where there is no such method. */
export function parametersOf(method: string): string[] | undefined {
  const declared = new RegExp(`^    ${method}\\((args\\??: \\{\\n[^]*?^    \\})?`, 'm').exec(
    definitions,
  );
  if (declared === null) return undefined;

  return [...(declared[1] ?? '').matchAll(/^ {8}(\w+)\??:/gm)].map(([, name = '']) => name);
}

/** Why Telegram would refuse this message; null where it takes it. */
export function refusalOf({ text, entities, reply_markup: markup }: SentMessage): string | null {
  if (text !== undefined && text.trim() === '') return 'Bad Request: message text is empty';
  if (text !== undefined && text.length > 4_096) return 'Bad Request: message is too long';

  const entity = entities.map((one) => entityRefusal(one, text ?? '')).find((why) => why !== null);
  const buttons = markup.inline_keyboard.flat().map(buttonRefusal);

  return entity ?? buttons.find((why) => why !== null) ?? null;
}

function entityRefusal(entity: z.infer<typeof Entity>, text: string): string | null {
  const { type, offset, length, url } = entity;
  const cut = [offset, offset + length].find((at) => isInsidePair(text, at));

  if (offset + length > text.length) return 'Bad Request: ENTITY_BOUNDS_INVALID';
  if (cut !== undefined) return 'Bad Request: entity begins or ends in a middle of a UTF-16 symbol';
  if (type !== 'text_link') return null;
  return isAddress(url ?? '') ? null : 'Bad Request: ENTITY_TEXTURL_INVALID';
}

function isInsidePair(text: string, at: number): boolean {
  return /[\uD800-\uDBFF]/.test(text.charAt(at - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(at));
}

function buttonRefusal({ url, callback_data: pressed }: z.infer<typeof Button>): string | null {
  if ((url === undefined) === (pressed === undefined)) return 'Bad Request: BUTTON_TYPE_INVALID';
  if (url !== undefined) return isAddress(url) ? null : 'Bad Request: BUTTON_URL_INVALID';

  const bytes = Buffer.byteLength(pressed ?? '');
  return bytes >= 1 && bytes <= 64 ? null : 'Bad Request: BUTTON_DATA_INVALID';
}

// As Telegram has it: a host without a dot, such as localhost, is no host.
function isAddress(text: string): boolean {
  const url = URL.parse(text);

  return url !== null && /^https?:$/.test(url.protocol) && url.hostname.includes('.');
}
