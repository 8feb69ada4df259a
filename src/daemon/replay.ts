// What daemons before this one left on the disk is told to the database first: their steps, then their outcomes.
import { isAppError, messageOf } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Queue, TokenAnswer } from '../core/queue.ts';
import type { Spool, SpooledOutcome } from '../core/spool.ts';
import { isFinal, putAside } from './late.ts';
import { isRefusal } from './persist.ts';
import { scrub } from './scrub.ts';
import type { StepSpool } from './step-spool.ts';

export type ReplayPorts = {
  spool: Spool;
  steps: StepSpool;
  queue: Pick<Queue, 'settleRuns' | 'settleDeliveries'>;
  isKnown(entry: { taskId: string }): Promise<boolean>;
  clock: Clock;
  log: Log;
};

/** May be repeated, and is to be: rejects while the database is away. A disk that fails is logged, and no reason to wait. */
export async function replay(ports: ReplayPorts): Promise<void> {
  const { spool, steps, log } = ports;

  try {
    await spool.sweep();
    await steps.drain();
    const names = await spool.outcomes.names();
    for (const name of names) await replayOne(ports, name);
  } catch (error) {
    if (isAppError(error)) throw error;
    log.error('the spool could not be replayed', { error: scrub(messageOf(error)) });
  }
}

const unknownTask =
  'This database does not know the task: it is another one than when the work was done.';

async function replayOne(ports: ReplayPorts, name: string): Promise<void> {
  const { spool, log, isKnown } = ports;
  const entry = await spool.outcomes.read(name);
  if (entry === undefined) {
    log.error('an outcome in the spool makes no sense: see spool/refused', { spooled: name });
    return;
  }

  const late = { ...ports, late: spool.late };
  if (!(await isKnown(entry))) {
    if (isFinal(entry)) await putAside(late, entry, unknownTask);
    await spool.outcomes.remove(name);
    return;
  }

  const answer = await settle(ports, name, entry);
  if (answer === undefined) return;
  const { kind, id, attempt, outcome } = entry;
  log.info('a spooled outcome is told', { kind, id, attempt, outcome: outcome.type, answer });
  if (answer === 'lost' && isFinal(entry)) await putAside(late, entry);
  await spool.outcomes.remove(name);
}

/** Undefined when the database refuses it for good: it is with the refused ones then. */
async function settle(
  { queue, spool, log }: ReplayPorts,
  name: string,
  entry: SpooledOutcome,
): Promise<TokenAnswer['answer'] | undefined> {
  const { workerId, id, attempt } = entry;
  try {
    const [answered] =
      entry.kind === 'run'
        ? await queue.settleRuns(workerId, [{ id, attempt, outcome: entry.outcome }])
        : await queue.settleDeliveries(workerId, [{ id, attempt, outcome: entry.outcome }]);
    // The call was taken: an answer left out cannot mean a loss.
    return answered?.answer ?? 'already';
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const reason = scrub(messageOf(error));
    log.error('the database refused a spooled outcome', { kind: entry.kind, id, attempt, reason });
    await spool.outcomes.refuse(name, reason);
    return undefined;
  }
}
