// One call of the queue, made on the database and on the model: both must answer the same.
import { expect } from 'vitest';

import { isAppError } from '../../../src/core/errors.ts';
import type { SettledDelivery, SettledRun, Token } from '../../../src/core/queue.ts';
import type { ClaimedDelivery } from '../../../src/core/delivery.ts';
import type { Answer, ClaimedRun } from '../../../src/core/run.ts';
import { acceptDeliveries, acceptRuns } from './accept.ts';
import { deliveryOutcome, runOutcome, stepRecord } from './marks.ts';
import { type Claim, greet } from './reference/claims.ts';
import {
  abortOf,
  backoff,
  type Ending,
  recordStep,
  settleDeliveries,
  settleRuns,
  type Told,
} from './reference/outcomes.ts';
import {
  deliveriesOf,
  type Delivery,
  type Model,
  type Run,
  runsOf,
  type Task,
  type Worker,
} from './reference/state.ts';
import { addTask, cancel, refusalOf, retry, sameSubmission, type Wish } from './reference/tasks.ts';
import { type Offer, promote, register, retire, sweep } from './reference/workers.ts';
import type { World } from './world.ts';

/** An outcome as a worker sends it. */
export type Sent = Token & { ending: Ending; retryAfterMs: number };

export type Call =
  | { type: 'submit'; wish: Wish }
  | { type: 'cancel' | 'retry'; taskId: string }
  | { type: 'claim'; what: 'runs' | 'deliveries'; workerId: string; claimId: string; limit: number }
  | ({ type: 'turn'; workerId: string; claimId: string } & TurnParts)
  | { type: 'settle'; workerId: string; runs: Sent[]; deliveries: Sent[] }
  | { type: 'steps'; steps: (Token & { seq: number })[] }
  | { type: 'beat'; workerId: string; runs: Token[]; deliveries: Token[] }
  | { type: 'sweep' }
  | { type: 'register'; workerId: string; sinks: readonly Offer[]; replaces: string | null }
  | { type: 'retire'; workerId: string };

type TurnParts = {
  runsWanted: number;
  deliveriesWanted: number;
  runs: Sent[];
  deliveries: Sent[];
};

export const leaseMs = 45_000;

/** What was handed to a worker at some time. */
export type Hand = Token & { what: 'runs' | 'deliveries'; workerId: string };

export type Game = { world: World; model: Model; hands: Hand[] };

type CallOf<Type extends Call['type']> = Extract<Call, { type: Type }>;

/** Makes the call on both, and fails where they differ. */
export async function perform(game: Game, call: Call): Promise<void> {
  switch (call.type) {
    case 'submit':
      return submit(game, call);
    case 'cancel':
    case 'retry':
      return decide(game, call);
    case 'claim':
      return claim(game, call);
    case 'turn':
      return turn(game, call);
    case 'settle':
      return settle(game, call);
    case 'steps':
      return steps(game, call);
    case 'beat':
      return beat(game, call);
    case 'sweep':
      return sweepBoth(game);
    case 'register':
      return registerBoth(game, call);
    case 'retire':
      await game.world.queue.retireWorker(call.workerId);
      return retire(game.model, call.workerId, true);
  }
}

async function submit({ world, model }: Game, { wish }: CallOf<'submit'>): Promise<void> {
  const { key, startsAt, agents, ...rest } = wish;
  const known = sameSubmission(model, key);
  const refused = known === undefined ? refusalOf(model, wish) : undefined;

  const call = world.queue.submitTask({
    ...rest,
    title: 'Spring sale',
    description: 'Sell the last of the winter coats.',
    agents: agents.map((agent) => agent.name),
    ...(key === null ? {} : { idempotencyKey: key }),
    ...(startsAt === null ? {} : { scheduledFor: new Date(startsAt).toISOString() }),
  });
  if (refused !== undefined) return expectRefusal(call, refused);

  const { id, repeated } = await call;
  expect(repeated).toBe(known !== undefined);
  if (known !== undefined) return expect(id).toBe(known.id);

  const view = await world.queue.readTask(id);
  addTask(model, wish, { id, ids: new Map(view?.runs.map((run) => [run.agent, run.id])) });
}

