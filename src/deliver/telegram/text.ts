// The message of an ended task as Telegram shows it: text with entities, in parts that Telegram takes.
import { fileURLToPath } from 'node:url';

import type * as Format from '@grammyjs/parse-mode';
import type { InlineKeyboardMarkup, MessageEntity } from 'grammy/types';

import type { DeliveredTask } from '../../core/delivery.ts';
import type { TaskStatus } from '../../core/task.ts';
import { plainLines, taskMessage } from '../message.ts';
import { cleanLine } from '../wording.ts';
import { buttonRow, isOpenable } from './buttons.ts';

/** What is sent in one call. */
export type Part = (
  | { type: 'text'; text: string; entities: MessageEntity[] }
  | { type: 'file'; name: string; content: string; caption: string }
) & { buttons?: InlineKeyboardMarkup };

type Line = ReturnType<typeof taskMessage>[number];
type ParseMode = typeof Format;
type FormattedString = Format.FormattedString;

/** In UTF-16 units. */
const longestText = 4_096;
/** What is longer becomes a file: people read a list in a chat, but no book. */
const mostTexts = 3;
const longestPath = 1_000;

/** The message in parts, buttons under the last. `isHeard` tells whether a bot listens to buttons other than links. */
export async function messageParts(task: DeliveredTask, isHeard: boolean): Promise<Part[]> {
  const format = await import('@grammyjs/parse-mode');
  const lines = taskMessage(task);
  const texts = splitText(formatLines(lines, { format, outcome: task.outcome }));
  const parts = texts.length > mostTexts ? withFile(texts, lines) : texts.map(textPart);
  const buttons = endedButtons(task, { lines, isHeard });

  return parts.map((part, at) =>
    buttons !== undefined && at === parts.length - 1 ? { ...part, buttons } : part,
  );
}

function textPart({ text, entities }: FormattedString): Part {
  return { type: 'text', text, entities };
}

function withFile(texts: FormattedString[], lines: Line[]): Part[] {
  const content = `${plainLines(lines).join('\n')}\n`;
  const caption = 'The whole message: it is too long for a chat';

  return [
    ...texts.slice(0, 1).map(textPart),
    { type: 'file', name: 'message.txt', content, caption },
  ];
}

function formatLines(
  lines: Line[],
  { format, outcome }: { format: ParseMode; outcome: TaskStatus },
): FormattedString {
  const { fmt, FormattedString: Formatted } = format;
  const blank = new Formatted('');

  const blocks = lines.flatMap((line, at) => {
    const text = formatLine(line, format);
    if (line.type === 'title') return [fmt`${iconOf(outcome)} ${text}`];
    return line.type !== lines[at - 1]?.type && isApart(line) ? [blank, text] : [text];
  });

  return Formatted.join(blocks, '\n');
}

function isApart({ type }: Line): boolean {
  return type === 'agent' || type === 'link';
}

function formatLine(line: Line, { fmt, FormattedString: Formatted }: ParseMode): FormattedString {
  switch (line.type) {
    case 'title':
      return Formatted.b(line.text);
    case 'notice':
      return Formatted.i(line.text);
    case 'agent':
      return fmt`${Formatted.b(line.agent)}: ${line.text}`;
    case 'link':
      return line.href === null
        ? new Formatted(plainLines([line]).join(''))
        : fmt`${line.text}: ${formatLink(line.href, Formatted)}`;
    case 'outcome':
    case 'problem':
    case 'facts':
      return new Formatted(line.text);
  }
}

// A chat is often read elsewhere than where the files are: a path can be copied, a file: link opens nothing.
function formatLink(href: string, Formatted: ParseMode['FormattedString']): FormattedString {
  return isOpenable(href) ? Formatted.a('open the folder', href) : Formatted.code(pathOf(href));
}

function pathOf(href: string): string {
  try {
    return cleanLine(fileURLToPath(href), longestPath);
  } catch {
    return cleanLine(href, longestPath);
  }
}

function endedButtons(
  task: DeliveredTask,
  { lines, isHeard }: { lines: Line[]; isHeard: boolean },
): InlineKeyboardMarkup | undefined {
  const link = lines.find((line) => line.type === 'link');
  const canRetry = ['partial', 'failed', 'cancelled'].includes(task.outcome);

  return buttonRow(link?.href ?? null, {
    verbs: isHeard && canRetry ? ['retry'] : [],
    taskId: task.id,
  });
}

function iconOf(outcome: TaskStatus): string {
  switch (outcome) {
    case 'complete':
      return '✅';
    case 'partial':
      return '⚠️';
    case 'failed':
      return '❌';
    case 'cancelled':
      return '🚫';
    case 'pending':
    case 'running':
    case 'delivering':
      return '⏳';
  }
}

/** Parts that Telegram takes, cut at line ends where there are any, never within a character. */
export function splitText(whole: FormattedString): FormattedString[] {
  const parts: FormattedString[] = [];

  for (let rest = whole; rest.rawText.length > 0;) {
    const { end, next } = cutOf(rest.rawText);
    const part = rest.slice(0, end);
    // Telegram refuses a message without any text.
    if (part.rawText.trim() !== '') parts.push(part);
    rest = rest.slice(next);
  }

  return parts;
}

function cutOf(text: string): { end: number; next: number } {
  if (text.length <= longestText) return { end: text.length, next: text.length };

  const lineEnd = text.lastIndexOf('\n', longestText);
  if (lineEnd > 0) return { end: lineEnd, next: lineEnd + 1 };

  const isPair = /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(
    text.slice(longestText - 1, longestText + 1),
  );
  const end = isPair ? longestText - 1 : longestText;
  return { end, next: end };
}
