// Invariants of tasks: that their status is what their runs, deliveries, dependencies and progress say.

/** Upstream tasks that have not ended well. */
export const unmet = `exists (
    select
    from public.task_dependencies as dependency
    join public.tasks as upstream on upstream.id = dependency.depends_on_id
    where dependency.task_id = task.id
      and upstream.status not in ('complete', 'partial')
  )`;

const delivered = `task.status in ('delivering', 'complete', 'partial', 'failed')`;

export const taskRules: readonly string[] = [
  `select format('task %s has runs of %s and wants %s', task.id, held.agents, task.agents) as fault
  from public.tasks as task
  left join lateral (
    select array_agg(run.agent order by run.agent) as agents from public.agent_runs as run where run.task_id = task.id
  ) as held on true
  where held.agents is distinct from array(select wanted from unnest(task.agents) as wanted order by wanted)`,

  `select format('task %s is %s with run %s %s', task.id, task.status, run.id, run.status)
  from public.tasks as task
  join public.agent_runs as run on run.task_id = task.id
  where ${delivered} and run.status in ('blocked', 'pending', 'running')
    -- A claim that is under way while its task is cancelled may hold runs past it, but only such.
    or task.status = 'cancelled' and run.status = 'blocked'`,

  `select format('task %s is %s although none of its runs is open', task.id, task.status)
  from public.tasks as task
  where task.status in ('pending', 'running')
    and not exists (
      select from public.agent_runs as run
      where run.task_id = task.id and run.status in ('blocked', 'pending', 'running')
    )`,

  `select format('task %s is %s with delivery %s %s', task.id, task.status, delivery.id, delivery.status)
  from public.tasks as task
  join public.deliveries as delivery on delivery.task_id = task.id
  where task.status <> 'delivering'
    and delivery.status in ('blocked', 'pending', 'running')`,

  `select format('task %s is delivering and no delivery is open', task.id)
  from public.tasks as task
  where task.status = 'delivering'
    and not exists (
      select from public.deliveries as delivery
      where delivery.task_id = task.id and delivery.status in ('pending', 'running')
    )`,

  `select format('task %s is %s: outcome %s, end %s', task.id, task.status, task.outcome, task.completed_at)
  from public.tasks as task
  where (task.completed_at is not null) <> (task.status in ('complete', 'partial', 'failed', 'cancelled'))
    or task.outcome is null and ${delivered}
    or task.outcome is not null and task.status in ('pending', 'running')`,

  `select format('task %s is running and nobody ever claimed a run of it', task.id)
  from public.tasks as task
  where task.status = 'running'
    and (task.started_at is null or not exists (
      select from public.agent_runs as run where run.task_id = task.id and run.attempt > 0
    ))`,

  `select format('task %s was delivered and nobody says when it started', task.id)
  from public.tasks as task
  where ${delivered}
    and task.started_at is null`,

  `select format('task %s has outcome %s with %s of %s runs complete, required lost: %s', task.id, task.outcome,
    runs.complete, runs.total, runs.required_lost)
  from public.tasks as task
  cross join lateral (
    select count(*) as total, count(*) filter (where run.status = 'complete') as complete,
      coalesce(bool_or(run.required and run.status <> 'complete'), false) as required_lost
    from public.agent_runs as run
    where run.task_id = task.id
  ) as runs
  where ${delivered}
    and task.outcome is distinct from case
      when runs.complete = runs.total then 'complete'
      when runs.complete = 0 or runs.required_lost then 'failed'
      else 'partial'
    end`,

  `select format('task %s names %s as failed', task.id, task.failed_agents)
  from public.tasks as task
  where ${delivered}
    and task.failed_agents <> array(
      select run.agent from public.agent_runs as run where run.task_id = task.id and run.status <> 'complete' order by run.agent
    )`,

  `select format('task %s is %s with outcome %s', task.id, task.status, task.outcome)
  from public.tasks as task
  cross join lateral (
    select count(*) > 0 and count(*) filter (where delivery.status = 'delivered') = 0 as unpublished
    from public.deliveries as delivery
    where delivery.task_id = task.id and delivery.stage = 0
  ) as published
  where task.status in ('complete', 'partial', 'failed')
    and task.status <> case when task.outcome = 'complete' and published.unpublished then 'partial' else task.outcome end`,

  `select format('task %s names other deliverables in its result than it has', task.id)
  from public.tasks as task
  where ${delivered}
    and task.result -> 'deliverables' is distinct from (
      select coalesce(jsonb_agg(deliverable.id order by deliverable.run_id, deliverable.name), '[]')
      from public.deliverables as deliverable
      where deliverable.task_id = task.id and deliverable.status = 'ready'
    )`,

  // A wave or a task that nobody opened: all is blocked, and nothing holds it.
  `select format('task %s is %s with all that is left of it blocked, and waits for nothing', task.id, task.status)
  from public.tasks as task
  where task.status in ('pending', 'running')
    and not exists (
      select from public.agent_runs as run where run.task_id = task.id and run.status in ('pending', 'running')
    )
    and not ${unmet}`,

  // Tasks that ended well may be retried: what they once opened stays open.
  `select format('run %s is %s although task %s, which its task waits for, has never ended well', run.id, run.status,
    dependency.depends_on_id)
  from public.task_dependencies as dependency
  join public.agent_runs as run on run.task_id = dependency.task_id
  where (run.status in ('pending', 'running', 'complete', 'failed') or run.attempt > 0)
    and not exists (
      select from public.task_progress as progress
      where progress.task_id = dependency.depends_on_id and progress.is_final
        and progress.step_label in ('complete', 'partial')
    )`,

  // Each end is told once; each retry gives the task another end.
  `select format('task %s is %s and was told to have ended %s times, retried %s times', task.id, task.status, told.ends, told.retries)
  from public.tasks as task
  cross join lateral (
    select count(*) filter (where progress.is_final) as ends,
      count(*) filter (where progress.step_label = 'retried' and progress.run_id is null) as retries
    from public.task_progress as progress
    where progress.task_id = task.id
  ) as told
  where told.ends <> told.retries + (task.completed_at is not null)::integer`,

  `select format('task %s is %s and people were told that it is %s', task.id, task.status, told.step_label)
  from public.tasks as task
  cross join lateral (
    select progress.step_label
    from public.task_progress as progress
    where progress.task_id = task.id and progress.is_final
    order by progress.id desc
    limit 1
  ) as told
  where task.completed_at is not null
    and told.step_label <> task.status`,
];
