// Letting go of what is old enough, one page at a call, so that each call is short at every door.
import { z } from 'zod';

import { appError } from '../core/errors.ts';
import {
  olderThan,
  PruneCursor,
  PrunedPage,
  prunedKinds,
  type PrunePolicy,
} from '../core/retention.ts';
import { type OperationContext, operation } from './operation.ts';

export const prune = operation({
  name: 'prune',
  summary: 'Remove what is older than the settings keep it, or than a number of days',
  input: z.strictObject({
    /** Everything that ended longer ago, finished tasks included, instead of what the settings say. */
    older_than_days: z.number().positive().max(36_500).optional(),
    /** Counts what would go, and removes nothing. */
    dry_run: z.boolean().default(false),
    /** Rows to look at in this call. */
    limit: z.number().int().min(1).max(500).default(50),
    /** The `next` of the call before; without it, from the beginning. */
    after: PruneCursor.nullable().default(null),
  }),
  output: PrunedPage,
  async run(context, { older_than_days: days, dry_run: dryRun, limit, after }) {
    const policy = policyFor(context, days);

    return await context.queue.prune({ policy, limit, dryRun, after });
  },
});

function policyFor({ retention }: OperationContext, days: number | undefined): PrunePolicy {
  if (days !== undefined) return olderThan(days, { contents: retention?.contents ?? null });
  if (retention !== undefined && prunedKinds.some((kind) => retention[kind] !== null)) {
    return retention;
  }

  throw appError('usage', {
    detail: 'the settings keep everything for ever (retention.*): name a number of days',
  });
}
