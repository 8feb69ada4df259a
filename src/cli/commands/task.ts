// Commands on one task: follow it, cancel it, retry it.
import type { ProgressRow, TaskView } from '../../core/queue.ts';
import { operations } from '../../operations/catalogue.ts';
import { type OperationContext, perform } from '../../operations/operation.ts';
import { exitCodes } from '../failure.ts';
import { follow } from '../follow.ts';
import { shortId } from '../plain.ts';
import type { Run } from '../program.ts';
import { openSession, present, type Session, withClient } from '../session.ts';
import { endLine, folderText } from '../views/task.ts';
import { interruption } from '../interruption.ts';

const interrupted = 130;

export const watchCommand: Run = async (screen, [task], options) => {
  const session = openSession(screen, options);

  return await withClient(session, async (context) => {
    const found = await perform(operations.progress, context, { task });
    return await watchTask(session, context, found.task.id);
  });
};

/** Follows a task, says how it ended, and answers with the exit code. Ctrl-C leaves the task running. */
export async function watchTask(
  session: Session,
  context: OperationContext,
  taskId: string,
): Promise<number> {
  const { screen, options } = session;
  using stop = interruption();
  const asJson = (row: ProgressRow) => screen.result(JSON.stringify({ type: 'progress', row }));
  const task = await follow(context, taskId, {
    screen,
    signal: stop.signal,
    ...(options.json && { onRow: asJson }),
  });

  if (stop.signal.aborted && task.completedAt === null) {
    screen.say(`The task goes on. Follow it again with: nightshift watch ${shortId(taskId)}`);
    return interrupted;
  }
  if (options.json) screen.result(JSON.stringify({ type: 'task', task: withoutBrief(task) }));
  else sayEnd(session, task);
  const isGood =
    task.status === 'complete' || (task.status === 'partial' && task.folderUrl !== null);

  return isGood ? exitCodes.ok : exitCodes.failed;
}

/** The folder alone goes to stdout: it is the result. */
export function sayEnd({ screen }: Session, task: TaskView): void {
  const colour = task.status === 'complete' ? 'green' : 'red';
  screen.say(screen.paint(task.status === 'partial' ? 'yellow' : colour, endLine(task)));
  if (task.folderUrl !== null) screen.result(folderText(task.folderUrl));
}

// Attachments can be megabytes, and whoever watches has handed them in.
function withoutBrief({ brief: _, ...task }: TaskView): Omit<TaskView, 'brief'> {
  return task;
}

export const cancelCommand: Run = async (screen, [task], options) => {
  const session = openSession(screen, options);
  const answer = await withClient(session, (context) =>
    perform(operations.cancel, context, { task }),
  );

  present(session, answer, () => [`Task ${shortId(answer.task_id)} is ${answer.status}.`]);
  return exitCodes.ok;
};

export const retryCommand: Run = async (screen, [task], options) => {
  const session = openSession(screen, options);
  const answer = await withClient(session, (context) =>
    perform(operations.retry, context, { task }),
  );

  const runs = answer.runs === 1 ? '1 run' : `${answer.runs} runs`;
  present(session, answer, () => [
    `Task ${shortId(answer.task_id)} is ${answer.status}: ${runs} queued again.`,
  ]);
  return exitCodes.ok;
};
