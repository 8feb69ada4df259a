// How long work stays undone when the process that does it is killed: 14 runs in flight, SIGKILL.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { until } from './stopwatch.ts';
import type { Figures, Place, Size } from './types.ts';

const inFlight = 14;
const holder = fileURLToPath(new URL('../children/holder.ts', import.meta.url));

/** What a holder is told: whether it works its runs off or holds them for ever. */
export type HolderOrder = Pick<Place, 'peer' | 'address'> & {
  holds: boolean;
  concurrency: number;
  worker: { id: string; replaces?: string };
};

export async function recovery(place: Place, { seconds }: Size): Promise<Figures> {
  const restarted = await afterKill(place, { seconds, isSecondAlive: false });
  const taken = await afterKill(place, { seconds, isSecondAlive: true });

  return { 'restarted s': restarted, 'second worker s': taken };
}

/** Seconds from the kill until all runs have ended; null when they have not within the limit. */
async function afterKill(
  { peer, adapter, address }: Place,
  { seconds, isSecondAlive }: { seconds: number; isSecondAlive: boolean },
): Promise<number | null> {
  const session = await adapter.open(address);
  await session.submit('jobs', inFlight);
  const id = crypto.randomUUID();
  const order = { peer, address, concurrency: inFlight };
  const first = await start({ ...order, holds: true, worker: { id } }, inFlight);
  const other = { ...order, holds: false, worker: { id: crypto.randomUUID() } };
  const second = isSecondAlive ? await start(other, 0) : undefined;

  const begin = performance.now();
  await kill(first);
  const rescuer =
    second ?? (await start({ ...other, worker: { ...other.worker, replaces: id } }, 0));
  const isDone = await until(async () => (await session.unfinished()) === 0, {
    everyMs: 50,
    withinMs: seconds * 1_000,
  });
  const took = (performance.now() - begin) / 1_000;

  await kill(rescuer);
  await session.close();
  return isDone ? took : null;
}

/** Starts a worker of its own process; resolves once it serves and has begun so many runs. */
async function start(order: HolderOrder, runs: number): Promise<ChildProcess> {
  const child = fork(holder, [], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.send(order);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let begun = 0;
  let serves = false;
  child.on('message', (message) => {
    if (message === 'serves') serves = true;
    if (message === 'begun') begun += 1;
    if (serves && begun >= runs) resolve();
  });
  child.once('exit', (code) => reject(new Error(`a worker of ${order.peer} ended: ${code}`)));

  await promise;
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
