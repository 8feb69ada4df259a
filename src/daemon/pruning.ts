// Once a night, lets go of what is old enough: one worker of a database does it, in small steps, behind all other work.
import { messageOf } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Queue } from '../core/queue.ts';
import {
  addCounts,
  type AskPage,
  type PruneCounts,
  prunedPages,
  type PrunePolicy,
} from '../core/retention.ts';
import { scrub } from './scrub.ts';
import { createTicker } from './ticker.ts';

export type PruningSettings = {
  /** The hour of the night by this machine's clock, `HH:MM`. */
  at: string;
  policy: PrunePolicy;
};

export type PruningPorts = PruningSettings & {
  queue: Pick<Queue, 'prune' | 'beginPruning' | 'endPruning'>;
  workerId: string;
  clock: Clock;
  log: Log;
  /** True while runs or deliveries are under way here: then the database is left to them nearly all of the time. */
  isBusy(): boolean;
};

// Whether it is time is asked again and again, never waited for in one piece: machines sleep.
const lookMs = 600_000;

/** Begins to look; the returned function ends it, between two pages. Never rejects: the next look will do. */
export function startPruning(ports: PruningPorts): () => Promise<void> {
  const { clock, log, queue, workerId } = ports;
  const stopping = new AbortController();
  let done = Number.NaN;

  async function look(): Promise<void> {
    const now = clock.now();
    const night = lastNight(now, ports.at);
    if (night === done) return;

    const answer = await queue.beginPruning(workerId, (now - night) / 1_000);
    if (answer.state === 'begun') {
      const removed = await pruneAll(ports, stopping.signal);
      await queue.endPruning(answer.id, workerId, removed);
      log.info('pruned what was old enough', removed);
    }
    if (answer.state !== 'elsewhere') done = night;
  }

  const ticker = createTicker(clock, async () => {
    try {
      await look();
    } catch (error) {
      if (!stopping.signal.aborted) {
        log.warn('pruning failed and is tried again', { error: scrub(messageOf(error)) });
      }
    }
    return lookMs;
  });

  ticker.start(0);
  return async () => {
    stopping.abort();
    await ticker.stop();
  };
}

/** The last moment at which it was `at` o'clock on this machine; both in ms since 1970. */
export function lastNight(now: number, at: string): number {
  const [hours = 0, minutes = 0] = at.split(':').map(Number);
  const today = new Date(now);
  const moment = (daysAgo: number): number =>
    new Date(
      today.getFullYear(),
      today.getMonth(),
      today.getDate() - daysAgo,
      hours,
      minutes,
    ).getTime();

  return moment(0) <= now ? moment(0) : moment(1);
}

const shortestPauseMs = 100;
const longestPauseMs = 10_000;

async function pruneAll(ports: PruningPorts, signal: AbortSignal): Promise<PruneCounts> {
  const { clock, policy, queue, isBusy } = ports;
  const ask: AskPage = (limit, after) => queue.prune({ policy, limit, after, dryRun: false });
  let removed: PruneCounts = {};

  for await (const page of prunedPages(ask, () => clock.monotonic())) {
    removed = addCounts(removed, page.removed);
    // A fifth of the database's time, or a twentieth.
    const pauseMs = page.tookMs * (isBusy() ? 20 : 4);
    await clock.delay(Math.min(longestPauseMs, Math.max(shortestPauseMs, pauseMs)), signal);
  }
  return removed;
}
