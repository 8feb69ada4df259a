// The worker's one round trip: settles what has finished and claims what fits, one call at a time, coalesced.
import { messageOf } from '../core/errors.ts';
import type { TurnResult } from '../core/queue.ts';
import { createAlarm } from './alarm.ts';
import { type Batch, createOutbox, type Outbox } from './outbox.ts';
import { isWorthSaying, jitteredMs } from './persist.ts';
import { createPump } from './pump.ts';
import { type Refused, replaceRefused } from './refused.ts';
import { type Room, send, type SendPorts } from './round-trip.ts';
import { scrub } from './scrub.ts';

/** What one turn came to; `error` tells of tries that failed before it got through, or of why it did not. */
export type TurnReport = { claimed: number; settled: number; error?: string };

export type TurnPorts = SendPorts & {
  /** Slots that are free now. */
  room(): Room;
  /** Begins what was claimed; `sentAt` is the monotonic time of the request that was answered. */
  begin(result: TurnResult, sentAt: number): void;
  /** Hears how the database took each outcome. */
  settled(batch: Batch, result: TurnResult): void;
  /** Puts outcomes on the disk, where the database is away. Never rejects. */
  keep(batch: Batch): Promise<void>;
  /** Hears of an outcome that the database refuses for good: a plain failure goes in its place. */
  replaced(batch: Batch, reason: string): void;
  /** Hears of outcomes that not even a plain failure could replace. */
  given(up: Refused): void;
  /** Called whenever no call is needed for now. */
  rested(): void;
};

export type Turns = Pick<Outbox, 'addRun' | 'addDelivery'> & {
  /** Says that something may be due. Costs no call while there is no room for it. */
  ask(): void;
  /** Takes a turn that begins after this call, needed or not. Never rejects. */
  force(): Promise<TurnReport>;
  /** Claims nothing from now on; outcomes are still settled. */
  close(): void;
  isClosed(): boolean;
  /** True when nothing waits to be settled and nothing due is known that would fit. */
  isAtRest(): boolean;
  /** What the database has not answered for, also what is on its way there. */
  unsettled(): Batch;
};

// How often one outcome is sent, with pauses, before its refusal is taken as final.
const maxRefusals = 3;
const shortestAlarmMs = 50;

type State = {
  isDue: boolean;
  isClosed: boolean;
  waiting: ((report: TurnReport) => void)[];
  refusals: number;
  /** The last try failed: outcomes go to the disk as well. */
  isAway: boolean;
  /** What is on its way. */
  sent: Batch;
};

const nothing: Batch = { runs: [], deliveries: [] };

export function createTurns(ports: TurnPorts): Turns {
  const outbox = createOutbox();
  const state: State = {
    isDue: false,
    isClosed: false,
    waiting: [],
    refusals: 0,
    isAway: false,
    sent: nothing,
  };
  const alarm = createAlarm(ports.clock, () => ask());
  const pump = createPump({
    hasWork: () => hasWork(ports, state, outbox),
    work: () => takeOne(ports, state, { outbox, alarm }),
    rested: () => ports.rested(),
  });

  function ask(): void {
    state.isDue = true;
    pump.knock();
  }

  return {
    ask,
    addRun(settled) {
      outbox.addRun(settled);
      if (state.isAway) void ports.keep({ ...nothing, runs: [settled] });
      pump.knock();
    },
    addDelivery(settled) {
      outbox.addDelivery(settled);
      if (state.isAway) void ports.keep({ ...nothing, deliveries: [settled] });
      pump.knock();
    },
    force() {
      const { promise, resolve } = Promise.withResolvers<TurnReport>();
      state.waiting.push(resolve);
      pump.knock();
      return promise;
    },
    close() {
      state.isClosed = true;
      alarm.clear();
      pump.knock();
    },
    isClosed: () => state.isClosed,
    isAtRest: () => !pump.isBusy() && !hasWork(ports, state, outbox),
    unsettled: () => unsettled(state, outbox),
  };
}

function hasWork({ signal, room }: TurnPorts, state: State, outbox: Outbox): boolean {
  if (state.waiting.length > 0) return true;
  if (signal.aborted) return false;
  if (outbox.size() > 0) return true;

  const { runs, deliveries } = room();
  return state.isDue && !state.isClosed && runs + deliveries > 0;
}

function unsettled({ sent }: State, outbox: Outbox): Batch {
  const waiting = outbox.all();

  return {
    runs: [...sent.runs, ...waiting.runs],
    deliveries: [...sent.deliveries, ...waiting.deliveries],
  };
}

type Parts = { outbox: Outbox; alarm: ReturnType<typeof createAlarm> };

async function takeOne(ports: TurnPorts, state: State, parts: Parts): Promise<void> {
  const { outbox } = parts;
  const waiting = state.waiting.splice(0);
  // Before the call: what becomes due while it is under way asks for another one.
  state.isDue = false;
  const wanted = state.isClosed ? { runs: 0, deliveries: 0 } : ports.room();
  const batch = outbox.take();
  const size = batch.runs.length + batch.deliveries.length;
  state.sent = batch;

  try {
    const { result, sentAt, error } = await send(ports, {
      wanted,
      batch,
      async failing() {
        state.isAway = true;
        await ports.keep(unsettled(state, outbox));
      },
    });
    const claimed = result.runs.length + result.deliveries.length;

    arrived(state);
    state.refusals = 0;
    ports.settled(batch, result);
    ports.begin(result, sentAt);
    plan(state, parts.alarm, { result, progressed: claimed + size > 0 });
    report(waiting, { claimed, settled: size }, error);
  } catch (error) {
    arrived(state);
    report(waiting, { claimed: 0, settled: 0 }, scrub(messageOf(error)));
    if (ports.signal.aborted) outbox.putBack(batch, false);
    else await refused(ports, state, { outbox, batch, error });
  }
}

function arrived(state: State): void {
  state.isAway = false;
  state.sent = nothing;
}

function report(
  waiting: State['waiting'],
  counts: { claimed: number; settled: number },
  error: string | undefined,
): void {
  for (const resolve of waiting) resolve(error === undefined ? counts : { ...counts, error });
}

/** Decides when to ask again, from what the database said is due. */
function plan(
  state: State,
  alarm: Parts['alarm'],
  { result, progressed }: { result: TurnResult; progressed: boolean },
): void {
  if (state.isClosed) return;

  // What is due but did not come is not for us: its user is at a cap, or others hold it. Asking again at once would spin.
  if (result.more && progressed) state.isDue = true;

  if (result.nextDueMs === null) alarm.clear();
  else alarm.set(Math.max(shortestAlarmMs, result.nextDueMs));
}

/** Keeps one bad outcome from holding up all others: refused together, they are sent one by one. */
async function refused(
  ports: TurnPorts,
  state: State,
  { outbox, batch, error }: { outbox: Outbox; batch: Batch; error: unknown },
): Promise<void> {
  const size = batch.runs.length + batch.deliveries.length;
  const text = scrub(messageOf(error));
  state.refusals += 1;
  state.isDue = true;
  if (isWorthSaying(state.refusals)) {
    ports.log.error('the database refused a turn', { outcomes: size, error: text });
  }

  if (size === 1 && state.refusals > maxRefusals) {
    const { instead, up } = replaceRefused(batch, text);
    outbox.putBack(instead, false);
    if (up === undefined) ports.replaced(batch, text);
    else ports.given(up);
    state.refusals = 0;
  } else {
    outbox.putBack(batch, true);
  }

  // Nothing more to do when the daemon stops meanwhile.
  await ports.clock.delay(jitteredMs(state.refusals), ports.signal).catch(() => undefined);
}
