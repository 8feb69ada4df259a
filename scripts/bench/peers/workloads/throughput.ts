// How fast work that does nothing is moved, and what each task costs: 300 tasks of seven runs, and 2,100 single jobs.
import type { Shape } from '../contract.ts';
import { runsPerTask } from '../contract.ts';
import { drain } from './drain.ts';
import type { Figures, Place, Size } from './types.ts';

const tasks = 300;
const concurrency = 16;

export async function throughput(place: Place, { scale }: Size): Promise<Figures> {
  return await figures(place, 'tasks', Math.ceil(tasks * scale));
}

export async function jobs(place: Place, { scale }: Size): Promise<Figures> {
  return await figures(place, 'jobs', Math.ceil(tasks * scale) * runsPerTask);
}

async function figures(place: Place, shape: Shape, count: number): Promise<Figures> {
  const { seconds, spent, transactions } = await drain(place, {
    shape,
    count,
    concurrency,
    runMs: 0,
  });

  return {
    'per second': count / seconds,
    'Node ms': (spent.nodeSeconds / count) * 1_000,
    'PostgreSQL ms':
      spent.postgresSeconds === null ? null : (spent.postgresSeconds / count) * 1_000,
    transactions: transactions / count,
    'WAL KB': spent.walBytes / count / 1_024,
  };
}
