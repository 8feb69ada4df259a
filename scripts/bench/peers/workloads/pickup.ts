// How long a submitted job waits for a worker that has nothing else to do, with the settings that it comes with.
import { percentile } from '../../measure.ts';
import { pause, until } from './stopwatch.ts';
import type { Figures, Place, Size } from './types.ts';

const samples = 60;
// The first ones also load code and make plans.
const unmeasured = 3;

export async function pickup(place: Place, { scale }: Size): Promise<Figures> {
  const session = await place.adapter.open(place.address);
  let started: (at: number) => void = () => undefined;
  const worker = await session.work({
    concurrency: 4,
    mode: 'default',
    worker: { id: crypto.randomUUID() },
    async run() {
      started(performance.now());
      return 'done';
    },
  });

  const waited: number[] = [];
  for (let number = -unmeasured; number < Math.max(5, samples * scale); number += 1) {
    const { promise, resolve } = Promise.withResolvers<number>();
    started = resolve;
    const begin = performance.now();
    await session.submit('jobs', 1);
    const at = await promise;
    if (number >= 0) waited.push(at - begin);
    await until(async () => (await session.unfinished()) === 0);
    // At any place between two polls.
    await pause(Math.random() * 1_000);
  }

  await worker.stop();
  await session.close();
  return { 'median ms': percentile(waited, 0.5), '95 % ms': percentile(waited, 0.95) };
}
