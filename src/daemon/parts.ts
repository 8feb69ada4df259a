// Puts the daemon's parts together: lanes, turns, recorder, heartbeat and housekeeping, around one set of claims.
import type { Log } from '../core/ports.ts';
import type { TurnResult } from '../core/queue.ts';
import type { DaemonContext } from './context.ts';
import type { DiskWatch } from './disk-watch.ts';
import { createGate, type Gate } from './gate.ts';
import { createHeartbeat, type Heartbeat } from './heartbeat.ts';
import { createHeld, type Held } from './held.ts';
import { createHousekeeping, sweepOnce } from './housekeeping.ts';
import { createKept, type Kept } from './kept.ts';
import { createLanes, handBack, type Lanes } from './lanes.ts';
import type { Batch } from './outbox.ts';
import type { Refused } from './refused.ts';
import { watchDisk } from './paused.ts';
import { createRegistration, type Registration } from './registration.ts';
import type { Room } from './round-trip.ts';
import { createTally, type Tally } from './tally.ts';
import type { Ticker } from './ticker.ts';
import { createTurns, type Turns } from './turn.ts';

export type Parts = {
  held: Held;
  turns: Turns;
  kept: Kept;
  disk: DiskWatch;
  heartbeat: Heartbeat;
  housekeeping: Ticker;
  registration: Registration;
  /** One sweep. Never rejects. */
  sweep(): Promise<void>;
  tally: Tally;
  gate: Gate;
  /** Aborting it ends every wait for the database. */
  giveUp: AbortController;
  /** Runs and deliveries under way; those that wait to be settled do not count. */
  working(): number;
  /** True when nothing is under way, everything is settled, and nothing that is due would fit. */
  isQuiet(): boolean;
};

export function createParts(context: DaemonContext): Parts {
  const { queue, clock, log } = context;
  const giveUp = new AbortController();
  const held = createHeld();
  const kept = createKept(context, { held, signal: giveUp.signal });
  const gate = createGate();
  const registration = createRegistration(context);
  const tally = createTally(log);
  const base = { queue, clock, log, workerId: context.worker.id, signal: giveUp.signal };
  const { register } = registration;
  const disk = watchDisk(context, () => turns.ask());

  const turns = createTurns({
    ...base,
    register,
    drainSteps: kept.steps.drain,
    keep: kept.outcomes.keep,
    replaced: kept.outcomes.refused,
    room: () => freeRoom({ disk, lanes, heartbeat }),
    begin(result, sentAt) {
      tally.claimed(result);
      disk.glance();
      // What a turn that was under way brings after the stop began is not worked on any more.
      if (turns.isClosed()) handBack({ held, turns }, result);
      else lanes.begin(result, sentAt);
    },
    ...bookkeeping({ held, tally, kept }, log),
    rested: () => gate.check(),
  });

  const lanes = createLanes({
    context,
    held,
    disk,
    isCurrent: () => heartbeat.isCurrent(),
    gate,
    turns,
    steps: kept.steps,
    signal: giveUp.signal,
  });
  const ask = (): void => turns.ask();
  const { leaseSeconds, sweepSeconds } = context.settings;
  const heartbeat = createHeartbeat({ ...base, held, register, leaseSeconds, missed: ask });
  const sweeping = { ...base, sweepSeconds, refresh: heartbeat.refresh, found: ask };
  return {
    held,
    turns,
    kept,
    disk,
    registration,
    tally,
    gate,
    giveUp,
    heartbeat,
    housekeeping: createHousekeeping(sweeping),
    sweep: () => sweepOnce(sweeping),
    working: lanes.working,
    isQuiet: () => lanes.working() === 0 && turns.isAtRest() && held.size() === 0,
  };
}

/** A worker that may be thought dead takes no delivery: its effects outside could meet those of another. */
function freeRoom(parts: Pick<Parts, 'disk' | 'heartbeat'> & { lanes: Lanes }): Room {
  if (parts.disk.reason() !== null) return { runs: 0, deliveries: 0 };
  const free = parts.lanes.room();

  return free.deliveries === 0 || parts.heartbeat.isCurrent() ? free : { ...free, deliveries: 0 };
}

/** Takes note of how each outcome was taken: what is settled is not held any more. */
function bookkeeping({ held, tally, kept }: Pick<Parts, 'held' | 'tally' | 'kept'>, log: Log) {
  return {
    settled(batch: Batch, result: TurnResult) {
      // First: it asks what is held what the outcomes are about.
      kept.outcomes.answered(batch, result);
      for (const token of batch.runs) held.drop('run', token);
      for (const token of batch.deliveries) held.drop('delivery', token);
      tally.settled(batch, result);
    },
    given({ kind, token }: Refused) {
      held.drop(kind, token);
      log.error('an outcome was given up: only its deadline ends it now', { kind, ...token });
    },
  };
}
