// What a disk that is nearly full means to the daemon: it claims nothing, and says so where others look.
import type { DaemonContext } from './context.ts';
import { createDiskWatch, type DiskWatch } from './disk-watch.ts';

/** The database is told, and the people of this machine; `resumed` is called when claims may go on. */
export function watchDisk(
  { queue, clock, log, worker, ...context }: DaemonContext,
  resumed: () => void,
): DiskWatch {
  const toDatabase = oneAtATime((reason) => queue.pauseWorker(worker.id, reason));

  return createDiskWatch({
    volumes: context.volumes ?? null,
    clock,
    log,
    resumed,
    tell(reason) {
      context.troubles?.set('disk', reason);
      toDatabase(reason);
    },
  });
}

/** Hands on what is new; what did not get through is sent with the next call, which may be the same again. */
function oneAtATime(
  send: (reason: string | null) => Promise<void>,
): (reason: string | null) => void {
  let told: string | null = null;
  let isBusy = false;

  return (reason) => {
    if (isBusy || reason === told) return;
    isBusy = true;
    send(reason)
      .then(
        () => (told = reason),
        () => undefined,
      )
      .finally(() => (isBusy = false));
  };
}
