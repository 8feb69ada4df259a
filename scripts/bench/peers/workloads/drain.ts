// Works off what was submitted before, and times it from the start of the first run to the last recorded end.
import { runsPerTask, type Shape, type Work } from '../contract.ts';
import { startCost, transactionsTold, until } from './stopwatch.ts';
import type { Place } from './types.ts';

const resultBytes = 2_000;

type Load = { shape: Shape; count: number; concurrency: number; runMs: number };

/** Submits, drains and measures. Throws when not all of it has ended in five minutes. */
export async function drain(place: Place, load: Load) {
  const session = await place.adapter.open(place.address);
  await session.submit(load.shape, load.count);
  const transactionsBefore = await transactionsTold(place);
  const cost = await startCost(place);
  const runs = load.shape === 'tasks' ? load.count * runsPerTask : load.count;
  const clock = createClock(runs, load.runMs);

  const worker = await session.work(workOf(clock.run, load.concurrency));
  // Only once all runs have ended is the database asked: asking costs.
  await clock.allRan;
  if (!(await until(async () => (await session.unfinished()) === 0))) {
    throw new Error(`${place.peer}: ${await session.unfinished()} not ended`);
  }
  const seconds = (performance.now() - clock.firstAt()) / 1_000;

  const spent = await cost();
  await worker.stop();
  const transactions = (await transactionsTold(place)) - transactionsBefore;
  await session.close();
  return { seconds, spent, transactions };
}

function workOf(run: Work['run'], concurrency: number): Work {
  return { run, concurrency, mode: 'swift', worker: { id: crypto.randomUUID() } };
}

function createClock(runs: number, runMs: number) {
  const { promise: allRan, resolve } = Promise.withResolvers<void>();
  const result = 'x'.repeat(resultBytes);
  let first: number | undefined;
  let ran = 0;

  return {
    allRan,
    firstAt: () => first ?? performance.now(),
    async run(): Promise<string> {
      first ??= performance.now();
      if (runMs > 0) await new Promise((done) => setTimeout(done, runMs));
      ran += 1;
      if (ran === runs) resolve();

      return result;
    },
  };
}
