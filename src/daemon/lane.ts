// Works on claims side by side up to a limit, and hands on what came of each the moment it ends.
import pLimit from 'p-limit';

import type { Token } from '../core/queue.ts';
import type { Held, Holding, Kind, Work } from './held.ts';

export type Lane<Claimed> = {
  /** Slots that are free now. */
  room(): number;
  /** Begins the work on a claim; `sentAt` is the monotonic time at which it was asked for. */
  begin(claimed: Claimed, sentAt: number): void;
};

export type LaneOptions<Claimed, Outcome> = {
  kind: Kind;
  concurrency: number;
  held: Held;
  about(claimed: Claimed): Work;
  /** Never rejects. Undefined when the database has taken the claim away: there is nothing to settle. */
  work(claimed: Claimed, holding: Holding, sentAt: number): Promise<Outcome | undefined>;
  done(token: Token, outcome: Outcome | undefined): void;
};

export function createLane<Claimed extends Token, Outcome>({
  kind,
  concurrency,
  held,
  about,
  work,
  done,
}: LaneOptions<Claimed, Outcome>): Lane<Claimed> {
  const limit = pLimit(concurrency);
  let working = 0;

  return {
    room: () => Math.max(0, concurrency - working),

    begin(claimed, sentAt) {
      const holding = held.add(kind, claimed, about(claimed));
      if (holding === undefined) return;

      working += 1;
      void limit(async () => {
        const outcome = await work(claimed, holding, sentAt);
        working -= 1;
        done(holding.token, outcome);
      });
    },
  };
}
