// The system's clock: wall time, time that never jumps, and a wait that can be called off.
import { setTimeout as wait } from 'node:timers/promises';

import type { Clock } from '../core/ports.ts';

// Node fires at once, with a warning, what should wait for longer than a signed 32-bit number of milliseconds.
const longestWaitMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async delay(ms, signal) {
    signal?.throwIfAborted();

    try {
      for (let leftMs = ms; leftMs > 0; leftMs -= longestWaitMs) {
        const partMs = Math.min(leftMs, longestWaitMs);
        await wait(partMs, undefined, signal === undefined ? {} : { signal });
      }
    } catch (error) {
      // The signal's reason says more than Node's AbortError.
      signal?.throwIfAborted();
      throw error;
    }
  },
};
