// How long a submitted run waits for a daemon that has nothing else to do.
import { createBenchDaemon, finished, openBed } from './bed.ts';
import type { Figure } from './main.ts';
import { percentile } from './measure.ts';

const samples = 200;

export async function pickup(): Promise<Figure[]> {
  await using bed = await openBed();
  let started: (at: number) => void = () => undefined;
  const daemon = createBenchDaemon(bed, {
    concurrency: 4,
    async runAgent(run) {
      started(performance.now());
      return finished(run, 100);
    },
  });
  await daemon.start();

  const waited: number[] = [];
  for (let number = 0; number < samples; number += 1) {
    const { promise, resolve } = Promise.withResolvers<number>();
    started = resolve;
    const begin = performance.now();
    const { id } = await bed.queue.submitTask({
      title: `Task ${number}`,
      description: 'One run.',
      agents: ['echo'],
    });
    const at = await promise;
    // The first ones also load code and make plans.
    if (number >= 20) waited.push(at - begin);
    await ended(bed, id);
  }

  await daemon.stop();
  return [
    { name: 'median', value: percentile(waited, 0.5), unit: 'ms from submission to start' },
    { name: '95 %', value: percentile(waited, 0.95), unit: 'ms from submission to start' },
  ];
}

// The daemon is idle again once the task's last delivery has ended.
async function ended(bed: Awaited<ReturnType<typeof openBed>>, id: string): Promise<void> {
  while ((await bed.queue.readTask(id))?.status !== 'complete') {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
