// How long things are kept: what the database lets go of, by kind, and how a long removal is cut into short calls.
import { z } from 'zod';

import type { Settings } from './config/settings.ts';
import { isAppError } from './errors.ts';

export const prunedKinds = [
  'steps',
  'progress',
  'attempts',
  'contents',
  'tasks',
  'polls',
  'workers',
] as const;
export type PrunedKind = (typeof prunedKinds)[number];

/** Days after which each kind goes; null keeps it for ever. Days of tasks and of their parts count from the task's end. */
export type PrunePolicy = Record<PrunedKind, number | null>;

/** Rows removed, by kind. Of tasks only the tasks themselves are counted, not what goes with them. */
export const PruneCounts = z.partialRecord(z.enum(prunedKinds), z.number().int());
export type PruneCounts = z.infer<typeof PruneCounts>;

/** Where a removal goes on; made by the database, and only handed back to it. */
export const PruneCursor = z.object({ kind: z.enum(prunedKinds), at: z.unknown().optional() });
export type PruneCursor = z.infer<typeof PruneCursor>;

/** What one call removed. `next` is null when nothing is left to look at. */
export const PrunedPage = z.object({ removed: PruneCounts, next: PruneCursor.nullable() });
export type PrunedPage = z.infer<typeof PrunedPage>;

/** What the settings say. Tries at deliveries go with what agents said, ended workers with the polls. */
export function policyOf(retention: Settings['retention']): PrunePolicy {
  const progress = daysOf(retention.progress_days);
  const polls = daysOf(retention.polls_days);

  return {
    steps: daysOf(retention.steps_days),
    progress,
    attempts: progress,
    contents: daysOf(retention.contents_days),
    tasks: daysOf(retention.tasks_days),
    polls,
    workers: polls,
  };
}

/**
 * Everything that is older, finished tasks included. Contents of files are left to the settings: those of a task go with
 * it, and a task that has to stay keeps its files.
 */
export function olderThan(days: number, { contents }: Pick<PrunePolicy, 'contents'>): PrunePolicy {
  const all = { steps: days, progress: days, attempts: days, tasks: days };

  return { ...all, contents, polls: days, workers: days };
}

function daysOf(days: Settings['retention']['tasks_days']): number | null {
  return days === 'off' || days === 0 ? null : days;
}

/** The counts of two pages together; kinds of which nothing went are left out. */
export function addCounts(left: PruneCounts, right: PruneCounts): PruneCounts {
  const sums = prunedKinds.map((kind) => [kind, (left[kind] ?? 0) + (right[kind] ?? 0)] as const);

  return Object.fromEntries(sums.filter(([, count]) => count > 0));
}

const firstLimit = 50;
const mostLimit = 500;
// A statement of Supabase may take 8 s; whoever waits for a locked row should hardly notice.
const longMs = 1_000;
const shortMs = 250;

export type AskPage = (limit: number, after: PruneCursor | null) => Promise<PrunedPage>;

/**
 * Asks for page after page until nothing is left. Pages grow while they are quick and shrink when they are slow: rows
 * differ in size by a thousand times. Stopping between two of them is harmless. `now` is monotonic, in ms. Rejects as
 * `ask` does; a page that the database had no time for is asked for again, smaller.
 */
export async function* prunedPages(
  ask: AskPage,
  now: () => number,
): AsyncGenerator<{ removed: PruneCounts; tookMs: number }, void> {
  let after: PruneCursor | null = null;
  let limit = firstLimit;

  for (;;) {
    const startedAt = now();
    const page: PrunedPage | null = await ask(limit, after).catch((error: unknown) => {
      if (limit > 1 && isAppError(error) && error.code === 'database_unavailable') return null;
      throw error;
    });
    const tookMs = now() - startedAt;
    if (page === null) limit = Math.ceil(limit / 8);
    else {
      yield { removed: page.removed, tookMs };
      if (page.next === null) return;

      after = page.next;
      limit = nextLimit(limit, tookMs);
    }
  }
}

function nextLimit(limit: number, tookMs: number): number {
  if (tookMs > longMs) return Math.max(1, Math.floor(limit / 2));

  return tookMs < shortMs ? Math.min(mostLimit, limit * 2) : limit;
}
