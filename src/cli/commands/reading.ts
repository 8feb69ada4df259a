// Commands that only look: tasks, results, agents.
import { z } from 'zod';

import { keptTasks, loadAgentLibrary } from '../../app.ts';
import { operations } from '../../operations/catalogue.ts';
import { perform } from '../../operations/operation.ts';
import { agentsOf } from '../../operations/reading.ts';
import { exitCodes } from '../failure.ts';
import { shortId } from '../plain.ts';
import type { Run } from '../program.ts';
import { openSession, present, type Session, withClient } from '../session.ts';
import { agentList } from '../views/queue.ts';
import { resultLines, taskList } from '../views/task.ts';

const ListOptions = z.object({ status: z.string().optional(), limit: z.string() });

export const listCommand: Run = async (screen, _args, options) => {
  const session = openSession(screen, options);
  const { status, limit } = ListOptions.parse(options);
  const input = {
    limit: Number.isNaN(Number(limit)) ? limit : Number(limit),
    ...(status !== undefined && { status }),
  };
  await sayKept(session);
  const tasks = await withClient(session, (context) => perform(operations.list, context, input));

  present(session, tasks, () => taskList(tasks));
  return exitCodes.ok;
};

/** Also where no database answers: then it is all that there is to say. */
async function sayKept({ app, screen }: Session): Promise<void> {
  const kept = await keptTasks(app.home).catch(() => []);
  const waiting = kept.filter(({ status }) => status === 'spooled').map(({ id }) => shortId(id));
  if (waiting.length > 0) {
    screen.say(`Kept on this machine, and no tasks of the database yet: ${waiting.join(', ')}`);
  }
}

export const resultsCommand: Run = async (screen, [task], options) => {
  const session = openSession(screen, options);
  const found = await withClient(session, (context) =>
    perform(operations.results, context, { task }),
  );

  present(session, found, () => resultLines(found));
  return exitCodes.ok;
};

/** Needs no database: the agents are files. */
export const agentsCommand: Run = async (screen, _args, options) => {
  const session = openSession(screen, options);
  const agents = agentsOf(loadAgentLibrary(session.app));

  present(session, agents, () => agentList(agents));
  return exitCodes.ok;
};
