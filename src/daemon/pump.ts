// Does one piece of work at a time for as long as there is some, and lets knocks of one tick become one piece.
import { setImmediate as nextTick } from 'node:timers/promises';

export type Pump = {
  /** Says that there may be work; it begins in the next tick of the event loop. */
  knock(): void;
  isBusy(): boolean;
};

export type PumpOptions = {
  hasWork(): boolean;
  /** Never rejects. */
  work(): Promise<void>;
  /** Called whenever the pump comes to rest. */
  rested?(): void;
};

export function createPump({ hasWork, work, rested }: PumpOptions): Pump {
  let busy = false;

  async function run(): Promise<void> {
    await nextTick();

    while (hasWork()) {
      await work();
      // What ends within this tick goes into the next piece together.
      await nextTick();
    }

    busy = false;
    rested?.();
  }

  return {
    isBusy: () => busy,
    knock() {
      if (busy) return;
      busy = true;
      void run();
    },
  };
}
