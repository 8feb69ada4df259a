// What keeps a daemon that serves from working, for those who ask it: a disk that is full, a database that is away.
import type { Clock } from '../core/ports.ts';

export type Trouble = {
  kind: 'disk' | 'database';
  /** ISO 8601. */
  since: string;
  message: string;
};

export type Troubles = {
  /** Null: it is over. */
  set(kind: Trouble['kind'], message: string | null): void;
  list(): Trouble[];
};

/** `publish` hears of each change, and must not throw. */
export function createTroubles(
  clock: Pick<Clock, 'now'>,
  publish: (troubles: Trouble[]) => void,
): Troubles {
  let troubles: Trouble[] = [];

  return {
    list: () => troubles,
    set(kind, message) {
      const former = troubles.find((trouble) => trouble.kind === kind);
      // The same trouble may be told in other words at each try: the first ones stand.
      if ((former === undefined) === (message === null)) return;

      troubles = troubles.filter((trouble) => trouble !== former);
      if (message !== null) {
        troubles = [...troubles, { kind, since: new Date(clock.now()).toISOString(), message }];
      }
      publish(troubles);
    },
  };
}