async function decide(
  { world, model }: Game,
  { type, taskId }: CallOf<'cancel' | 'retry'>,
): Promise<void> {
  const task = found(model.tasks, (each) => each.id === taskId);
  const expected = type === 'cancel' ? cancel(task) : retry(model, task);
  const call = type === 'cancel' ? world.queue.cancelTask(taskId) : world.queue.retryTask(taskId);

  if ('refused' in expected) return expectRefusal(call, expected.refused);
  expect(await call).toEqual(expected);
}

async function claim(game: Game, call: CallOf<'claim'>): Promise<void> {
  const { world, model } = game;
  const { what, workerId, claimId, limit } = call;
  const worker = workerOf(model, workerId);
  const wanted: Claim = { what, worker, claimId, limit };

  if (what === 'runs') {
    const answer = world.queue.claimRuns(workerId, claimId, limit);
    if (!greet(model, worker)) return expectRefusal(answer, 'worker_unknown');
    takeRuns(game, wanted, await answer);
  } else {
    const answer = world.queue.claimDeliveries(workerId, claimId, limit);
    if (!greet(model, worker)) return expectRefusal(answer, 'worker_unknown');
    takeDeliveries(game, wanted, await answer);
  }
}

async function turn(game: Game, call: CallOf<'turn'>): Promise<void> {
  const { world, model } = game;
  const { workerId, claimId, runs, deliveries, runsWanted, deliveriesWanted } = call;
  const worker = workerOf(model, workerId);
  const answer = world.queue.takeTurn({
    workerId,
    claimId,
    runsWanted,
    deliveriesWanted,
    runs: runs.map((sent) => settledRun(model, sent)),
    deliveries: deliveries.map(settledDelivery),
  });
  if (!greet(model, worker)) return expectRefusal(answer, 'worker_unknown');

  const taken = await answer;
  promote(model);
  takeRuns(game, { what: 'runs', worker, claimId, limit: runsWanted }, taken.runs);
  takeDeliveries(
    game,
    { what: 'deliveries', worker, claimId, limit: deliveriesWanted },
    taken.deliveries,
  );
  expectAnswers(taken.runAnswers, runs, settleRuns(model, toldRuns(model, runs)));
  expectAnswers(
    taken.deliveryAnswers,
    deliveries,
    settleDeliveries(model, toldDeliveries(model, deliveries)),
  );
}

function takeRuns({ model, hands }: Game, wanted: Claim, answer: ClaimedRun[]): void {
  acceptRuns(model, wanted, answer);
  for (const { id, attempt } of answer) {
    remember(hands, { what: 'runs', id, attempt, workerId: wanted.worker.id });
  }
}

function takeDeliveries({ model, hands }: Game, wanted: Claim, answer: ClaimedDelivery[]): void {
  acceptDeliveries(model, wanted, answer);
  for (const { id, attempt } of answer) {
    remember(hands, { what: 'deliveries', id, attempt, workerId: wanted.worker.id });
  }
}

function remember(hands: Hand[], hand: Hand): void {
  const isSame = (each: Hand) =>
    each.what === hand.what && each.id === hand.id && each.attempt === hand.attempt;
  if (!hands.some(isSame)) hands.push(hand);
}

async function settle({ world, model }: Game, call: CallOf<'settle'>): Promise<void> {
  const { workerId, runs, deliveries } = call;
  const runAnswers = await world.queue.settleRuns(
    workerId,
    runs.map((sent) => settledRun(model, sent)),
  );
  expectAnswers(runAnswers, runs, settleRuns(model, toldRuns(model, runs)));

  const answers = await world.queue.settleDeliveries(workerId, deliveries.map(settledDelivery));
  expectAnswers(answers, deliveries, settleDeliveries(model, toldDeliveries(model, deliveries)));
}

