// What the queue adds to agents that take their time: 40 tasks of seven runs of 500 ms, 28 at a time.
import { runsPerTask } from '../contract.ts';
import { drain } from './drain.ts';
import type { Figures, Place, Size } from './types.ts';

const tasks = 40;
const concurrency = 28;
const runMs = 500;

export async function slow(place: Place, { scale }: Size): Promise<Figures> {
  const count = Math.max(4, Math.round(tasks * scale));
  const { seconds } = await drain(place, { shape: 'tasks', count, concurrency, runMs });
  const ideal = (Math.ceil((count * runsPerTask) / concurrency) * runMs) / 1_000;

  return { seconds, 'over ideal %': (seconds / ideal - 1) * 100 };
}
