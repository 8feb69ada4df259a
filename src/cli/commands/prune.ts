// The command `prune`: lets go of what is old enough, page by page, until nothing is left.
import { z } from 'zod';

import { appError } from '../../core/errors.ts';
import { addCounts, type PruneCounts, prunedPages } from '../../core/retention.ts';
import { operations } from '../../operations/catalogue.ts';
import { type OperationContext, perform } from '../../operations/operation.ts';
import { exitCodes } from '../failure.ts';
import { interruption } from '../interruption.ts';
import type { Run } from '../program.ts';
import { openSession, present, type Session, withClient } from '../session.ts';
import { prunedLines, prunedText } from '../views/pruned.ts';

const PruneOptions = z.object({
  olderThan: z.string().optional(),
  dryRun: z.boolean().default(false),
});
type PruneOptions = z.infer<typeof PruneOptions>;

const interrupted = 130;

export const pruneCommand: Run = async (screen, _args, options) => {
  const session = openSession(screen, options);
  const given = PruneOptions.parse(options);
  using stop = interruption();
  const removed = await withClient(session, (context) =>
    pruneAll({ session, context, signal: stop.signal }, given),
  );

  const { dryRun } = given;
  present(session, { dry_run: dryRun, removed }, () => prunedLines(removed, { dryRun }));
  if (!stop.signal.aborted) return exitCodes.ok;
  screen.say('Stopped. Nothing is half done; the same command goes on.');
  return interrupted;
};

type Work = { session: Session; context: OperationContext; signal: AbortSignal };

/** What went until there was no more, or until Ctrl-C. */
async function pruneAll(
  { session, context, signal }: Work,
  { olderThan, dryRun }: PruneOptions,
): Promise<PruneCounts> {
  const { screen } = session;
  const input = { dry_run: dryRun, ...(olderThan !== undefined && daysOf(olderThan)) };
  const pages = prunedPages(
    (limit, after) => perform(operations.prune, context, { ...input, limit, after }),
    () => performance.now(),
  );
  let removed: PruneCounts = {};

  try {
    for await (const page of pages) {
      removed = addCounts(removed, page.removed);
      if (screen.isLive) screen.draw([prunedText(removed, { dryRun })]);
      if (signal.aborted) break;
    }
  } finally {
    if (screen.isLive) screen.draw([]);
  }
  return removed;
}

function daysOf(text: string): { older_than_days: number } {
  const days = Number(text);
  if (text.trim() !== '' && days > 0 && days <= 36_500) return { older_than_days: days };

  throw appError('usage', {
    detail: `--older-than ${text}: write a number of days, such as --older-than 90`,
  });
}
