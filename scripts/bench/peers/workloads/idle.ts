// What a worker costs that has nothing to do, with the settings that it comes with.
import { pause, transactionsTold } from './stopwatch.ts';
import type { Figures, Place, Size } from './types.ts';

const settleMs = 5_000;

export async function idle(place: Place, { seconds }: Size): Promise<Figures> {
  const session = await place.adapter.open(place.address);
  const worker = await session.work({
    concurrency: 4,
    mode: 'default',
    worker: { id: crypto.randomUUID() },
    run: async () => 'done',
  });
  await pause(settleMs);
  const before = await transactionsTold(place);
  const begin = performance.now();
  await pause(seconds * 1_000);
  const after = await transactionsTold(place);
  const minutes = (performance.now() - begin) / 60_000;

  await worker.stop();
  await session.close();
  return { 'transactions per minute': (after - before) / minutes };
}
