// The two lanes side by side: claimed runs go to agents, claimed deliveries to sinks, and outcomes to the turns.
import type { ClaimedDelivery, DeliveryOutcome } from '../core/delivery.ts';
import type { Token, TurnResult } from '../core/queue.ts';
import type { ClaimedRun, RunOutcome } from '../core/run.ts';
import type { DaemonContext } from './context.ts';
import { workDelivery } from './deliveries-lane.ts';
import type { DiskWatch } from './disk-watch.ts';
import type { Gate } from './gate.ts';
import { type Held, type Kind, takenFrom } from './held.ts';
import { createLane, type Lane } from './lane.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { persist } from './persist.ts';
import { createProbation, type Probation } from './probation.ts';
import type { Room } from './round-trip.ts';
import { type RunPorts, workRun } from './runs-lane.ts';
import type { StepSpool } from './step-spool.ts';
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
  disk: Pick<DiskWatch, 'full'>;
  /** False while others may think this worker dead. */
  isCurrent(): boolean;
  gate: Gate;
  turns: Turns;
  steps: StepSpool;
  /** Aborted when the daemon gives up on the database. */
  signal: AbortSignal;
};

export function createLanes(parts: LaneParts): Lanes {
  const { concurrencyRuns, concurrencyDeliveries } = parts.context.settings;
  const probation = createProbation();
  const runs = createRunsLane(parts, probation);
  const deliveries = createDeliveriesLane(parts);

  return {
    room: () => ({ runs: probation.isOn() ? 0 : runs.room(), deliveries: deliveries.room() }),
    working: () => concurrencyRuns - runs.room() + concurrencyDeliveries - deliveries.room(),
    begin(result, sentAt) {
      const { begun, back } = probation.part(result.runs);
      for (const run of begun) runs.begin(run, sentAt);
      handBack(parts, { runs: back, deliveries: [] });
      for (const delivery of result.deliveries) deliveries.begin(delivery, sentAt);
    },
  };
}

/** What was claimed and is not begun goes back without costing a try. */
export function handBack(
  { held, turns }: Pick<LaneParts, 'held' | 'turns'>,
  { runs, deliveries }: Pick<TurnResult, 'runs' | 'deliveries'>,
): void {
  for (const { id, attempt, taskId, agent } of runs) {
    held.add('run', { id, attempt }, { taskId, name: agent });
    turns.addRun({ id, attempt, outcome: { type: 'release' } });
  }
  for (const { id, attempt, task, sink } of deliveries) {
    held.add('delivery', { id, attempt }, { taskId: task.id, name: sink });
    turns.addDelivery({ id, attempt, outcome: { type: 'release' } });
  }
}

function createRunsLane(parts: LaneParts, probation: Probation): Lane<ClaimedRun> {
  const { context, held, turns } = parts;
  const { agents, queue, runAgent, clock, log, settings } = context;
  const recorder = recorderOf(parts);
  const pass = (token: Token): void => {
    // Nothing was claimed meanwhile: what is due now has to be asked for.
    if (probation.pass(token)) turns.ask();
  };
  const record: RunPorts['record'] = async (step, signal) => {
    const answer = await recorder.record(step, signal);
    pass({ id: step.runId, attempt: step.attempt });
    return answer;
  };
  const reserve: RunPorts['reserve'] = (call, signal) =>
    persist(
      'reserve cost',
      async () => {
        // What earlier calls have cost is known by their steps: until then all that was set aside for them counts.
        await parts.steps.drain();
        return await queue.reserveCost(call);
      },
      { clock, log, signal },
    );
  const { full } = parts.disk;
  const ports = { agents, runAgent, clock, log, record, reserve, full };

  return createLane<ClaimedRun, RunOutcome>({
    kind: 'run',
    concurrency: settings.concurrencyRuns,
    held,
    about: ({ taskId, agent }) => ({ taskId, name: agent }),
    work: (run, holding, sentAt) => workRun(ports, run, { holding, sentAt }),
    done(token, outcome) {
      pass(token);
      if (outcome === undefined) forget(parts, 'run', token);
      else turns.addRun({ ...token, outcome });
      parts.gate.check();
    },
  });
}

function createDeliveriesLane(parts: LaneParts): Lane<ClaimedDelivery> {
  const { context, held, isCurrent, turns } = parts;
  const { sinks, readDeliverable, clock, log, settings } = context;
  const timeoutSeconds = settings.deliveryTimeoutSeconds;
  const { full } = parts.disk;
  const ports = { sinks, read: readDeliverable, timeoutSeconds, clock, isCurrent, log, full };

  return createLane<ClaimedDelivery, DeliveryOutcome>({
    kind: 'delivery',
    concurrency: settings.concurrencyDeliveries,
    held,
    about: ({ task, sink }) => ({ taskId: task.id, name: sink }),
    work: (delivery, holding, sentAt) => workDelivery(ports, delivery, { holding, sentAt }),
    done(token, outcome) {
      if (outcome === undefined) forget(parts, 'delivery', token);
      else turns.addDelivery({ ...token, outcome });
      parts.gate.check();
    },
  });
}

function recorderOf({ context, held, signal, steps }: LaneParts): Recorder {
  const { queue, clock, log } = context;

  return createRecorder({
    queue,
    clock,
    log,
    signal,
    steps,
    taken: (answer) => takenFrom(held, answer),
  });
}

/** The database has taken the claim away: there is nothing to settle. */
function forget({ held, turns }: LaneParts, kind: Kind, token: Token): void {
  held.drop(kind, token);
  // No outcome fetches the next claim, and what was said to be due while no slot was free is forgotten by now.
  turns.ask();
}
