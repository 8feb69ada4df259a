// One turn's way to the database and back, as often as it takes.
import { randomUUID } from 'node:crypto';

import { isAppError, messageOf } from '../core/errors.ts';
import type { Queue, Turn, TurnResult } from '../core/queue.ts';
import type { Batch } from './outbox.ts';
import { isRefusal, persist, type Persistence } from './persist.ts';
import { scrub } from './scrub.ts';

export type Room = { runs: number; deliveries: number };

/** The signal aborts when the daemon gives up on the database: what is not settled then stays unsettled. */
export type SendPorts = Persistence & {
  queue: Pick<Queue, 'takeTurn'>;
  workerId: string;
  /** Records the steps that wait on the disk: they come before any outcome. */
  drainSteps(): Promise<void>;
  /** Makes a worker known again whose row is gone. */
  register(): Promise<void>;
};

/** `sentAt` is the monotonic time of the request that was answered; `error` tells of tries that failed before. */
export type Sent = { result: TurnResult; sentAt: number; error: string | undefined };

/**
 * Sends one turn until it gets through: always the same claim id, so that a lost reply changes nothing. `failing` is
 * called and waited for after each try that failed.
 */
export async function send(
  ports: SendPorts,
  { wanted, batch, failing }: { wanted: Room; batch: Batch; failing(): Promise<void> },
): Promise<Sent> {
  const { queue, workerId, clock } = ports;
  const turn: Turn = {
    workerId,
    claimId: randomUUID(),
    runsWanted: wanted.runs,
    deliveriesWanted: wanted.deliveries,
    ...batch,
  };
  let sentAt = 0;
  let failure: string | undefined;

  const result = await persist(
    'turn',
    async () => {
      try {
        await ports.drainSteps();
        sentAt = clock.monotonic();
        return await queue.takeTurn(turn);
      } catch (error) {
        failure = scrub(messageOf(error));
        if (isAppError(error) && error.code === 'worker_unknown') await ports.register();
        else if (!isRefusal(error)) await failing();
        throw error;
      }
    },
    ports,
  );

  return { result, sentAt, error: failure };
}
