// The command `logs`: the progress of a task, or what the daemon says of itself.
import { z } from 'zod';

import { appError } from '../../core/errors.ts';
import { operations } from '../../operations/catalogue.ts';
import { perform } from '../../operations/operation.ts';
import { exitCodes } from '../failure.ts';
import { interruption } from '../interruption.ts';
import { lineForPeople, parseLine } from '../log-line.ts';
import { followLog, lastLines, logFileOf } from '../log-reader.ts';
import { moment, plain } from '../plain.ts';
import type { Run } from '../program.ts';
import { openSession, present, type Session, withClient } from '../session.ts';
import { rowLine } from '../views/progress.ts';
import { watchTask } from './task.ts';

const LogsOptions = z.object({ follow: z.boolean().default(false), lines: z.string() });
const Lines = z.coerce.number().int().min(0).max(100_000);

export const logsCommand: Run = async (screen, [task], options) => {
  const session = openSession(screen, options);
  const { follow, lines } = LogsOptions.parse(options);
  if (task === undefined) return await daemonLog(session, { follow, count: countOf(lines) });

  return await withClient(session, async (context) => {
    const found = await perform(operations.progress, context, { task });
    if (follow) return await watchTask(session, context, found.task.id);

    present(session, found.rows, () =>
      found.rows.map((row) => `${moment(row.createdAt)}  ${rowLine(row)}`),
    );
    return exitCodes.ok;
  });
};

function countOf(lines: string): number {
  const count = Lines.safeParse(lines);
  if (count.success) return count.data;
  throw appError('usage', { detail: `--lines ${lines}: write a number, such as --lines 50` });
}

/** As JSON: the lines of the file as they are, one by one, so that they can be followed too. */
async function daemonLog(
  { screen, app, options }: Session,
  { follow, count }: { follow: boolean; count: number },
): Promise<number> {
  const show = (text: string): void => screen.result(options.json ? text : shown(text));
  using stop = interruption();
  const lines = count === 0 ? [] : lastLines(app.home, count);

  if (lines.length === 0 && !follow) screen.say(`There is no log yet (${logFileOf(app.home)}).`);
  for (const line of lines) show(line);
  if (follow) await followLog(app.home, show, stop.signal);
  return exitCodes.ok;
}

function shown(text: string): string {
  const line = parseLine(text);
  if (line === null) return plain(text);

  return `${moment(line.time ?? null)}  ${lineForPeople(line)}`;
}
