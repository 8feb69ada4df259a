// The command `status`: one task, or the daemon, its workers and the queue.
import type { OperationContext } from '../../operations/operation.ts';
import { findOwner } from '../../app.ts';
import { operations } from '../../operations/catalogue.ts';
import { perform } from '../../operations/operation.ts';
import { exitCodes } from '../failure.ts';
import { type LogLine, parseLine } from '../log-line.ts';
import { lastLines } from '../log-reader.ts';
import type { Run } from '../program.ts';
import { openSession, present, type Session, withClient } from '../session.ts';
import { type DaemonView, queueDetails, type RunningAgent } from '../views/queue.ts';
import { taskDetails } from '../views/task.ts';

export const statusCommand: Run = async (screen, [task], options) => {
  const session = openSession(screen, options);
  const input = task === undefined ? {} : { task };

  return await withClient(session, async (context) => {
    const found = await perform(operations.status, context, input);
    if (found.type === 'task') {
      present(session, found.task, () => taskDetails(found.task));
      return exitCodes.ok;
    }

    const daemon = await daemonView(session);
    const running = await runningAgents(context);
    present(session, { daemon, ...found.queue, runningAgents: running }, () =>
      queueDetails(found.queue, daemon, running),
    );
    return exitCodes.ok;
  });
};

async function daemonView({ app }: Session): Promise<DaemonView> {
  const owner = await findOwner(app.home);

  return {
    profile: owner?.profile ?? null,
    pid: owner?.pid ?? null,
    startedAt: owner?.started_at ?? null,
    lastError: lastError(app.home),
  };
}

// Far enough back to be worth telling; an older error is in the log.
const linesToLookThrough = 2_000;

function lastError(home: string): DaemonView['lastError'] {
  const last = lastLines(home, linesToLookThrough)
    .toReversed()
    .map(parseLine)
    .find((line): line is LogLine => line?.level === 'error');

  if (last === undefined) return null;
  const reason = typeof last.error === 'string' ? `${last.msg}: ${last.error}` : last.msg;
  return { at: last.time ?? null, message: reason };
}

const mostTasks = 20;

/** The agents at work now, over all workers. */
async function runningAgents(context: OperationContext): Promise<RunningAgent[]> {
  const tasks = await perform(operations.list, context, { status: 'running', limit: mostTasks });
  const views = await Promise.all(tasks.map(({ id }) => context.queue.readTask(id)));

  return views.flatMap((view) =>
    (view?.runs ?? [])
      .filter(({ status }) => status === 'running')
      .map(({ agent, startedAt }) => ({
        agent,
        startedAt,
        taskId: view?.id ?? '',
        title: view?.title ?? '',
      })),
  );
}
