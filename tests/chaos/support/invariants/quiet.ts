// What must hold besides once nobody has anything left to do.
import { unmet } from './tasks.ts';

export const quietRules: readonly string[] = [
  `select format('run %s is still %s', run.id, run.status) as fault
  from public.agent_runs as run
  where run.status in ('pending', 'running')`,

  `select format('delivery %s is still %s', delivery.id, delivery.status)
  from public.deliveries as delivery
  where delivery.status in ('blocked', 'pending', 'running')`,

  `select format('task %s is still %s', task.id, task.status)
  from public.tasks as task
  where task.status in ('running', 'delivering')
    or task.status = 'pending' and not ${unmet}`,

  `select format('run %s is complete and was told to be done %s times', run.id, count(progress.id))
  from public.agent_runs as run
  left join public.task_progress as progress
    on progress.run_id = run.id and progress.step_label = 'done' and progress.percent = 100
  where run.status = 'complete'
    -- What was said of a run is pruned all together.
    and exists (select from public.task_progress as said where said.run_id = run.id)
  group by run.id
  having count(progress.id) <> 1`,
];
