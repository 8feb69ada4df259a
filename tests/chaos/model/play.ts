// Plays a drawn sequence on the database and on the model, and looks at the tables after each step.
import { expect } from 'vitest';

import type { Token } from '../../../src/core/queue.ts';
import { faultsIn, finalFaultsIn } from '../support/invariants.ts';
import { expectAgreement } from './agree.ts';
import { type Call, deliveryOf, type Game, type Hand, perform, runOf, type Sent } from './calls.ts';
import type { Choice, Operation } from './operations.ts';
import type { Ending } from './reference/outcomes.ts';
import {
  createModel,
  deliveriesOf,
  type Delivery,
  isDelayed,
  isOpen,
  type Run,
  runsOf,
  type Task,
  type Worker,
} from './reference/state.ts';
import type { Offer } from './reference/workers.ts';
import { agents, startsAt, type World } from './world.ts';

type Play = Game & { made: Call[]; ids: number };

const offers: readonly (readonly Offer[])[] = [
  [
    { name: 'folder', stage: 0 },
    { name: 'terminal', stage: 1 },
  ],
  [
    { name: 'folder', stage: 0 },
    { name: 'drive', stage: 0 },
    { name: 'telegram', stage: 1, targets: ['7', '11'] },
  ],
  [{ name: 'telegram', stage: 1, targets: ['11', '13'] }],
  [],
];
const everySink: readonly Offer[] = [
  { name: 'folder', stage: 0 },
  { name: 'drive', stage: 0 },
  { name: 'telegram', stage: 1, targets: ['7'] },
  { name: 'terminal', stage: 1 },
];
const maxRounds = 300;

export async function play(world: World, operations: readonly Operation[]): Promise<void> {
  await world.reset();
  const game: Play = { world, model: createModel(startsAt), hands: [], made: [], ids: 0 };
  for (const sinks of [0, 1]) {
    await step(game, { type: 'register', sinks, replaces: null, isLost: false });
  }

  for (const operation of operations) await step(game, operation);
  await drain(game);
  const failed = game.model.tasks.filter((task) => /partial|failed/.test(task.status)).slice(0, 2);
  for (const { id } of failed) await performAndLook(game, { type: 'retry', taskId: id });
  if (failed.length > 0) await drain(game);
}

// Whatever has happened: with one good worker, all that can end does.
async function drain(game: Play): Promise<void> {
  const { model, world } = game;
  const workerId = newId(game);
  const all = { runsWanted: 50, deliveriesWanted: 50 };
  await performAndLook(game, { type: 'register', workerId, sinks: everySink, replaces: null });

  for (let round = 0; round < maxRounds && isBusy(model); round += 1) {
    await pass(game, 61_000);
    await performAndLook(game, { type: 'beat', workerId, runs: [], deliveries: [] });
    await performAndLook(game, { type: 'sweep' });
    const held = outcomesOf(game, [], 'done');
    await performAndLook(game, { type: 'turn', workerId, claimId: newId(game), ...all, ...held });
  }
  expect(await finalFaultsIn(world.admin)).toEqual([]);
}

function isBusy(model: Game['model']): boolean {
  return [...runsOf(model), ...deliveriesOf(model)].some(isOpen);
}

async function step(game: Play, operation: Operation): Promise<void> {
  const isLost = 'isLost' in operation && operation.isLost;
  for (const call of await callsOf(game, operation)) {
    await performAndLook(game, call);
    if (isLost && isRepeatable(call)) await repeat(game, call);
    game.made.push(call);
  }
}

async function performAndLook(game: Play, call: Call): Promise<void> {
  await perform(game, call);

  expect(await faultsIn(game.world.admin)).toEqual([]);
  await expectAgreement(game.model, game.world.admin);
}

// Without a key, two submissions are two tasks.
function isRepeatable(call: Call): boolean {
  return call.type !== 'submit' || call.wish.key !== null;
}

