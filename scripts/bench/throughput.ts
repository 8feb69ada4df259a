// How many tasks a second the engine moves from submitted to complete, and what each costs.
import { createBenchDaemon, finished, openBed } from './bed.ts';
import type { Figure } from './main.ts';
import { processorSeconds, transactions } from './measure.ts';

const tasks = 300;
const concurrency = 16;
const resultBytes = 2_000;

export async function throughput(): Promise<Figure[]> {
  await using bed = await openBed();
  const postgresPid = bed.database.server?.pid() ?? 0;
  const daemon = createBenchDaemon(bed, {
    concurrency,
    runAgent: async (run) => finished(run, resultBytes),
  });

  // Submitted before the daemon starts: what is measured is the daemon at saturation.
  for (let number = 0; number < tasks; number += 1) {
    await bed.queue.submitTask({
      title: `Task ${number}`,
      description: 'A task of seven runs that do nothing.',
    });
  }
  const transactionsBefore = await transactions(bed);
  const postgresBefore = await processorSeconds(postgresPid);
  const ownBefore = process.cpuUsage();
  const begin = performance.now();

  await daemon.pollOnce();

  const seconds = (performance.now() - begin) / 1_000;
  const own = process.cpuUsage(ownBefore);
  const postgresAfter = await processorSeconds(postgresPid);
  const transactionsAfter = await transactions(bed);
  const [done] = await bed.admin(`select count(*) as number from tasks where status = 'complete'`);
  if (Number(done?.['number']) !== tasks) throw new Error(`only ${done?.['number']} tasks ended`);

  return [
    { name: 'tasks', value: tasks / seconds, unit: 'per second' },
    { name: 'Node', value: (own.user + own.system) / 1e6 / tasks, unit: 'CPU s per task' },
    {
      name: 'PostgreSQL',
      value:
        postgresAfter === null || postgresBefore === null
          ? null
          : (postgresAfter - postgresBefore) / tasks,
      unit: 'CPU s per task',
    },
    {
      name: 'transactions',
      value: (transactionsAfter - transactionsBefore) / tasks,
      unit: 'per task',
    },
    { name: 'peak memory', value: process.resourceUsage().maxRSS / 1024, unit: 'MB, Node alone' },
  ];
}
