// The command `status`: one task, or the daemon, its workers and the queue.
import type { OperationContext } from '../../operations/operation.ts';
import { findOwner, findTroubles, lookAtSpool, readRecovery } from '../../app.ts';
import { isAppError, messageOf } from '../../core/errors.ts';
import type { QueueState } from '../../core/queue.ts';
import { operations } from '../../operations/catalogue.ts';
import { perform } from '../../operations/operation.ts';
import { exitCodes } from '../failure.ts';
import { findKept, isOutOfReach } from '../kept.ts';
import { type LogLine, parseLine } from '../log-line.ts';
import { lastLines } from '../log-reader.ts';
import type { Run } from '../program.ts';
import type { Screen } from '../screen.ts';
import { GlobalOptions, openSession, present, withClient } from '../session.ts';
import { homeOf } from '../settings.ts';
import { daemonDetails, type DaemonView } from '../views/daemon.ts';
import { keptDetails, spoolFacts } from '../views/spool.ts';
import { queueDetails, type RunningAgent } from '../views/queue.ts';
import { taskDetails } from '../views/task.ts';

export const statusCommand: Run = async (screen, [task], given) => {
  if (task === undefined) return await showDaemon(screen, given);
  const session = openSession(screen, given);

  try {
    return await withClient(session, async (context) => {
      const found = await perform(operations.status, context, { task });
      if (found.type === 'task') present(session, found.task, () => taskDetails(found.task));
      return exitCodes.ok;
    });
  } catch (error) {
    const isUnknown = isAppError(error) && error.code === 'task_not_found';
    const kept = isUnknown || isOutOfReach(error) ? await findKept(session.app.home, task) : null;
    if (!kept) throw error;
    present(session, kept, () => keptDetails(kept));
    return exitCodes.ok;
  }
};

async function showDaemon(screen: Screen, given: unknown): Promise<number> {
  const { home: flag, json } = GlobalOptions.parse(given);
  const daemon = await daemonView(homeOf(flag));
  const { queue, problem } = await readQueue(screen, given);
  // Without a daemon here and a database elsewhere there is nothing to show, but what waits on this machine.
  const isBare = daemon.pid === null && daemon.recovery === null && spoolFacts(daemon).length === 0;
  if (queue === null && isBare) throw problem;

  const isWell = queue !== null && daemon.recovery === null;
  if (json) {
    const error = problem && { code: codeOf(problem), message: messageOf(problem) };
    const { state, runningAgents } = queue ?? {};
    const view = { daemon, ...(error && { error }), ...state, ...(queue && { runningAgents }) };
    screen.result(JSON.stringify(view, null, 2));
  } else if (queue === null) {
    for (const line of daemonDetails(daemon, messageOf(problem))) screen.result(line);
  } else {
    for (const line of queueDetails(queue.state, daemon, queue.runningAgents)) screen.result(line);
  }
  return isWell ? exitCodes.ok : exitCodes.failed;
}

type Seen = { state: QueueState; runningAgents: RunningAgent[] };

/** A daemon can say how it is when its database, or the configuration of this command, cannot. */
async function readQueue(
  screen: Screen,
  given: unknown,
): Promise<{ queue: Seen; problem: null } | { queue: null; problem: Error }> {
  try {
    const queue = await withClient(openSession(screen, given), async (context) => ({
      state: await context.queue.readState(),
      runningAgents: await runningAgents(context),
    }));
    return { queue, problem: null };
  } catch (error) {
    return { queue: null, problem: error instanceof Error ? error : new Error(String(error)) };
  }
}

function codeOf(problem: Error): string {
  return isAppError(problem) ? problem.code : 'unexpected';
}

async function daemonView(home: string): Promise<DaemonView> {
  const owner = await findOwner(home);

  return {
    profile: owner?.profile ?? null,
    pid: owner?.pid ?? null,
    startedAt: owner?.started_at ?? null,
    workerId: owner?.worker_id ?? null,
    recovery: readRecovery(home),
    troubles: owner === null ? [] : await findTroubles(home),
    spool: await lookAtSpool(home).catch(() => null),
    lastError: lastError(home),
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
