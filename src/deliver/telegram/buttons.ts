// The buttons under messages, and what the bot hears when one is pressed.
import type { InlineKeyboardMarkup } from 'grammy/types';

export type ButtonVerb = 'retry' | 'cancel';
export type Pressed = { verb: ButtonVerb; taskId: string };

type Button = InlineKeyboardMarkup['inline_keyboard'][number][number];

const longestAddress = 2_000;
const titles = { retry: 'Retry', cancel: 'Cancel' } as const satisfies Record<ButtonVerb, string>;

/** One row: Open where Telegram would take the address, then what can be done with the task. Undefined where empty. */
export function buttonRow(
  address: string | null,
  { verbs, taskId }: { verbs: readonly ButtonVerb[]; taskId: string },
): InlineKeyboardMarkup | undefined {
  const open: Button[] = isOpenable(address) ? [{ text: 'Open', url: address }] : [];
  const actions = verbs.map((verb): Button => ({
    text: titles[verb],
    callback_data: `${verb}:${taskId}`,
  }));
  const row = [...open, ...actions];

  return row.length === 0 ? undefined : { inline_keyboard: [row] };
}

/** What was pressed; undefined for anything that is not ours. */
export function parsePressed(text: string): Pressed | undefined {
  const [, verb, taskId] = /^(retry|cancel):([0-9a-f-]{36})$/.exec(text) ?? [];
  if (taskId === undefined) return undefined;

  return { verb: verb === 'retry' ? 'retry' : 'cancel', taskId };
}

/** Whether Telegram takes the address in buttons and links: one that it does not take costs the whole message. */
export function isOpenable(address: string | null): address is string {
  const url = address === null || address.length > longestAddress ? null : URL.parse(address);

  // It takes a host without a dot, such as localhost, for no host.
  return url !== null && /^https?:$/.test(url.protocol) && url.hostname.includes('.');
}
