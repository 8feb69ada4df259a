// What the bot does for a command or a pressed button, and what it answers.
import type { InlineKeyboardMarkup } from 'grammy/types';

import type { QueueState, TaskSubmission, TaskSummary } from '../../core/queue.ts';
import { isTerminalTask, type TaskStatus } from '../../core/task.ts';
import { cleanLine } from '../wording.ts';
import { buttonRow, type Pressed } from './buttons.ts';

/** The verbs of the product that the bot offers. All throw errors of the catalogue. */
export type BotOperations = {
  /** The same idempotency key answers with the same task. */
  submit(task: TaskSubmission): Promise<{ id: string }>;
  status(): Promise<QueueState>;
  /** Newest first. */
  list(): Promise<TaskSummary[]>;
  /** `prefix`: a task's id or its first four or more characters. */
  cancel(prefix: string): Promise<{ task_id: string; status: TaskStatus }>;
  retry(prefix: string): Promise<{ task_id: string; runs: number }>;
};

export type Answer = { text: string; buttons?: InlineKeyboardMarkup };
export type Command = { name: string; rest: string; updateId: number };

const longestTitle = 300;
const mostListed = 10;

export const help = [
  '/new <text> hands in a task: the first line is its title, the rest describes it',
  '/tasks lists the newest tasks',
  '/status shows what waits and what runs',
  '/cancel <id> cancels a task',
  '/retry <id> runs the failed agents of a task again',
].join('\n');

/** A command addressed to this bot; undefined for any other text. */
export function parseCommand(
  text: string,
  username: string,
): Omit<Command, 'updateId'> | undefined {
  const [, name = '', addressee, rest = ''] = /^\/(\w+)(?:@(\w+))?(?:\s+([^]*))?$/.exec(text) ?? [];
  const isOurs = addressee === undefined || addressee.toLowerCase() === username.toLowerCase();

  return name !== '' && isOurs ? { name: name.toLowerCase(), rest: rest.trim() } : undefined;
}

export async function runCommand(
  { name, rest, updateId }: Command,
  operations: BotOperations,
): Promise<Answer> {
  switch (name) {
    case 'new':
      return rest === ''
        ? {
            text: 'Write the task behind the command: /new <title>, and in the next lines what it is for',
          }
        : await submitText(rest, { operations, updateId });
    case 'status':
      return { text: statusText(await operations.status()) };
    case 'tasks':
      return { text: listText(await operations.list()) };
    case 'cancel':
    case 'retry':
      return rest === ''
        ? { text: `Name the task: /${name} <the first characters of its id>, see /tasks` }
        : { text: await change({ verb: name, taskId: rest }, operations) };
    case 'help':
    case 'start':
      return { text: help };
    default:
      return { text: `There is no /${name}.\n\n${help}` };
  }
}

/** Does what a button or command says, and tells what came of it. */
export async function change(
  { verb, taskId }: Pressed,
  operations: BotOperations,
): Promise<string> {
  if (verb === 'cancel') {
    const { task_id: id } = await operations.cancel(taskId);
    return `Task ${short(id)} is cancelled`;
  }

  const { task_id: id, runs } = await operations.retry(taskId);
  return `Task ${short(id)} runs again: ${runs} ${runs === 1 ? 'agent' : 'agents'}`;
}

async function submitText(
  text: string,
  { operations, updateId }: { operations: BotOperations; updateId: number },
): Promise<Answer> {
  const [first = '', ...others] = text.split(/\r?\n/);
  const title = cleanLine(first, longestTitle);
  // A first line that is too long for a title is told in full below it.
  const isWhole = title === cleanLine(first, Infinity);
  const described = isWhole ? others.join('\n').trim() : text;

  const { id } = await operations.submit({
    title: title || 'Untitled task',
    description: described || text,
    triggeredBy: 'telegram',
    // Telegram hands an update out again until it is confirmed.
    idempotencyKey: `telegram:${updateId}`,
  });
  const buttons = buttonRow(null, { verbs: ['cancel'], taskId: id });

  return { text: `Task ${short(id)} is in the queue: ${title}`, ...(buttons && { buttons }) };
}

function statusText({ runsWaiting, runsRunning, tasks, workers, lastPoll }: QueueState): string {
  const counts = Object.entries(tasks).map(([status, count]) => `${count} ${status}`);
  const alive = workers.filter((worker) => worker.alive).length;

  return [
    `Agents: ${runsRunning} running, ${runsWaiting} waiting`,
    `Tasks: ${counts.join(', ') || 'none'}`,
    `Workers: ${alive}`,
    `Last poll: ${lastPoll === null ? 'none' : lastPoll.startedAt}`,
  ].join('\n');
}

function listText(tasks: TaskSummary[]): string {
  if (tasks.length === 0) return 'There are no tasks: hand one in with /new';

  return tasks.slice(0, mostListed).map(taskLine).join('\n');
}

function taskLine({ id, title, status, runsEnded, agents }: TaskSummary): string {
  const done = isTerminalTask(status) ? '' : ` (${runsEnded} of ${agents.length})`;

  return `${short(id)} ${status}${done}: ${cleanLine(title, 80)}`;
}

function short(id: string): string {
  return id.slice(0, 8);
}
