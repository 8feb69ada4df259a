// The two lanes side by side: claimed runs go to agents, claimed deliveries to sinks, and outcomes to the turns.
import type { ClaimedDelivery, DeliveryOutcome } from '../core/delivery.ts';
import type { Token, TurnResult } from '../core/queue.ts';
import type { ClaimedRun, RunOutcome } from '../core/run.ts';
import { abortReason } from './aborted.ts';
import type { DaemonContext } from './context.ts';
import { workDelivery } from './deliveries-lane.ts';
import type { Gate } from './gate.ts';
import type { Held, Kind } from './held.ts';
import { createLane, type Lane } from './lane.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { persist } from './persist.ts';
import type { Room } from './round-trip.ts';
import { type RunPorts, workRun } from './runs-lane.ts';
import type { Turns } from './turn.ts';

export type Lanes = {
  room(): Room;
  /** Runs and deliveries under way. */
  working(): number;
  /** Begins the work on all that a turn has claimed. */
  begin(result: TurnResult, sentAt: number): void;
};

export type LaneParts = {
  context: DaemonContext;
  held: Held;
  gate: Gate;
  turns: Turns;
  /** Aborted when the daemon gives up on the database. */
  signal: AbortSignal;
};

export function createLanes(parts: LaneParts): Lanes {
  const { concurrencyRuns, concurrencyDeliveries } = parts.context.settings;
  const runs = createRunsLane(parts);
  const deliveries = createDeliveriesLane(parts);
  const room = (): Room => ({ runs: runs.room(), deliveries: deliveries.room() });

  return {
    room,
    working() {
      const free = room();
      return concurrencyRuns - free.runs + concurrencyDeliveries - free.deliveries;
    },
    begin(result, sentAt) {
      for (const run of result.runs) runs.begin(run, sentAt);
      for (const delivery of result.deliveries) deliveries.begin(delivery, sentAt);
    },
  };
}

function createRunsLane(parts: LaneParts): Lane<ClaimedRun> {
  const { context, held, turns } = parts;
  const { agents, queue, runAgent, clock, log, settings } = context;
  const { record } = recorderOf(parts);
  const reserve: RunPorts['reserve'] = (call, signal) =>
    persist('reserve cost', () => queue.reserveCost(call), { clock, log, signal });
  const ports = { agents, runAgent, clock, log, record, reserve };

  return createLane<ClaimedRun, RunOutcome>({
    kind: 'run',
    concurrency: settings.concurrencyRuns,
    held,
    taskIdOf: (run) => run.taskId,
    work: (run, holding, sentAt) => workRun(ports, run, { holding, sentAt }),
    done(token, outcome) {
      if (outcome === undefined) forget(parts, 'run', token);
      else turns.addRun({ ...token, outcome });
      parts.gate.check();
    },
  });
}

function createDeliveriesLane(parts: LaneParts): Lane<ClaimedDelivery> {
  const { context, held, turns } = parts;
  const { sinks, readDeliverable, clock, log, settings } = context;
  const timeoutSeconds = settings.deliveryTimeoutSeconds;
  const ports = { sinks, read: readDeliverable, timeoutSeconds, clock, log };

  return createLane<ClaimedDelivery, DeliveryOutcome>({
    kind: 'delivery',
    concurrency: settings.concurrencyDeliveries,
    held,
    taskIdOf: (delivery) => delivery.task.id,
    work: (delivery, holding, sentAt) => workDelivery(ports, delivery, { holding, sentAt }),
    done(token, outcome) {
      if (outcome === undefined) forget(parts, 'delivery', token);
      else turns.addDelivery({ ...token, outcome });
      parts.gate.check();
    },
  });
}

function recorderOf({ context, held, signal }: LaneParts): Recorder {
  const { queue, clock, log } = context;

  return createRecorder({
    queue,
    clock,
    log,
    signal,
    taken({ answer, ...token }) {
      const reason = abortReason(answer);
      if (reason !== undefined) held.abort('run', token, reason);
    },
  });
}

/** The database has taken the claim away: there is nothing to settle. */
function forget({ held, turns }: LaneParts, kind: Kind, token: Token): void {
  held.drop(kind, token);
  // No outcome fetches the next claim, and what was said to be due while no slot was free is forgotten by now.
  turns.ask();
}
