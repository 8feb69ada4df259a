// Whether claiming and settling slow down with what waits and with what was.
import { noUsage } from '../../src/core/run.ts';
import { type Bed, openBed } from './bed.ts';
import type { Figure } from './main.ts';

const turns = 300;
const batch = 16;
const waitingTasks = 14_286;
const finishedTasks = 71_429;

export async function backlog(): Promise<Figure[]> {
  const empty = await rate(async (bed) => {
    // Just what the turns need, and nothing behind it.
    await insertTasks(bed, Math.ceil((turns * batch) / 7) + 10, 'pending');
  });
  const deep = await rate(async (bed) => {
    await insertTasks(bed, finishedTasks, 'complete');
    await insertTasks(bed, waitingTasks, 'pending');
    await bed.admin('vacuum analyze');
  });

  return [
    { name: 'empty queue', value: empty, unit: 'runs claimed and settled per second' },
    {
      name: 'deep backlog',
      value: deep,
      unit: `with ${waitingTasks * 7} waiting and ${finishedTasks * 7} finished`,
    },
    { name: 'ratio', value: deep / empty, unit: 'deep : empty' },
  ];
}

async function rate(prepare: (bed: Bed) => Promise<void>): Promise<number> {
  await using bed = await openBed();
  const workerId = crypto.randomUUID();
  await bed.queue.registerWorker({
    workerId,
    name: 'bench',
    version: '0.0.0',
    leaseSeconds: 3_600,
    sinks: [],
    retry: { baseMs: 1_000, capMs: 1_000 },
  });
  await prepare(bed);
  const turn = turnTaker(bed, workerId);

  // The first turns make the plans.
  for (let number = 0; number < 20; number += 1) await turn();
  const begin = performance.now();
  for (let number = 20; number < turns; number += 1) await turn();

  return ((turns - 20) * batch) / ((performance.now() - begin) / 1_000);
}

function turnTaker(bed: Bed, workerId: string): () => Promise<void> {
  let held: { id: number; attempt: number }[] = [];

  return async () => {
    const error = { code: 'model_refused', message: 'no model', retriable: false };
    const result = await bed.queue.takeTurn({
      workerId,
      claimId: crypto.randomUUID(),
      runsWanted: batch,
      deliveriesWanted: 0,
      deliveries: [],
      runs: held.map(({ id, attempt }) => ({
        id,
        attempt,
        outcome: { type: 'fail', error, usage: noUsage },
      })),
    });
    held = result.runs.map(({ id, attempt }) => ({ id, attempt }));
  };
}

// Straight into the tables, past the triggers: submitting a hundred thousand tasks is not what is measured.
async function insertTasks(
  bed: Bed,
  number: number,
  status: 'pending' | 'complete',
): Promise<void> {
  await bed.admin(`
    set session_replication_role = replica;
    with task as (
      insert into tasks (title, description, agents, folder_name, status, outcome)
      select 'Task', 'Work', '{a,b,c,d,e,f,g}', '${status}-' || place, '${status}',
        case when '${status}' = 'complete' then 'complete' end
      from generate_series(1, ${number}) as place
      returning id
    )
    insert into agent_runs (task_id, agent, wave, status, priority, fair_at, max_attempts, timeout_seconds, output)
    select task.id, agent, 1, '${status}', 5, clock_timestamp(), 4, 60,
      case when '${status}' = 'complete' then '{"summary": "done"}'::jsonb end
    from task
    cross join unnest('{a,b,c,d,e,f,g}'::text[]) as agent`);
}
