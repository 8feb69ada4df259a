// A crowd on one queue: workers, people and sweepers who all call at once, each as its own dice say.
import type { DeliveryOutcome } from '../../../src/core/delivery.ts';
import type { Queue, SettledDelivery, SettledRun, Token, Turn } from '../../../src/core/queue.ts';
import type { Answer } from '../../../src/core/run.ts';
import { agentNames } from '../../../src/core/task.ts';
import { deliveryOutcome, runOutcome, stepRecord } from '../model/marks.ts';
import type { Ending } from '../model/reference/outcomes.ts';
import type { Kind, Ledger, Told } from './ledger.ts';

export type Crowd = {
  queue: Queue;
  ledger: Ledger;
  dice: () => number;
  /** Ids of the tasks handed in so far. */
  tasks: string[];
  isOver(): boolean;
  /** True once all that is left is to finish what there is, without accidents. */
  isDraining(): boolean;
};

const sinks = [
  { name: 'folder', stage: 0 },
  { name: 'drive', stage: 0 },
  { name: 'telegram', stage: 1, targets: ['7', '11'] },
];

type Held = Token & { kind: Kind; agent: string; steps: number };

type Me = { id: string; held: Held[]; past: Held[] };

/** Works until it is over: claims, records, settles, repeats itself, falls silent and comes back as another. */
export async function work(crowd: Crowd): Promise<void> {
  let me = await boot(crowd);

  while (!crowd.isOver()) {
    const luck = crowd.isDraining() ? 0 : crowd.dice();
    try {
      if (luck < 0.75) await turn(crowd, me);
      else if (luck < 0.85) await record(crowd, me);
      else if (luck < 0.9) await beat(crowd, me);
      else if (luck < 0.96) await settleOld(crowd, me);
      else me = await end(crowd, me);
    } catch (error) {
      crowd.ledger.failed(error);
      me = await boot(crowd);
    }
  }
}

async function boot({ queue, ledger }: Crowd, replaces?: string): Promise<Me> {
  const workerId = crypto.randomUUID();
  const replaced = replaces === undefined ? {} : { replaces };
  const retry = { baseMs: 5, capMs: 20 };
  const registration = { workerId, name: 'one of many', version: '0.0.0', leaseSeconds: 1, sinks };
  await queue.registerWorker({ ...registration, retry, ...replaced }).catch(ledger.failed);

  return { id: workerId, held: [], past: [] };
}

async function turn(crowd: Crowd, me: Me): Promise<void> {
  const { dice } = crowd;
  const finished = me.held.filter(() => crowd.isDraining() || dice() < 0.6);
  const claimId = crypto.randomUUID();
  const call = {
    workerId: me.id,
    claimId,
    runsWanted: Math.floor(dice() * 8) + (crowd.isDraining() ? 8 : 0),
    deliveriesWanted: Math.floor(dice() * 4) + (crowd.isDraining() ? 8 : 0),
    runs: finished.filter(isRun).map((held) => settledRun(held, endingOf(crowd))),
    deliveries: finished
      .filter((held) => !isRun(held))
      .map((held) => settledDelivery(held, endingOf(crowd))),
  };

  me.held = me.held.filter((held) => !finished.includes(held));
  me.past.push(...finished);
  // A reply that is given up and a call that is made again may both be under way.
  const isTwice = dice() < 0.1;
  await Promise.all([once(crowd, me, call), ...(isTwice ? [once(crowd, me, call)] : [])]);
}

async function once(crowd: Crowd, me: Me, call: Turn): Promise<void> {
  const { queue, ledger } = crowd;
  const answer = await queue.takeTurn(call);

  for (const told of tell('run', call.runs, answer.runAnswers)) ledger.answered(told);
  for (const told of tell('delivery', call.deliveries, answer.deliveryAnswers)) {
    ledger.answered(told);
  }
  const runs = answer.runs.map((run) => ({
    ...run,
    kind: 'run' as const,
    steps: run.steps.length,
  }));
  const deliveries = answer.deliveries.map((delivery) => ({
    ...delivery,
    kind: 'delivery' as const,
    agent: '',
    steps: 0,
  }));
  for (const given of [...runs, ...deliveries]) {
    ledger.handed(given.kind, tokenOf(given), call.claimId);
    take(me, given);
  }
}

function take(me: Me, { id, attempt, kind, agent, steps }: Held): void {
  const isKnown = me.held.some((held) => held.kind === kind && held.id === id);

  if (!isKnown) me.held.push({ id, attempt, kind, agent, steps });
}

async function record({ queue }: Crowd, me: Me): Promise<void> {
  const runs = me.held.filter(isRun);
  for (const run of runs) run.steps += 1;

  const answers = await queue.recordSteps(runs.map((run) => stepRecord(tokenOf(run), run.steps)));
  const gone = answers.filter(({ answer }) => answer === 'lost' || answer === 'cancelled');
  me.held = me.held.filter((held) => !isRun(held) || gone.every(({ id }) => id !== held.id));
}

