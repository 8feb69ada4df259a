// Claims of the model: which work a worker may be given, and what being given it does.
import {
  deliveriesOf,
  type Delivery,
  isClaimable,
  type Model,
  type Run,
  runsOf,
  taskOf,
  type Work,
  type Worker,
} from './state.ts';

export type Claim = { what: 'runs' | 'deliveries'; worker: Worker; claimId: string; limit: number };

/** False for a worker that is not registered: whatever it asks for is refused. Counts as a beat now and then. */
export function greet(model: Model, worker: Worker): boolean {
  if (worker.isRetired) return false;

  if (worker.beatAt < model.now - worker.leaseMs / 3) worker.beatAt = model.now;
  return true;
}

/** What an earlier call with this claim id was given and still holds; undefined where there was none. */
export function heldBy<Held extends Work>(
  model: Model,
  { what, worker, claimId }: Claim,
  all: Held[],
): Held[] | undefined {
  const held = all.filter(
    (work) => work.status === 'running' && work.worker === worker.id && work.claim === claimId,
  );

  return held.length > 0 || model.claims.has(`${what} ${claimId}`) ? held : undefined;
}

/** The runs that a first call must be given, as far as the model says: how many, and of which priorities. */
export function claimableRuns(model: Model, limit: number): { runs: Run[]; priorities: number[] } {
  const runs = runsOf(model).filter(isClaimable);
  const priorities = runs
    .map((run) => taskOf(model, run).priority)
    .toSorted((left, right) => right - left)
    .slice(0, limit);

  return { runs, priorities };
}

/** The deliveries that a first call must be given: urgent ones first, and none to sinks that the worker does not serve. */
export function claimableDeliveries(model: Model, { worker, limit }: Claim): Delivery[] {
  const urgency = (delivery: Delivery) => taskOf(model, delivery).priority;

  return deliveriesOf(model)
    .filter((delivery) => isClaimable(delivery) && worker.sinks.includes(delivery.sink))
    .toSorted((left, right) => urgency(right) - urgency(left) || left.place - right.place)
    .slice(0, limit);
}

/** Gives work to a worker, and remembers the claim: repeated, it is given nothing else. */
export function give(
  model: Model,
  { what, worker, claimId }: Claim,
  given: readonly (Run | Delivery)[],
): void {
  model.claims.set(`${what} ${claimId}`, model.now);
  for (const work of given) {
    work.status = 'running';
    work.attempt += 1;
    work.worker = worker.id;
    work.claim = claimId;
    work.deadline = model.now + work.timeoutMs + worker.leaseMs;
    const task = taskOf(model, work);
    if (task.status === 'pending') task.status = 'running';
  }
}
