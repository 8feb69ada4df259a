// What may happen to the queue, as fast-check draws it: choices are numbers that fit whatever there is at that moment.
import fc from 'fast-check';

import { agents } from './world.ts';
import type { Ending } from './reference/outcomes.ts';

/** One outcome to come: of work that is held now, or of any attempt there ever was. */
export type Choice = { nth: number; isStale: boolean; ending: Ending; retryAfterMs: number };

/** A call whose reply is lost is made twice, with the same arguments. */
export type Operation =
  | ({ type: 'submit'; agents: string[]; dependsOn: number[] } & SubmitParts & Losable)
  | { type: 'cancel' | 'retry'; task: number; isLost: boolean }
  | ({ type: 'claim'; what: 'runs' | 'deliveries'; worker: number; limit: number } & Losable)
  | ({ type: 'turn'; worker: number; runs: number; deliveries: number } & Choices &
      Losable & {
        /** What becomes of all else that is held. */
        rest: Ending | null;
      })
  | ({ type: 'settle'; worker: number } & Choices & Losable)
  | ({ type: 'steps'; run: number; isStale: boolean; count: number } & Losable)
  | ({ type: 'beat'; worker: number } & Losable)
  | { type: 'sweep' }
  | ({ type: 'register'; sinks: number; replaces: number | null } & Losable)
  | ({ type: 'retire'; worker: number } & Losable)
  | { type: 'clock'; ms: number }
  /** Everyone who has not retired beats, but one. */
  | { type: 'silence'; worker: number; ms: number }
  /** An earlier call is made again, however much has happened since. */
  | { type: 'again'; nth: number };

type Losable = { isLost: boolean };
type Choices = { choices: Choice[] };
type SubmitParts = {
  profile: 'parallel' | 'waves';
  priority: number;
  maxRetries: number;
  key: number | null;
  startsInMs: number | null;
};

const nth = fc.nat({ max: 99 });
const isLost = fc.boolean();

const choices = fc.array(
  fc.record({
    nth,
    isStale: fc.oneof(
      { weight: 5, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    ending: fc.oneof(
      { weight: 3, arbitrary: fc.constant('done' as const) },
      { weight: 1, arbitrary: fc.constantFrom('retry', 'fail', 'release') },
    ),
    retryAfterMs: fc.constantFrom(0, 0, 5_000, 60_000),
  }),
  { maxLength: 6 },
);

const names = agents.map((agent) => agent.name);

const submit = fc.record({
  type: fc.constant('submit' as const),
  profile: fc.constantFrom('parallel', 'waves'),
  agents: fc.oneof(
    { weight: 2, arbitrary: fc.subarray(names, { minLength: 1, maxLength: 2 }) },
    { weight: 1, arbitrary: fc.subarray(names, { minLength: 1 }) },
  ),
  priority: fc.constantFrom(5, 1, 10, 20),
  dependsOn: fc.oneof(
    { weight: 1, arbitrary: fc.array(nth, { maxLength: 0 }) },
    { weight: 1, arbitrary: fc.array(nth, { maxLength: 2 }) },
  ),
  maxRetries: fc.nat({ max: 2 }),
  key: fc.option(fc.nat({ max: 3 })),
  startsInMs: fc.option(fc.constantFrom(30_000, -30_000), { freq: 4 }),
  isLost,
});

const claim = fc.record({
  type: fc.constant('claim' as const),
  what: fc.constantFrom('runs', 'deliveries'),
  worker: nth,
  limit: fc.constantFrom(20, 1, 3, 0),
  isLost,
});

const turn = fc.record({
  type: fc.constant('turn' as const),
  worker: nth,
  runs: fc.constantFrom(20, 0, 2),
  deliveries: fc.constantFrom(20, 0, 1),
  choices,
  rest: fc.constantFrom(null, 'done'),
  isLost,
});

// Good work for a while: without it hardly a task would come to its end.
const shift = fc
  .record({
    turns: fc.integer({ min: 1, max: 6 }),
    worker: nth,
    choices,
    rest: fc.constantFrom('done', 'done', 'done', 'fail'),
  })
  .map(({ turns, ...rest }) =>
    Array.from({ length: turns }, () => ({
      type: 'turn' as const,
      ...rest,
      runs: 20,
      deliveries: 20,
      isLost: false,
    })),
  );

// A worker that is given work, gets somewhere with it or not, and is not heard of again.
const death = fc
  .record({
    submit,
    worker: nth,
    limit: fc.constantFrom(20, 2),
    count: fc.nat({ max: 2 }),
    run: nth,
  })
  .map(({ submit: task, worker, limit, count, run }): Operation[] => [
    task,
    { type: 'claim', what: 'runs', worker, limit, isLost: false },
    ...(count === 0 ? [] : [{ type: 'steps' as const, run, isStale: false, count, isLost: true }]),
    { type: 'silence', worker, ms: 50_000 },
  ]);

const settle = fc.record({ type: fc.constant('settle' as const), worker: nth, choices, isLost });

const steps = fc.record({
  type: fc.constant('steps' as const),
  run: nth,
  isStale: fc.boolean(),
  count: fc.integer({ min: 1, max: 2 }),
  isLost,
});

const decision = fc.record({
  type: fc.constantFrom('cancel', 'retry'),
  task: nth,
  isLost,
});

const worker = fc.oneof(
  fc.record({ type: fc.constant('beat' as const), worker: nth, isLost }),
  fc.record({
    type: fc.constant('register' as const),
    sinks: nth,
    replaces: fc.option(nth),
    isLost,
  }),
  fc.record({ type: fc.constant('retire' as const), worker: nth, isLost }),
);

const time = fc.oneof(
  fc.record({
    type: fc.constant('clock' as const),
    ms: fc.constantFrom(1, 9_000, 20_000, 20_000, 50_000, -7_000, 1_900_000, 3_700_000),
  }),
  fc.record({ type: fc.constant('silence' as const), worker: nth, ms: fc.constant(50_000) }),
);

const single: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: submit },
  { weight: 5, arbitrary: claim },
  { weight: 6, arbitrary: turn },
  { weight: 4, arbitrary: settle },
  { weight: 6, arbitrary: steps },
  { weight: 4, arbitrary: decision },
  { weight: 2, arbitrary: worker },
  { weight: 2, arbitrary: time },
  { weight: 3, arbitrary: fc.constant({ type: 'sweep' as const }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('again' as const), nth }) },
);

export const operations: fc.Arbitrary<Operation[]> = fc
  .array(
    fc.oneof(
      { weight: 16, arbitrary: single.map((operation) => [operation]) },
      { weight: 2, arbitrary: shift },
      { weight: 1, arbitrary: death },
    ),
    { minLength: 1, maxLength: 45, size: 'max' },
  )
  .map((parts) => parts.flat());
