// One alarm at a time: setting it anew forgets the one before.
import type { Clock } from '../core/ports.ts';

export type Alarm = { set(ms: number): void; clear(): void };

export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let pending = new AbortController();

  const clear = (): void => {
    pending.abort();
    pending = new AbortController();
  };

  return {
    clear,
    set(ms) {
      clear();
      clock.delay(ms, pending.signal).then(ring, () => undefined);
    },
  };
}