async function repeat(game: Play, call: Call): Promise<void> {
  const isTimeToMove = call.type === 'turn' && isOverdue(game.model);
  const before = await game.world.dump();
  await performAndLook(game, call);

  if (!isTimeToMove) expect(await game.world.dump()).toEqual(before);
}

// Each turn makes due what has waited long enough, and may find what the one before it opened.
function isOverdue(model: Game['model']): boolean {
  return [...runsOf(model), ...deliveriesOf(model)].some(
    (work) => isDelayed(work) && work.due !== null && work.due.to <= model.now,
  );
}

async function callsOf(game: Play, operation: Operation): Promise<Call[]> {
  const { model } = game;

  switch (operation.type) {
    case 'submit':
      return [submission(game, operation)];
    case 'cancel':
    case 'retry':
      // The workers learn of it at their next beat.
      return pickTask(model, operation).flatMap(({ id }) => [
        { type: operation.type, taskId: id },
        ...livingIn(model).map((worker) => beatOf(game, worker)),
      ]);
    case 'claim': {
      const { what, limit } = operation;
      return pickWorker(model, operation.worker).map(({ id }) => ({
        type: 'claim',
        what,
        workerId: id,
        claimId: newId(game),
        limit,
      }));
    }
    case 'turn':
      return pickWorker(model, operation.worker).map(({ id }) => ({
        type: 'turn',
        workerId: id,
        claimId: newId(game),
        runsWanted: operation.runs,
        deliveriesWanted: operation.deliveries,
        ...outcomesOf(game, operation.choices, operation.rest),
      }));
    case 'settle':
      return pickWorker(model, operation.worker).map(({ id }) => ({
        type: 'settle',
        workerId: id,
        ...outcomesOf(game, operation.choices, null),
      }));
    case 'steps':
      return stepsOf(game, operation);
    case 'beat':
      return pickWorker(model, operation.worker).map((worker) => beatOf(game, worker));
    case 'sweep':
      return [{ type: 'sweep' }];
    case 'register': {
      const sinks = offers[operation.sinks % offers.length] ?? [];
      const [replaced] = operation.replaces === null ? [] : pick(model.workers, operation.replaces);
      return [{ type: 'register', workerId: newId(game), sinks, replaces: replaced?.id ?? null }];
    }
    case 'retire':
      return pickWorker(model, operation.worker).map(({ id }) => ({
        type: 'retire',
        workerId: id,
      }));
    case 'clock':
      await pass(game, operation.ms);
      return [];
    case 'silence': {
      await pass(game, operation.ms);
      const [silent] = pickWorker(model, operation.worker);
      const others = livingIn(model).filter((worker) => worker !== silent);
      return [...others.map((worker) => beatOf(game, worker)), { type: 'sweep' }];
    }
    case 'again':
      return pick(game.made.filter(isRepeatable), operation.nth);
  }
}

async function pass({ world, model }: Game, ms: number): Promise<void> {
  model.now += ms;
  await world.setClock(model.now);
}

function submission(
  { model }: Play,
  operation: Extract<Operation, { type: 'submit' }>,
): Extract<Call, { type: 'submit' }> {
  const { profile, priority, maxRetries, key, startsInMs } = operation;
  const dependsOn = operation.dependsOn.flatMap((task) =>
    pickTask(model, { type: 'cancel', task, isLost: false }),
  );

  return {
    type: 'submit',
    wish: {
      profile,
      priority,
      maxRetries,
      key: key === null ? null : `key ${key}`,
      startsAt: startsInMs === null ? null : model.now + startsInMs,
      dependsOn: [...new Set(dependsOn.map((task) => task.id))],
      agents: agents.filter((agent) => operation.agents.includes(agent.name)),
    },
  };
}

