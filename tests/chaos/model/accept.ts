// What a claim answers with, held against the model: the right work, in the right order, with all that is needed for it.
import { expect } from 'vitest';

import type { ClaimedDelivery } from '../../../src/core/delivery.ts';
import type { ClaimedRun } from '../../../src/core/run.ts';
import { markOf } from './marks.ts';
import {
  type Claim,
  claimableDeliveries,
  claimableRuns,
  give,
  heldBy,
} from './reference/claims.ts';
import {
  deliveriesOf,
  type Delivery,
  type Model,
  type Run,
  runsOf,
  taskOf,
} from './reference/state.ts';

export function acceptRuns(model: Model, claim: Claim, answer: ClaimedRun[]): void {
  const held = heldBy(model, claim, runsOf(model));

  if (held !== undefined || claim.limit === 0) {
    expect(sorted(answer.map((run) => run.id))).toEqual(sorted((held ?? []).map((run) => run.id)));
  } else {
    const { runs, priorities } = claimableRuns(model, claim.limit);
    const given = runs.filter((run) => answer.some((claimed) => claimed.id === run.id));
    // Among equals the order is that of the line, which the model does not know.
    expect(given).toHaveLength(answer.length);
    expect(given.map((run) => taskOf(model, run).priority).toSorted(falling)).toEqual(priorities);
    give(model, claim, given);
  }
  for (const claimed of answer) expectWork(model, claimed, held === undefined);
}

// Everything that the work needs: what earlier waves found, who of them is missing, and the steps to go on from.
function expectWork(model: Model, claimed: ClaimedRun, isFirst: boolean): void {
  const run = runsOf(model).find((each) => each.id === claimed.id);
  if (run === undefined) throw new Error(`run ${claimed.id} is unknown to the model`);

  const earlier = taskOf(model, run).runs.filter((each) => each.wave < run.wave);
  const done = earlier.filter((each) => each.status === 'complete');
  const missing = earlier.filter((each) => each.status !== 'complete').map((each) => each.agent);
  // A worker that has recorded steps knows of its claim: what a late repeat says of them is of no account.
  const steps = run.steps.filter((step) => step.attempt > run.freshAfter && isFirst);

  expect({
    attempt: claimed.attempt,
    agent: claimed.agent,
    taskId: claimed.taskId,
    handoff: Object.entries(claimed.handoff).map(([agent, output]) => [agent, output.data]),
    missing: claimed.missing,
    steps: claimed.steps.filter(() => isFirst).map((step) => step.messages[0]?.['content']),
  }).toEqual({
    attempt: run.attempt,
    agent: run.agent,
    taskId: taskOf(model, run).id,
    handoff: expect.toSatisfy((told: unknown[]) => isSame(told, done)),
    missing: missing.toSorted(),
    steps: steps
      .toSorted((left, right) => left.seq - right.seq)
      .map(({ attempt, seq }) => `step ${seq} of ${markOf({ id: run.id, attempt })}`),
  });
}

function isSame(told: unknown[], done: Run[]): boolean {
  const expected = done.map((run) => JSON.stringify([run.agent, { mark: markOf(run) }]));

  return (
    told
      .map((each) => JSON.stringify(each))
      .toSorted()
      .join() === expected.toSorted().join()
  );
}

export function acceptDeliveries(model: Model, claim: Claim, answer: ClaimedDelivery[]): void {
  const held = heldBy(model, claim, deliveriesOf(model));
  const given = held ?? claimableDeliveries(model, claim);

  if (held === undefined && claim.limit > 0) give(model, claim, given);
  const told = answer.map(({ task, sink, target, stage, attempt }) => ({
    taskId: task.id,
    outcome: task.outcome,
    sink,
    target,
    stage,
    attempt,
  }));
  expect(told).toEqual(byPlace(given).map((delivery) => deliveryTold(model, delivery)));
  for (const [place, delivery] of byPlace(given).entries()) delivery.id = answer[place]?.id;
}

function deliveryTold(model: Model, delivery: Delivery) {
  const { sink, target, stage, attempt } = delivery;
  const task = taskOf(model, delivery);

  return { taskId: task.id, outcome: task.outcome, sink, target, stage, attempt };
}

function byPlace(deliveries: Delivery[]): Delivery[] {
  return deliveries.toSorted((left, right) => left.place - right.place);
}

function sorted(ids: number[]): number[] {
  return ids.toSorted((left, right) => left - right);
}

const falling = (left: number, right: number): number => right - left;
