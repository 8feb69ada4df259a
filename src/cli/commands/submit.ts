// The command `submit`.
import { z } from 'zod';

import { appError } from '../../core/errors.ts';
import { operations } from '../../operations/catalogue.ts';
import { listFaults } from '../../operations/faults.ts';
import { inputFaults, perform } from '../../operations/operation.ts';
import { readBriefInput, SubmitOptions } from '../brief-input.ts';
import { exitCodes } from '../failure.ts';
import { shortId } from '../plain.ts';
import type { Run } from '../program.ts';
import { openSession, present, withClient } from '../session.ts';
import { watchTask } from './task.ts';

const Arguments = z.tuple([z.string().optional(), z.string().optional()]);
const Watch = z.object({ watch: z.boolean().default(false) });

export const submitCommand: Run = async (screen, args, options) => {
  const session = openSession(screen, options);
  const [title, text] = Arguments.parse(args);
  const { watch } = Watch.parse(options);
  const given = readBriefInput(title, text, SubmitOptions.parse(options));

  return await withClient(session, async (context) => {
    const faults = [...given.faults, ...inputFaults(operations.submit, context, given.input)];
    if (faults.length > 0) throw appError('brief_invalid', { detail: listFaults(faults), faults });

    const task = await perform(operations.submit, context, given.input);
    const said = `Task ${task.id} ${task.repeated ? 'was handed in before' : 'is queued'}.`;
    const hint = `Follow it with: nightshift watch ${shortId(task.id)}`;
    if (!watch) present(session, task, () => [`${said} ${hint}`]);
    // A watched task is a stream of lines, and this is its first.
    else if (session.options.json) screen.result(JSON.stringify({ type: 'submitted', task }));
    else screen.say(said);

    return watch ? await watchTask(session, context, task.id) : exitCodes.ok;
  });
};