async function steps({ world, model }: Game, call: CallOf<'steps'>): Promise<void> {
  const expected = call.steps.map((step) => recordStep(model, runOf(model, step.id), step));
  const answers = await world.queue.recordSteps(
    call.steps.map(({ seq, ...token }) => stepRecord(token, seq)),
  );

  expectAnswers(answers, call.steps, expected);
}

async function beat({ world, model }: Game, call: CallOf<'beat'>): Promise<void> {
  const { workerId, runs, deliveries } = call;
  const worker = workerOf(model, workerId);
  const answer = world.queue.beat(workerId, runs, deliveries);
  if (worker.isRetired) return expectRefusal(answer, 'worker_unknown');

  worker.beatAt = model.now;
  const aborted = (kind: 'run' | 'delivery', { id, attempt }: Token) => {
    const work = kind === 'run' ? runOf(model, id) : deliveryOf(model, id);
    const reason = abortOf(model, work, attempt);
    return reason === undefined ? [] : [{ kind, id, attempt, answer: reason }];
  };
  const expected = [
    ...runs.flatMap((token) => aborted('run', token)),
    ...deliveries.flatMap((token) => aborted('delivery', token)),
  ];
  const { abort } = await answer;
  expect(abort).toHaveLength(expected.length);
  expect(abort).toEqual(expect.arrayContaining(expected));
}

async function sweepBoth({ world, model }: Game): Promise<void> {
  const swept = await world.queue.sweep();

  // What a sweep has to repair is a bug of another function.
  expect(swept).toEqual({ ...sweep(model), repaired: 0 });
}

async function registerBoth({ world, model }: Game, call: CallOf<'register'>): Promise<void> {
  const { workerId, sinks, replaces } = call;
  await world.queue.registerWorker({
    workerId,
    name: 'model',
    version: '0.0.0',
    leaseSeconds: leaseMs / 1_000,
    sinks: [...sinks],
    retry: backoff,
    ...(replaces === null ? {} : { replaces }),
  });

  register(model, { id: workerId, leaseMs, sinks }, replaces);
}

async function expectRefusal(call: Promise<unknown>, code: string): Promise<void> {
  const refusal = await call.then(
    (answer) => ({ answer }),
    (error: unknown) => (isAppError(error) ? error.code : error),
  );

  expect(refusal).toBe(code);
}

function expectAnswers(
  answers: (Token & { answer: Answer })[],
  sent: Token[],
  expected: Answer[],
): void {
  const told = sent.map(({ id, attempt }, place) => ({ id, attempt, answer: expected[place] }));

  expect(answers).toEqual(told);
}

function settledRun(model: Model, { id, attempt, ending, retryAfterMs }: Sent): SettledRun {
  const { agent } = runOf(model, id);

  return { id, attempt, outcome: runOutcome({ id, attempt, agent }, ending, retryAfterMs) };
}

function settledDelivery({ id, attempt, ending, retryAfterMs }: Sent): SettledDelivery {
  return { id, attempt, outcome: deliveryOutcome(ending, retryAfterMs) };
}

function toldRuns(model: Model, sent: Sent[]): Told<Run>[] {
  return sent.map(({ id, ...outcome }) => ({ ...outcome, work: runOf(model, id) }));
}

function toldDeliveries(model: Model, sent: Sent[]): Told<Delivery>[] {
  return sent.map(({ id, ...outcome }) => ({ ...outcome, work: deliveryOf(model, id) }));
}

export function runOf(model: Model, id: number): Run {
  return found(runsOf(model), (run) => run.id === id);
}

export function deliveryOf(model: Model, id: number): Delivery {
  return found(deliveriesOf(model), (delivery) => delivery.id === id);
}

function workerOf(model: Model, id: string): Worker {
  return found(model.workers, (worker) => worker.id === id);
}

function found<Value extends Run | Delivery | Worker | Task>(
  all: Value[],
  isIt: (value: Value) => boolean,
): Value {
  const value = all.find(isIt);
  if (value === undefined) throw new Error('the model knows of no such thing');

  return value;
}
