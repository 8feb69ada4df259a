// Joins of the model: what follows when the last run of a wave, delivery of a stage or dependency has ended.
import { type Delivery, freshWork, isOpen, type Model, type Task } from './state.ts';

/** The tries that a delivery has, and how long one may take, in the model's database. */
export const deliveryTries = 2;
export const deliveryTimeoutMs = 600_000;

const endedWell = ['complete', 'partial'];

export function areDependenciesMet(model: Model, task: Task): boolean {
  return task.dependsOn.every((id) =>
    model.tasks.some((upstream) => upstream.id === id && endedWell.includes(upstream.status)),
  );
}

/** Moves a task on as far as its runs and deliveries allow. */
export function advance(model: Model, task: Task): void {
  if (task.status === 'delivering') advanceDeliveries(model, task);
  if (task.status !== 'pending' && task.status !== 'running') return;
  if (task.runs.some(isOpen)) return;

  if (!task.runs.some((run) => run.status === 'blocked')) finishRuns(model, task);
  else if (task.isOpened || areDependenciesMet(model, task)) openWave(model, task);
}

/** Opens the first wave that is blocked. The first of a round starts anew, or waits for its scheduled start. */
export function openWave(model: Model, task: Task): void {
  const blocked = task.runs.filter((run) => run.status === 'blocked');
  const wave = Math.min(...blocked.map((run) => run.wave));

  for (const run of blocked) {
    if (run.wave !== wave) continue;
    run.status = 'pending';
    const waits = run.due !== null && run.due.from > model.now;
    if (task.isOpened || waits) continue;
    run.isDue = true;
    run.due = null;
  }
  task.isOpened = true;
}

function finishRuns(model: Model, task: Task): void {
  const lost = task.runs.filter((run) => run.status !== 'complete');
  const isFailed = lost.length === task.runs.length || lost.some((run) => run.isRequired);

  task.status = 'delivering';
  task.outcome = lost.length === 0 ? 'complete' : isFailed ? 'failed' : 'partial';
  task.failedAgents = lost.map((run) => run.agent).toSorted();
  for (const sink of model.sinks) {
    if (sink.isEnabled) for (const target of sink.targets) offer(model, task, { sink, target });
  }
  advanceDeliveries(model, task);
}

type Place = { sink: Model['sinks'][number]; target: string | null };

function offer(model: Model, task: Task, { sink, target }: Place): void {
  const status = sink.stage === 0 ? 'pending' : 'blocked';
  const known = task.deliveries.find((each) => each.sink === sink.name && each.target === target);

  if (known === undefined) {
    const work = freshWork(status, deliveryTries, deliveryTimeoutMs);
    const { name, stage } = sink;
    const place = (model.made += 1);
    task.deliveries.push({ ...work, id: undefined, place, sink: name, target, stage });
  } else {
    renew(known, status);
  }
}

/** Gives a delivery a new round of tries. */
export function renew(delivery: Delivery, status: string): void {
  delivery.status = status;
  delivery.isDue = true;
  delivery.due = null;
  delivery.refunds = delivery.attempt;
}

export function advanceDeliveries(model: Model, task: Task): void {
  if (task.deliveries.some(isOpen)) return;

  const blocked = task.deliveries.filter((delivery) => delivery.status === 'blocked');
  for (const delivery of blocked) delivery.status = 'pending';
  if (blocked.length === 0) endTask(model, task);
}

function endTask(model: Model, task: Task): void {
  const published = task.deliveries.filter((delivery) => delivery.stage === 0);
  const isPublished =
    published.length === 0 || published.some((delivery) => delivery.status === 'delivered');
  task.status = task.outcome === 'complete' && !isPublished ? 'partial' : (task.outcome ?? '');
  if (task.status === 'failed') return;

  for (const waiting of model.tasks) {
    if (waiting.dependsOn.includes(task.id)) advance(model, waiting);
  }
}
