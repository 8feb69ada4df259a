// Sweeps the queue now and then: work of dead workers becomes due again, and what bugs left behind is repaired.
import { messageOf } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Queue, SweepResult } from '../core/queue.ts';
import { scrub } from './scrub.ts';
import { createTicker, type Ticker } from './ticker.ts';

export type HousekeepingPorts = {
  queue: Pick<Queue, 'sweep'>;
  sweepSeconds: number;
  clock: Clock;
  log: Log;
  /** Makes sure that the sweep does not take this very worker for dead; false when that cannot be said. */
  refresh(): Promise<boolean>;
  /** Called when a sweep made something due. */
  found(): void;
};

/** Sweeps every `sweepSeconds`, and at each knock. */
export function createHousekeeping(ports: HousekeepingPorts): Ticker {
  return createTicker(ports.clock, async () => {
    await sweepOnce(ports);

    return ports.sweepSeconds * 1_000;
  });
}

/** Never rejects: the next sweep will do. */
export async function sweepOnce(ports: HousekeepingPorts): Promise<void> {
  try {
    // After a sleep of the machine we may be the first to sweep, and would find ourselves silent.
    if (await ports.refresh()) tell(ports, await ports.queue.sweep());
  } catch (error) {
    ports.log.warn('a sweep failed', { error: scrub(messageOf(error)) });
  }
}

function tell({ log, found }: HousekeepingPorts, swept: SweepResult): void {
  const { repaired, ...recovered } = swept;
  const total = recovered.runsRecovered + recovered.runsFailed + recovered.deliveriesRecovered;

  if (total > 0) log.info('work of silent workers was recovered', recovered);
  if (repaired > 0)
    log.error('the queue repaired what a bug left behind: please report it', { repaired });
  if (total + repaired > 0) found();
}