async function beat({ queue }: Crowd, me: Me): Promise<void> {
  const runs = me.held.filter(isRun).map(tokenOf);
  const deliveries = me.held.filter((held) => !isRun(held)).map(tokenOf);
  const { abort } = await queue.beat(me.id, runs, deliveries);

  me.held = me.held.filter(
    (held) => !abort.some(({ kind, id }) => kind === held.kind && id === held.id),
  );
}

// Somebody who slept for a while and still tells what came of it.
async function settleOld({ dice, queue, ledger }: Crowd, me: Me): Promise<void> {
  const old = me.past.filter(() => dice() < 0.2).slice(-5);
  const runs = old.filter(isRun).map((held) => settledRun(held, 'done'));
  const deliveries = old
    .filter((held) => !isRun(held))
    .map((held) => settledDelivery(held, 'retry'));

  const answers = await queue.settleRuns(me.id, runs);
  for (const told of tell('run', runs, answers)) ledger.answered(told);
  await queue.settleDeliveries(me.id, deliveries);
}

// Dies, is replaced, or leaves in good order. Who has died may yet speak.
async function end(crowd: Crowd, me: Me): Promise<Me> {
  const luck = crowd.dice();
  if (luck < 0.3) await crowd.queue.retireWorker(me.id);
  const next = await boot(crowd, luck > 0.6 ? me.id : undefined);

  return { ...next, past: [...me.past, ...me.held].slice(-50) };
}

/** Hands in tasks of all kinds, as long as few wait. */
export async function submit(crowd: Crowd): Promise<void> {
  const { dice, queue, ledger, tasks } = crowd;

  while (!crowd.isDraining()) {
    const { runsWaiting } = await queue.readState();
    if (runsWaiting > 60) continue;

    const key = `key ${Math.floor(dice() * 40)}`;
    const dependsOn = tasks.slice(-12).filter(() => dice() < 0.04);
    const task = {
      title: 'Spring sale',
      description: 'Sell the last of the winter coats.',
      profile: dice() < 0.5 ? ('waves' as const) : ('parallel' as const),
      agents: agentNames.filter(() => dice() < 0.6),
      priority: dice() < 0.2 ? 20 : 5,
      maxRetries: Math.floor(dice() * 3),
      dependsOn: dependsOn.slice(0, 3),
      ...(dice() < 0.2 ? { idempotencyKey: key } : {}),
    };
    await queue
      .submitTask(task)
      .then(({ id }) => (tasks.includes(id) ? 0 : tasks.push(id)))
      .catch(ledger.failed);
  }
}

/** Cancels and retries whatever there is. */
export async function meddle(crowd: Crowd): Promise<void> {
  const { dice, queue, ledger, tasks } = crowd;

  while (!crowd.isDraining()) {
    const recent = tasks.slice(-40);
    const id = recent[Math.floor(dice() * recent.length)];
    if (id === undefined || dice() < 0.2) await queue.readState();
    else if (dice() < 0.4) await queue.cancelTask(id).catch(ledger.failed);
    else await queue.retryTask(id).catch(ledger.failed);
  }
}

/** Sweeps all the time; what it has to repair is a bug. */
export async function sweep({ queue, ledger, isOver }: Crowd): Promise<void> {
  while (!isOver()) {
    const swept = await queue.sweep().catch(ledger.failed);
    if (swept !== undefined && swept.repaired > 0) {
      ledger.faults.push(`a sweep repaired ${swept.repaired} tasks`);
    }
  }
}

function tell(
  kind: Kind,
  sent: (SettledRun | SettledDelivery)[],
  answers: (Token & { answer: Answer })[],
): Told[] {
  return sent.map((settled, place) => ({
    ...settled,
    kind,
    answer: answers[place]?.answer ?? 'lost',
  }));
}

function endingOf({ dice, isDraining }: Crowd): Ending {
  const luck = isDraining() ? 0 : dice();

  return luck < 0.8 ? 'done' : luck < 0.9 ? 'retry' : luck < 0.95 ? 'fail' : 'release';
}

function settledRun(held: Held, ending: Ending): SettledRun {
  return { ...tokenOf(held), outcome: runOutcome(held, ending, 0) };
}

function settledDelivery(held: Held, ending: Ending): SettledDelivery {
  const outcome: DeliveryOutcome = deliveryOutcome(ending, 0);

  return { ...tokenOf(held), outcome };
}

function tokenOf({ id, attempt }: Token): Token {
  return { id, attempt };
}

function isRun(held: Held): boolean {
  return held.kind === 'run';
}
