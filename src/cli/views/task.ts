// Tasks in lines of text: one task in full, a list of them, their results.
import { fileURLToPath } from 'node:url';

import type { DeliverableView, TaskSummary, TaskView } from '../../core/queue.ts';
import { isTerminalTask, priorities, type TaskStatus } from '../../core/task.ts';
import { cut, duration, moment, plain, shortId, table } from '../plain.ts';

export function taskList(tasks: TaskSummary[]): string[] {
  if (tasks.length === 0) return ['No tasks.'];

  const rows = tasks.map((task) => [
    shortId(task.id),
    task.status,
    `${task.runsEnded}/${task.agents.length}`,
    priorityName(task.priority),
    moment(task.createdAt),
    plain(task.title),
  ]);
  return table([['ID', 'STATUS', 'ENDED', 'PRIORITY', 'CREATED', 'TITLE'], ...rows]);
}

function priorityName(priority: number): string {
  return Object.entries(priorities).find(([, value]) => value === priority)?.[0] ?? `${priority}`;
}

export function taskDetails(task: TaskView): string[] {
  const facts = [
    ['Task', task.id],
    ['Status', statusText(task)],
    ['Profile', `${task.profile}, priority ${priorityName(task.priority)}`],
    ['Created', moment(task.createdAt)],
    ...(task.scheduledFor === null ? [] : [['Scheduled', moment(task.scheduledFor)]]),
    ...task.waitsFor.map((upstream) => ['Waits for', upstreamText(upstream)]),
    ...(task.startedAt === null ? [] : [['Started', moment(task.startedAt)]]),
    ...(task.completedAt === null ? [] : [['Ended', moment(task.completedAt)]]),
    ...(task.error === null ? [] : [['Error', plain(task.error)]]),
    ['Results', task.folderUrl === null ? 'not published yet' : folderText(task.folderUrl)],
    ...removedNote(task.deliverables).map((note) => ['Files', note]),
  ];

  return [plain(task.title), ...table(facts), '', ...runTable(task), ...deliveryTable(task)];
}

function statusText({ status, failedAgents }: TaskSummary): string {
  return failedAgents.length === 0 ? status : `${status} (failed: ${failedAgents.join(', ')})`;
}

function runTable(task: TaskView): string[] {
  const rows = task.runs.map((run) => [
    plain(run.agent),
    run.status,
    `${run.tries}/${run.maxAttempts}`,
    run.startedAt && run.completedAt
      ? duration(Date.parse(run.completedAt) - Date.parse(run.startedAt))
      : '-',
    plain(run.error?.message ?? run.summary?.split('\n')[0] ?? ''),
  ]);

  return table([['AGENT', 'STATUS', 'TRIES', 'TOOK', 'SUMMARY'], ...rows]);
}

function deliveryTable(task: TaskView): string[] {
  if (task.deliveries.length === 0) return [];
  const rows = task.deliveries.map((delivery) => [
    delivery.sink,
    delivery.status,
    plain(delivery.error?.message ?? ''),
  ]);

  return ['', ...table([['DELIVERY', 'STATUS', ''], ...rows])];
}

/** A folder as people open it: a path where it is on this machine, otherwise its address. */
export function folderText(address: string): string {
  try {
    return plain(address.startsWith('file:') ? fileURLToPath(address) : address);
  } catch {
    return plain(address);
  }
}

export function resultLines(result: {
  folder_url: string | null;
  status: TaskStatus;
  deliverables: DeliverableView[];
}): string[] {
  if (result.folder_url === null) {
    return [
      isTerminalTask(result.status)
        ? `Nothing was published, and the task is ${result.status}: see nightshift status, then nightshift retry.`
        : `No results yet: the task is ${result.status}.`,
    ];
  }
  const files = result.deliverables.map((file) => [
    `  ${plain(file.agent)}/${plain(file.name)}`,
    plain(file.title),
  ]);

  return [folderText(result.folder_url), ...table(files), ...removedNote(result.deliverables)];
}

// Whoever looks for the bytes in the database should not look twice.
function removedNote(files: DeliverableView[]): string[] {
  const last = files
    .flatMap((file) => file.contentRemovedAt ?? [])
    .toSorted()
    .at(-1);
  if (last === undefined) return [];

  return [`kept only where they were published; the database let go of them on ${day(last)}`];
}

function day(iso: string): string {
  return moment(iso).slice(0, 'YYYY-MM-DD'.length);
}

function upstreamText({ id, status }: TaskView['waitsFor'][number]): string {
  const isStuck = status === 'failed' || status === 'cancelled';

  return `${shortId(id)}, which is ${status}${isStuck ? ': retry that one, or cancel this one' : ''}`;
}

/** The last line of a followed task. */
export function endLine(task: TaskView): string {
  const took =
    task.startedAt && task.completedAt
      ? ` after ${duration(Date.parse(task.completedAt) - Date.parse(task.startedAt))}`
      : '';
  const why = task.error === null ? '' : `: ${cut(plain(task.error), 300)}`;

  return `Task ${shortId(task.id)} is ${statusText(task)}${took}${why}`;
}
