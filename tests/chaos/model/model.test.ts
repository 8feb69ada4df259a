// Whatever is done to the queue in whatever order, it answers and holds what a small model in memory says it must.
import fc from 'fast-check';
import { test } from 'vitest';

import { scaled, seed } from '../support/scale.ts';
import { operations } from './operations.ts';
import { play } from './play.ts';
import { openWorld } from './world.ts';

const minutes = 60_000;

test(
  'any sequence of calls leaves the tables as the model says',
  { timeout: scaled(10, 60) * minutes },
  async () => {
    await using world = await openWorld();

    // A failure names the seed, the path and the shortest sequence; CHAOS_SEED plays it again.
    await fc.assert(
      fc.asyncProperty(operations, (sequence) => play(world, sequence)),
      {
        seed,
        numRuns: scaled(30, 3_000),
        // Long sequences as often as short ones.
        unbiased: true,
        interruptAfterTimeLimit: scaled(5, 50) * minutes,
      },
    );
  },
);