function outcomesOf(
  game: Play,
  choices: readonly Choice[],
  rest: Ending | null,
): { runs: Sent[]; deliveries: Sent[] } {
  const chosen = new Map<string, Hand & Sent>();
  if (rest !== null) {
    for (const hand of heldIn(game)) {
      chosen.set(nameOf(hand), { ...hand, ending: rest, retryAfterMs: 0 });
    }
  }
  for (const { nth, isStale, ending, retryAfterMs } of choices) {
    const [hand] = pick(isStale ? staleIn(game) : heldIn(game), nth);
    // One outcome of each in a call, as workers send them.
    if (hand !== undefined) chosen.set(nameOf(hand), { ...hand, ending, retryAfterMs });
  }
  const sent = (what: Hand['what']): Sent[] =>
    [...chosen.values()]
      .filter((hand) => hand.what === what)
      .map(({ id, attempt, ending, retryAfterMs }) => ({ id, attempt, ending, retryAfterMs }));

  return { runs: sent('runs'), deliveries: sent('deliveries') };
}

function nameOf({ what, id }: Hand): string {
  return `${what} ${id}`;
}

function heldIn({ model, hands }: Game): Hand[] {
  return hands.filter((hand) => {
    const work = workOf(model, hand);
    return work.status === 'running' && work.attempt === hand.attempt;
  });
}

// Attempts that were taken over; where there is none, any that there ever was.
function staleIn({ model, hands }: Game): Hand[] {
  const stale = hands.filter((hand) => workOf(model, hand).attempt !== hand.attempt);

  return stale.length > 0 ? stale : hands;
}

function workOf(model: Game['model'], { what, id }: Hand): Run | Delivery {
  return what === 'runs' ? runOf(model, id) : deliveryOf(model, id);
}

function stepsOf(
  game: Play,
  { run: nth, isStale, count }: Extract<Operation, { type: 'steps' }>,
): Call[] {
  const { model } = game;
  const runs = (isStale ? staleIn(game) : heldIn(game)).filter((hand) => hand.what === 'runs');

  return pick(runs, nth).map(({ id, attempt }) => {
    const { steps, freshAfter } = runOf(model, id);
    const from = steps.filter(
      (each) => each.attempt > freshAfter && each.attempt <= attempt,
    ).length;
    const seqs = Array.from({ length: count }, (_, place) => from + place + 1);
    return { type: 'steps', steps: seqs.map((seq) => ({ id, attempt, seq })) };
  });
}

// A worker beats for all it was ever given, and is told what of it is no longer its own.
function beatOf({ hands }: Game, { id: workerId }: Worker): Call {
  const tokens = (what: Hand['what']): Token[] =>
    hands
      .filter((hand) => hand.workerId === workerId && hand.what === what)
      .map(({ id, attempt }) => ({ id, attempt }));

  return { type: 'beat', workerId, runs: tokens('runs'), deliveries: tokens('deliveries') };
}

// Mostly one who has not retired.
function pickWorker(model: Game['model'], nth: number): Worker[] {
  const living = livingIn(model);

  return pick(nth % 10 === 9 || living.length === 0 ? model.workers : living, nth);
}

function livingIn({ workers }: Game['model']): Worker[] {
  return workers.filter((worker) => !worker.isRetired);
}

// Mostly one with which it can be done, and where it is felt.
function pickTask(
  { tasks }: Game['model'],
  { type, task: nth }: Extract<Operation, { type: 'cancel' | 'retry' }>,
): Task[] {
  const isOpen = (task: Task) => task.status === 'pending' || task.status === 'running';
  const atWork = tasks.filter((task) => task.runs.some((run) => run.status === 'running'));
  const fitting =
    type === 'cancel' && nth % 3 > 0 && atWork.length > 0
      ? atWork
      : tasks.filter((task) => isOpen(task) === (type === 'cancel'));

  return pick(nth % 10 === 9 || fitting.length === 0 ? tasks : fitting, nth);
}

function pick<Value>(all: readonly Value[], nth: number): Value[] {
  const value = all[nth % Math.max(1, all.length)];

  return value === undefined ? [] : [value];
}

// Numbered, so that a sequence that is played again does the same.
function newId(game: Play): string {
  game.ids += 1;

  return `00000000-0000-4000-8000-${String(game.ids).padStart(12, '0')}`;
}
