// Puts the daemon's parts together: lanes, turns, recorder, heartbeat and housekeeping, around one set of claims.
import type { ClaimedDelivery, DeliveryOutcome } from '../core/delivery.ts';
import type { Token, TurnResult } from '../core/queue.ts';
import type { ClaimedRun, RunOutcome } from '../core/run.ts';
import { abortReason } from './aborted.ts';
import type { DaemonContext } from './context.ts';
import { workDelivery } from './deliveries-lane.ts';
import { createGate, type Gate } from './gate.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createHeld, type Held, type Kind } from './held.ts';
import { createHousekeeping, sweepOnce } from './housekeeping.ts';
import { createLane, type Lane } from './lane.ts';
import { createRecorder } from './recorder.ts';
import { createRegistration, type Registration } from './registration.ts';
import { workRun } from './runs-lane.ts';
import { createTally, type Tally } from './tally.ts';
import type { Ticker } from './ticker.ts';
import { createTurns, type Turns } from './turn.ts';

export type Parts = {
  held: Held;
  turns: Turns;
  heartbeat: Ticker;
  housekeeping: Ticker;
  registration: Registration;
  /** One sweep. Never rejects. */
  sweep(): Promise<void>;
  tally: Tally;
  gate: Gate;
  /** Aborting it ends every wait for the database. */
  giveUp: AbortController;
  /** True when no work is under way, settled or not. */
  isWorkOver(): boolean;
  /** True when, besides, everything is settled and nothing that is due would fit. */
  isQuiet(): boolean;
};

type Lanes = { runs: Lane<ClaimedRun>; deliveries: Lane<ClaimedDelivery> };

export function createParts(context: DaemonContext): Parts {
  const { queue, clock, log, settings } = context;
  const giveUp = new AbortController();
  const held = createHeld();
  const gate = createGate();
  const registration = createRegistration(context);
  const tally = createTally(log);
  const base = { queue, clock, log, workerId: context.worker.id, signal: giveUp.signal };
  const { register } = registration;

  const turns = createTurns({
    ...base,
    register,
    room: () => ({ runs: lanes.runs.room(), deliveries: lanes.deliveries.room() }),
    begin: (result, sentAt) => begin({ tally, lanes }, result, sentAt),
    settled(batch, result) {
      for (const token of batch.runs) held.drop('run', token);
      for (const token of batch.deliveries) held.drop('delivery', token);
      tally.settled(batch, result);
    },
    given({ kind, token }) {
      held.drop(kind, token);
      log.error('an outcome was given up: the run will be found by its deadline', {
        kind,
        ...token,
      });
    },
    rested: () => gate.check(),
  });

  const lanes = createLanes({ context, held, gate, turns, signal: giveUp.signal });
  const sweeping = {
    ...base,
    sweepSeconds: settings.sweepSeconds,
    found: () => turns.ask(),
  };
  const isWorkOver = (): boolean =>
    lanes.runs.room() === settings.concurrencyRuns &&
    lanes.deliveries.room() === settings.concurrencyDeliveries;

  return {
    held,
    turns,
    registration,
    tally,
    gate,
    giveUp,
    heartbeat: createHeartbeat({
      ...base,
      held,
      register,
      leaseSeconds: settings.leaseSeconds,
      slept: () => turns.ask(),
    }),
    housekeeping: createHousekeeping(sweeping),
    sweep: () => sweepOnce(sweeping),
    isWorkOver,
    isQuiet: () => isWorkOver() && turns.isAtRest() && held.size() === 0,
  };
}

function begin(
  { tally, lanes }: { tally: Tally; lanes: Lanes },
  result: TurnResult,
  sentAt: number,
): void {
  tally.claimed(result);
  for (const run of result.runs) lanes.runs.begin(run, sentAt);
  for (const delivery of result.deliveries) lanes.deliveries.begin(delivery, sentAt);
}

type LaneParts = {
  context: DaemonContext;
  held: Held;
  gate: Gate;
  turns: Turns;
  signal: AbortSignal;
};

function createLanes({ context, held, gate, turns, signal }: LaneParts): Lanes {
  const { agents, sinks, runAgent, readDeliverable, clock, log, settings, queue } = context;
  const recorder = createRecorder({
    queue,
    clock,
    log,
    signal,
    taken({ answer, ...token }) {
      const reason = abortReason(answer);
      if (reason !== undefined) held.abort('run', token, reason);
    },
  });
  const runPorts = { agents, runAgent, clock, log, record: recorder.record };
  const timeoutSeconds = settings.deliveryTimeoutSeconds;
  const deliveryPorts = { sinks, read: readDeliverable, timeoutSeconds, clock, log };

  return {
    runs: createLane<ClaimedRun, RunOutcome>({
      kind: 'run',
      concurrency: settings.concurrencyRuns,
      held,
      taskIdOf: (run) => run.taskId,
      work: (run, holding, sentAt) => workRun(runPorts, run, { holding, sentAt }),
      done(token, outcome) {
        if (outcome === undefined) forget('run', token);
        else turns.addRun({ ...token, outcome });
        gate.check();
      },
    }),
    deliveries: createLane<ClaimedDelivery, DeliveryOutcome>({
      kind: 'delivery',
      concurrency: settings.concurrencyDeliveries,
      held,
      taskIdOf: (delivery) => delivery.task.id,
      work: (delivery, holding, sentAt) =>
        workDelivery(deliveryPorts, delivery, { holding, sentAt }),
      done(token, outcome) {
        if (outcome === undefined) forget('delivery', token);
        else turns.addDelivery({ ...token, outcome });
        gate.check();
      },
    }),
  };

  function forget(kind: Kind, token: Token): void {
    held.drop(kind, token);
    turns.slotFreed();
  }
}
