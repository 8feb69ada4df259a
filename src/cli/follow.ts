// Follows one task until it ends: one live line per agent on a terminal, plain lines elsewhere.
import { setTimeout as wait } from 'node:timers/promises';

import type { ProgressRow, TaskView } from '../core/queue.ts';
import { isTerminalTask } from '../core/task.ts';
import { operations } from '../operations/catalogue.ts';
import { type OperationContext, perform } from '../operations/operation.ts';
import { agentLines, type Latest, rowLine } from './views/progress.ts';
import type { Screen } from './screen.ts';

export type FollowOptions = {
  screen: Screen;
  /** Ends the following, not the task. */
  signal: AbortSignal;
  /** Called with each new row instead of writing it for people. */
  onRow?(row: ProgressRow): void;
};

// Quick enough to look alive. Rows are few bytes; the task itself, with its brief, is read only when it has moved.
const lookMs = 300;
const reloadMs = 2_000;

/** Resolves with the task once it has ended, or as it was when `signal` aborted. Shows it meanwhile. */
export async function follow(
  context: OperationContext,
  taskId: string,
  options: FollowOptions,
): Promise<TaskView> {
  const { screen, signal } = options;
  const latest: Latest = new Map();
  let after = 0;
  let task = await load(context, taskId);
  let loadedAt = performance.now();

  try {
    for (;;) {
      // Before the rows: what is read after the end of the task is all there is.
      const ended = isTerminalTask(task.status);
      const rows = await context.queue.readProgress(task.id, after);
      after = rows.at(-1)?.id ?? after;
      show({ task, rows, latest }, options);
      if ((ended && rows.length === 0) || signal.aborted) return task;

      if (!ended && (rows.length > 0 || performance.now() - loadedAt > reloadMs)) {
        task = await load(context, task.id);
        loadedAt = performance.now();
      }
      if (!isTerminalTask(task.status)) await wait(lookMs, undefined, { signal }).catch(() => null);
    }
  } finally {
    screen.keep();
  }
}

async function load(context: OperationContext, taskId: string): Promise<TaskView> {
  const found = await perform(operations.status, context, { task: taskId });
  if (found.type === 'task') return found.task;
  throw new Error('a task was asked for, and the queue answered');
}

function show(
  seen: { task: TaskView; rows: ProgressRow[]; latest: Latest },
  { screen, onRow }: FollowOptions,
): void {
  for (const row of seen.rows) {
    if (row.agent !== null) seen.latest.set(row.agent, row);
    if (onRow !== undefined) onRow(row);
    else if (!screen.isLive) screen.say(rowLine(row));
  }
  if (screen.isLive && onRow === undefined) screen.draw(agentLines(seen.task, seen.latest, screen));
}
