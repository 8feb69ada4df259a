// Hands in the briefs that were kept on this machine while there was no database to take them.
import { messageOf } from '../core/errors.ts';
import type { Queue } from '../core/queue.ts';
import type { SpooledTask, SpoolFolder } from '../core/spool.ts';
import { isRefusal, persist, type Persistence } from './persist.ts';
import { createPump } from './pump.ts';
import { scrub } from './scrub.ts';

export type HandInPorts = Persistence & {
  folder: SpoolFolder<SpooledTask>;
  queue: Pick<Queue, 'submitTask'>;
};

export type HandIn = {
  /** Hands in what is there, in its order; rejects while the database is away. */
  once(): Promise<void>;
  /** Says that there may be something: it is handed in as soon as the database takes it. */
  knock(): void;
  /** Hands in what comes, until disposed, as far as the system tells of it. */
  watch(): Disposable;
};

export function createHandIn(ports: HandInPorts): HandIn {
  const { folder, log, signal } = ports;
  let isDue = false;

  async function once(): Promise<void> {
    for (const name of await folder.names()) await handIn(ports, name);
  }

  const pump = createPump({
    hasWork: () => isDue && !signal.aborted,
    async work() {
      // Before the look: what comes meanwhile asks for another one.
      isDue = false;
      // It only ever rejects when the daemon gives up on the database.
      await persist('hand in kept tasks', once, ports).catch(() => undefined);
    },
  });
  const knock = (): void => {
    isDue = true;
    pump.knock();
  };

  return {
    once,
    knock,
    watch: () =>
      folder.watch(knock, (error) =>
        log.debug('kept tasks are found by polling only', { error: messageOf(error) }),
      ),
  };
}

async function handIn({ folder, queue, log }: HandInPorts, name: string): Promise<void> {
  const entry = await folder.read(name);
  // Gone, or it made no sense and is with the refused ones.
  if (entry === undefined) return;

  const { id: taskId } = entry.task;
  try {
    const { id, repeated } = await queue.submitTask(entry.task);
    log.info('a task that was kept on this machine is handed in', { taskId, repeated });
    if (id !== taskId) log.warn('its idempotency key is of another task', { taskId, isTask: id });
    await folder.remove(name);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const reason = scrub(messageOf(error));
    log.error('a task that was kept on this machine is refused', { taskId, error: reason });
    await folder.refuse(name, reason);
  }
}
