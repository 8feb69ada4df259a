// Workers of the model: how they come, fall silent and go, and what becomes of the work that they held.
import { advance } from './joins.ts';
import {
  deliveriesOf,
  type Delivery,
  handBack,
  inOrder,
  isDelayed,
  type Model,
  type Run,
  runsOf,
  taskOf,
  triesOf,
  type Worker,
} from './state.ts';

const hourMs = 3_600_000;

export type Offer = { name: string; stage: number; targets?: readonly string[] };

/** `replaces` is a worker known to be dead. */
export function register(
  model: Model,
  { id, leaseMs, sinks }: { id: string; leaseMs: number; sinks: readonly Offer[] },
  replaces: string | null,
): void {
  const known = model.workers.find((worker) => worker.id === id);
  if (known === undefined) {
    const names = inLine(sinks).map((sink) => sink.name);
    model.workers.push({ id, sinks: names, leaseMs, beatAt: model.now, isRetired: false });
  } else {
    known.beatAt = model.now;
    known.isRetired = false;
  }

  const offered = new Set(sinks.map((sink) => sink.name));
  const others = model.sinks.filter((sink) => !offered.has(sink.name));
  const now = sinks.map(({ name, stage, targets }) => ({
    name,
    stage,
    targets: targets === undefined ? [null] : targets.toSorted(),
    isEnabled: true,
    updatedAt: model.now,
  }));
  model.sinks = inLine([...others, ...now]);
  if (replaces !== null && replaces !== id) retire(model, replaces, false);
}

function inLine<Named extends { name: string; stage: number }>(sinks: readonly Named[]): Named[] {
  return sinks.toSorted(
    (left, right) => left.stage - right.stage || (left.name < right.name ? -1 : 1),
  );
}

/** Ends a worker. In good order, what it held costs no try. */
export function retire(model: Model, id: string, isOrderly: boolean): void {
  for (const worker of model.workers) if (worker.id === id) worker.isRetired = true;
  recover(model, new Set([id]), isOrderly);
}

export type Swept = { runsRecovered: number; runsFailed: number; deliveriesRecovered: number };

export function sweep(model: Model): Swept {
  for (const [claim, begunAt] of model.claims) {
    if (begunAt < model.now - hourMs) model.claims.delete(claim);
  }
  const dead = model.workers.filter(
    (worker) => !worker.isRetired && worker.beatAt < model.now - worker.leaseMs,
  );
  for (const worker of dead) worker.isRetired = true;

  const first = recover(model, new Set(dead.map((worker) => worker.id)), false);
  const second = endOverdue(model);
  promote(model);
  skipUnserved(model);

  return {
    runsRecovered: first.runsRecovered + second.runsRecovered,
    runsFailed: first.runsFailed + second.runsFailed,
    deliveriesRecovered: first.deliveriesRecovered + second.deliveriesRecovered,
  };
}

function recover(model: Model, ids: Set<string>, isOrderly: boolean): Swept {
  const holds = (worker: string | null) => worker !== null && ids.has(worker);

  return takeBack(model, {
    isTaken: (work) => holds(work.worker),
    isRefunded: (work) => isOrderly || ('steps' in work && gotFurther(work)),
  });
}

// A run that got further with its worker is not what killed it.
function gotFurther(run: Run): boolean {
  return run.steps.some((step) => step.attempt === run.attempt);
}

function endOverdue(model: Model): Swept {
  return takeBack(model, {
    isTaken: (work) => work.deadline < model.now,
    isRefunded: () => false,
  });
}

type Taking = {
  isTaken(work: Run | Delivery): boolean;
  isRefunded(work: Run | Delivery): boolean;
};

function takeBack(model: Model, { isTaken, isRefunded }: Taking): Swept {
  const held = (work: Run | Delivery) => work.status === 'running' && isTaken(work);
  const runs = runsOf(model).filter(held);
  const deliveries = deliveriesOf(model).filter(held);
  const tasks = [...runs, ...deliveries].map((work) => taskOf(model, work));

  for (const work of [...runs, ...deliveries]) {
    const isRefund = isRefunded(work);
    const isSpent = !isRefund && triesOf(work) >= work.maxAttempts;
    handBack(work);
    if (isSpent) work.status = 'failed';
    if (isRefund) work.refunds += 1;
  }
  for (const task of inOrder(tasks)) advance(model, task);

  const runsFailed = runs.filter((run) => run.status === 'failed').length;
  return {
    runsRecovered: runs.length - runsFailed,
    runsFailed,
    deliveriesRecovered: deliveries.length,
  };
}

/** Makes due what has waited long enough. */
export function promote(model: Model): void {
  for (const work of [...runsOf(model), ...deliveriesOf(model)]) {
    if (isDelayed(work) && work.due !== null && work.due.from <= model.now) work.isDue = true;
  }
}

function skipUnserved(model: Model): void {
  const since = model.now - hourMs;
  const isServed = (name: string, { sinks, beatAt }: Worker) =>
    sinks.includes(name) && beatAt > since;
  for (const sink of model.sinks) {
    const isStale = sink.updatedAt < since;
    if (!isStale || model.workers.some((worker) => isServed(sink.name, worker))) continue;
    sink.isEnabled = false;
  }

  const closed = new Set(model.sinks.filter((sink) => !sink.isEnabled).map((sink) => sink.name));
  const unserved = deliveriesOf(model).filter(
    (delivery) => closed.has(delivery.sink) && delivery.status === 'pending' && delivery.isDue,
  );
  for (const task of inOrder(unserved.map((delivery) => taskOf(model, delivery)))) {
    for (const delivery of task.deliveries) {
      const isWaiting = delivery.status === 'pending' || delivery.status === 'blocked';
      if (isWaiting && closed.has(delivery.sink)) delivery.status = 'skipped';
    }
    advance(model, task);
  }
}
