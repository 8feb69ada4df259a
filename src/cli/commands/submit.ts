// The command `submit`.
import { z } from 'zod';

import { loadAgentLibrary } from '../../app.ts';
import { type AppError, appError } from '../../core/errors.ts';
import type { SubmittedTask } from '../../core/queue.ts';
import { operations } from '../../operations/catalogue.ts';
import { listFaults } from '../../operations/faults.ts';
import { inputFaults, perform } from '../../operations/operation.ts';
import { readBriefInput, SubmitOptions } from '../brief-input.ts';
import { exitCodes } from '../failure.ts';
import { idFor, isOutOfReach, keepBrief } from '../kept.ts';
import { shortId } from '../plain.ts';
import type { Run } from '../program.ts';
import { openSession, present, type Session, withClient } from '../session.ts';
import { watchTask } from './task.ts';

const Arguments = z.tuple([z.string().optional(), z.string().optional()]);
const Watch = z.object({ watch: z.boolean().default(false) });

export const submitCommand: Run = async (screen, args, options) => {
  const session = openSession(screen, options);
  const [title, text] = Arguments.parse(args);
  const { watch } = Watch.parse(options);
  const given = readBriefInput(title, text, SubmitOptions.parse(options));
  const input = { ...given.input, id: idFor(given.input) };
  const agents = loadAgentLibrary(session.app);
  const faults = [...given.faults, ...inputFaults(operations.submit, { agents }, input)];
  if (faults.length > 0) throw appError('brief_invalid', { detail: listFaults(faults), faults });

  const handed = await handIn(session, input);
  if (handed.type === 'kept') return await sayKept(session, { ...handed, input, watch });
  const { task } = handed;
  sayQueued(session, task, watch);

  return watch
    ? await withClient(session, (context) => watchTask(session, context, task.id))
    : exitCodes.ok;
};

type Handed = { type: 'queued'; task: SubmittedTask } | { type: 'kept'; reason: AppError };
type Input = Record<string, unknown> & { id: unknown };

async function handIn(session: Session, input: Input): Promise<Handed> {
  try {
    const submit = withClient(session, (context) => perform(operations.submit, context, input));
    return { type: 'queued', task: await submit };
  } catch (error) {
    // Also where the answer was lost on its way: handed in again, the id is known.
    if (isOutOfReach(error)) return { type: 'kept', reason: error };
    throw error;
  }
}

function sayQueued(session: Session, task: SubmittedTask, watch: boolean): void {
  const said = `Task ${task.id} ${task.repeated ? 'was handed in before' : 'is queued'}.`;
  const hint = `Follow it with: nightshift watch ${shortId(task.id)}`;
  if (!watch) present(session, task, () => [`${said} ${hint}`]);
  // A watched task is a stream of lines, and this is its first.
  else if (session.options.json) session.screen.result(JSON.stringify({ type: 'submitted', task }));
  else session.screen.say(said);
}

/** The brief is safe: that is a success, though there is nothing to follow yet. */
async function sayKept(
  session: Session,
  { reason, input, watch }: { reason: AppError; input: Input; watch: boolean },
): Promise<number> {
  const { screen } = session;
  const { id, status } = await keepBrief(session, input, reason);

  screen.say(`nightshift: ${reason.message}`);
  screen.say(
    'The brief is kept on this machine, and handed in as soon as its daemon reaches the database.',
  );
  present(session, { id, status, folderName: null, repeated: false }, () => [
    `Task ${id} is kept on this machine.`,
  ]);
  if (watch) {
    screen.say(`There is nothing to watch yet. Later: nightshift watch ${shortId(id)}`);
  }
  return exitCodes.ok;
}
