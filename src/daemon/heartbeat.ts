// Tells the database that this worker lives, stops work that it has taken away, and notices that the machine slept.
import { isAppError, messageOf } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { BeatResult, Queue } from '../core/queue.ts';
import { abortReason } from './aborted.ts';
import type { Held } from './held.ts';
import { isWorthSaying } from './persist.ts';
import { scrub } from './scrub.ts';
import { createTicker, type Pause, type Ticker } from './ticker.ts';

export type HeartbeatPorts = {
  queue: Pick<Queue, 'beat'>;
  workerId: string;
  leaseSeconds: number;
  held: Held;
  clock: Clock;
  log: Log;
  /** Makes a worker known again whose row is gone. */
  register(): Promise<void>;
  /** Called when wake-ups may have been missed: the machine slept, or the worker was not known for a while. */
  missed(): void;
};

const sleepMs = 30_000;
const retryMs = 1_000;

export type Heartbeat = Ticker & {
  /**
   * Beats now if the last beat is so long ago that others may think us dead. True when this worker may judge others: not
   * when the beat fails, nor in the first moments after an outage, in which they may have been as silent as we were.
   */
  refresh(): Promise<boolean>;
  /** False once no beat got through for a lease: others may have taken the work over. Then it beats at once. */
  isCurrent(): boolean;
};

/** Beats every third of the lease, and at each knock. */
export function createHeartbeat(ports: HeartbeatPorts): Heartbeat {
  const { clock, leaseSeconds } = ports;
  const everyMs = (leaseSeconds * 1_000) / 3;
  const health: Health = { lastBeat: clock.now(), backAt: -Infinity, failures: 0 };

  const ticker = createTicker(clock, async (pause) => {
    noticeSleep(ports, pause);
    const isWell = await beatOnce(ports, health);

    return isWell ? everyMs : Math.min(everyMs, retryMs);
  });

  return {
    ...ticker,
    isCurrent() {
      // Either way round, as wall clocks can be set back.
      const isCurrent = Math.abs(clock.now() - health.lastBeat) < leaseSeconds * 1_000;
      if (!isCurrent) ticker.knock();
      return isCurrent;
    },
    async refresh() {
      const isFresh = clock.now() - health.lastBeat < everyMs * 1.5;
      const isWell = isFresh || (await beatOnce(ports, health));

      // Either way round, as wall clocks can be set back.
      return isWell && Math.abs(clock.now() - health.backAt) >= everyMs;
    },
  };
}

/**
 * Wall times: monotonic clocks of some systems stand still while the machine sleeps. `backAt` is the first beat after a
 * silence in which workers are taken for dead.
 */
type Health = { lastBeat: number; backAt: number; failures: number };

function noticeSleep({ log, missed }: HeartbeatPorts, { plannedMs, wallMs }: Pause): void {
  // Some systems stop the monotonic clock while asleep and some do not; the wall clock is late on all of them.
  const missedMs = wallMs - plannedMs;
  if (missedMs < sleepMs) return;

  log.info('the machine slept', { seconds: Math.round(missedMs / 1_000) });
  missed();
}

async function beatOnce(ports: HeartbeatPorts, health: Health): Promise<boolean> {
  const { queue, workerId, held, clock, log, leaseSeconds, missed } = ports;
  const sentAt = clock.now();

  try {
    const answer = await queue.beat(workerId, held.tokens('run'), held.tokens('delivery'));
    stopTaken(ports, answer);
    if (health.failures > 0) log.info('beats get through again', { failed: health.failures });
    const silentMs = Math.abs(sentAt - health.lastBeat);
    health.failures = 0;
    health.lastBeat = sentAt;
    // Half a lease is when a worker without a session is given up (dead_workers).
    if (silentMs > (leaseSeconds * 1_000) / 2) {
      health.backAt = clock.now();
      missed();
    }
    return true;
  } catch (error) {
    const isUnknown = isAppError(error) && error.code === 'worker_unknown';
    sayFailure(ports, health, (isUnknown && (await becomeKnown(ports))) || error);
    health.failures += 1;
    return false;
  }
}

/** Null when it worked, otherwise why it did not. */
async function becomeKnown({ register, missed }: HeartbeatPorts): Promise<unknown> {
  try {
    await register();
    // Nobody is told of due work while nobody known is there.
    missed();
    return null;
  } catch (error) {
    return error;
  }
}

function stopTaken({ held, log }: HeartbeatPorts, { abort }: BeatResult): void {
  for (const { kind, answer, ...token } of abort) {
    const reason = abortReason(answer);
    if (reason === undefined) continue;
    if (held.abort(kind, token, reason))
      log.info('work was taken away', { kind, ...token, answer });
  }
}

// Work goes on without beats: fencing keeps late outcomes harmless, and most outages are shorter than the work.
function sayFailure(
  { log, clock, leaseSeconds }: HeartbeatPorts,
  { failures, lastBeat }: Health,
  error: unknown,
): void {
  const silentSeconds = Math.round((clock.now() - lastBeat) / 1_000);
  const facts = { error: scrub(messageOf(error)), silentSeconds };

  if (failures === 0) log.warn('a beat failed', facts);
  else if (silentSeconds > leaseSeconds && isWorthSaying(failures)) {
    log.warn('no beat for longer than the lease: others may take this work over', facts);
  }
}
