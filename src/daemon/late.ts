// Puts finished work aside that came too late: another attempt is the current one, and only people can use it now.
import type { Clock, Log } from '../core/ports.ts';
import type { LateOutcome, SpooledOutcome, SpoolFolder } from '../core/spool.ts';

export type LatePorts = { late: SpoolFolder<LateOutcome>; clock: Clock; log: Log };

const takenOver =
  'The work was finished after its lease had ended: another attempt has been made or is under way, and its outcome counts.';

/** True for outcomes that hold work or a verdict; the others only hand the work back, and somebody has it already. */
export function isFinal({ outcome }: Pick<SpooledOutcome, 'outcome'>): boolean {
  return outcome.type === 'complete' || outcome.type === 'delivered' || outcome.type === 'fail';
}

/** Writes one file for people; the same outcome again replaces it. Rejects when the disk fails. */
export async function putAside(
  { late, clock, log }: LatePorts,
  entry: SpooledOutcome,
  reason: string = takenOver,
): Promise<void> {
  const { kind, id, attempt, taskId: task, workerId: worker, outcome } = entry;
  const name = `${kind}-${id}-attempt-${attempt}-${worker.slice(0, 8)}.json`;
  const at = new Date(clock.now()).toISOString();
  const by = entry.kind === 'run' ? { agent: entry.agent } : { sink: entry.sink };
  await late.put(name, {
    status: 'lost',
    at,
    reason,
    task,
    kind,
    id,
    attempt,
    worker,
    ...by,
    outcome,
  });

  log.warn('finished work came too late and was put aside', {
    kind,
    id,
    attempt,
    taskId: task,
    ...by,
    file: `spool/late/${name}`,
  });
}
