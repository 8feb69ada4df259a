// Looks for work every N minutes whatever else happens, and leaves one row for each look, also an empty one.
import { type Logger, type ScheduledTask, schedule } from 'node-cron';

import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import type { PollRecord, Queue } from '../core/queue.ts';
import { isRefusal, persist, type Persistence } from './persist.ts';
import { pollTimes } from './poll-times.ts';
import { scrub } from './scrub.ts';
import { createTicker } from './ticker.ts';
import type { TurnReport } from './turn.ts';

export type PollPorts = Persistence & {
  queue: Pick<Queue, 'recordPoll'>;
  workerId: string;
  /** Looks once: a turn that is taken even when nothing seems to be due. */
  look(): Promise<TurnReport>;
};

/** One poll cycle and its row. Never rejects; waits while the database is away. */
export async function pollCycle(ports: PollPorts, trigger: PollRecord['trigger']): Promise<void> {
  const { queue, workerId, clock, log, look } = ports;
  const startedAt = new Date(clock.now()).toISOString();
  const seen = await look();

  try {
    await persist(
      'record poll',
      () => queue.recordPoll({ workerId, trigger, startedAt, ...seen }),
      ports,
    );
    log.debug('polled', { trigger, ...seen });
  } catch (error) {
    // The daemon gives up on the database: the missing row is the least of its losses.
    if (isRefusal(error)) log.error('a poll was not recorded', { error: scrub(messageOf(error)) });
  }
}

/** Polls every `minutes` until the returned function is called. */
export function startPolling(ports: PollPorts, minutes: number): () => Promise<void> {
  const { clock, log } = ports;
  let task = schedulePolls(ports, minutes);

  // Cron thinks in wall time: set back by hours, it would be silent for as long; set forward by years, it would count
  // every poll in between, one by one.
  const watch = createTicker(clock, async ({ plannedMs, wallMs }) => {
    const jumpedMs = wallMs - plannedMs;
    if (Math.abs(jumpedMs) < jumpMs) return watchEveryMs;

    log.info('the clock jumped: polls are timed anew', { seconds: Math.round(jumpedMs / 1_000) });
    await task.destroy();
    task = schedulePolls(ports, minutes);
    void pollCycle(ports, 'schedule');
    return watchEveryMs;
  });
  watch.start(watchEveryMs);

  return async () => {
    await watch.stop();
    await task.destroy();
  };
}

function schedulePolls(ports: PollPorts, minutes: number): ScheduledTask {
  const { clock, log } = ports;
  const { expression, periodMs, isExact } = pollTimes(minutes);
  let last = clock.now();

  return schedule(
    expression,
    async () => {
      // Half a knock of slack, as knocks come some ms early or late; either way round, as wall clocks can be set.
      const isTime = isExact || Math.abs(clock.now() - last) >= periodMs - slackMs;
      if (!isTime) return;

      last = clock.now();
      await pollCycle(ports, 'schedule');
    },
    { noOverlap: true, suppressMissedWarning: true, logger: cronLogger(log) },
  );
}

const watchEveryMs = 5_000;
const jumpMs = 10_000;
const slackMs = 500;

function cronLogger(log: Log): Logger {
  const say = (message: string | Error): void => log.debug('cron', { note: messageOf(message) });

  return {
    info: say,
    warn: say,
    debug: say,
    error: (message) => log.error('cron', { note: messageOf(message) }),
  };
}
