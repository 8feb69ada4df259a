// Repeats work after a pause that the work itself names, or at once when knocked; never two at a time.
import type { Clock } from '../core/ports.ts';

export type Ticker = {
  start(firstMs: number): void;
  /** Does the work now, or once more after the one under way. */
  knock(): void;
  /** Ends it, after the work under way. */
  stop(): Promise<void>;
};

/** Both in ms: how long the pause was to be, and how long it was by the wall clock. */
export type Pause = { plannedMs: number; wallMs: number };

/** `work` returns the ms until the next time, and never rejects. */
export function createTicker(clock: Clock, work: (pause: Pause) => Promise<number>): Ticker {
  let knocked = new AbortController();
  let stopped = false;
  let running: Promise<void> = Promise.resolve();

  async function run(firstMs: number): Promise<void> {
    let plannedMs = firstMs;

    for (;;) {
      const before = clock.now();
      // A knock ends the pause early: that is no failure.
      await clock.delay(plannedMs, knocked.signal).catch(() => undefined);
      if (stopped) return;

      knocked = new AbortController();
      plannedMs = await work({ plannedMs, wallMs: clock.now() - before });
      if (stopped) return;
    }
  }

  return {
    start(firstMs) {
      running = run(firstMs);
    },
    knock: () => knocked.abort(),
    async stop() {
      stopped = true;
      knocked.abort();
      await running;
    },
  };
}
