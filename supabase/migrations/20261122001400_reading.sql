-- Reading: what doors show. All run with the caller's own rights, so row security decides what is seen.

-- The columns that lists show, as one JSON object.
create function nightshift.task_summary (
  p_task public.tasks
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_task.id,
    'title', p_task.title,
    'status', p_task.status,
    'profile', p_task.profile,
    'priority', p_task.priority,
    'agents', p_task.agents,
    'runsEnded', (
      select count(*) from public.agent_runs as run
      where run.task_id = p_task.id and run.status in ('complete', 'failed', 'cancelled', 'skipped')
    ),
    'failedAgents', p_task.failed_agents,
    'folderUrl', p_task.folder_url,
    'createdAt', p_task.created_at,
    'startedAt', p_task.started_at,
    'completedAt', p_task.completed_at
  )
$$;

-- Tasks, newest first: at most `p_limit` (1 to 500) created before `p_before`, of one status if given.
create function public.list_tasks (
  p_status text,
  p_limit integer,
  p_before timestamptz
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(nightshift.task_summary(task) order by task.created_at desc, task.id), '[]')
  from (
    select found.*
    from public.tasks as found
    where (p_status is null or found.status = p_status)
      and (p_before is null or found.created_at < p_before)
    order by found.created_at desc, found.id
    limit greatest(1, least(p_limit, 500))
  ) as task
$$;

-- The ids of tasks whose id begins with `p_prefix` (hexadecimal and dashes), at most ten, newest first.
create function public.find_tasks (
  p_prefix text
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(found.id), '[]')
  from (
    select task.id
    from public.tasks as task
    where p_prefix ~ '^[0-9a-f-]{1,36}$'
      and task.id between rpad(p_prefix, 36, substr('00000000-0000-0000-0000-000000000000', length(p_prefix) + 1))::uuid
        and rpad(p_prefix, 36, substr('ffffffff-ffff-ffff-ffff-ffffffffffff', length(p_prefix) + 1))::uuid
    order by task.created_at desc
    limit 10
  ) as found
$$;

create function nightshift.runs_of (
  p_task_id uuid
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', run.id,
    'agent', run.agent,
    'wave', run.wave,
    'status', run.status,
    'attempt', run.attempt,
    'tries', run.attempt - run.refunds,
    'maxAttempts', run.max_attempts,
    'dueAt', run.due_at,
    'startedAt', run.started_at,
    'completedAt', run.completed_at,
    'error', run.error,
    'usage', run.usage,
    'summary', run.output ->> 'summary',
    'workerId', run.worker_id
  ) order by run.wave, run.id), '[]')
  from public.agent_runs as run
  where run.task_id = p_task_id
$$;

create function nightshift.deliveries_of (
  p_task_id uuid
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', delivery.id,
    'sink', delivery.sink,
    'stage', delivery.stage,
    'target', delivery.target,
    'status', delivery.status,
    'attempt', delivery.attempt,
    'dueAt', delivery.due_at,
    'completedAt', delivery.completed_at,
    'result', delivery.result,
    'error', delivery.error
  ) order by delivery.stage, delivery.id), '[]')
  from public.deliveries as delivery
  where delivery.task_id = p_task_id
$$;

-- One task with its runs, deliveries and deliverables (without bytes, attachments too); null where there is none.
create function public.read_task (
  p_task_id uuid
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select nightshift.task_summary(task) || jsonb_build_object(
    'description', task.description,
    'brief', nightshift.brief_for_people(task.brief),
    'folderName', task.folder_name,
    'error', task.error,
    'result', task.result,
    'scheduledFor', task.scheduled_for,
    'waitsFor', (
      select coalesce(jsonb_agg(jsonb_build_object('id', upstream.id, 'status', upstream.status) order by upstream.id), '[]')
      from public.task_dependencies as dependency
      join public.tasks as upstream on upstream.id = dependency.depends_on_id
      where dependency.task_id = task.id
        and upstream.status not in ('complete', 'partial')
    ),
    'runs', nightshift.runs_of(task.id),
    'deliveries', nightshift.deliveries_of(task.id),
    'deliverables', nightshift.deliverables_of(task.id)
  )
  from public.tasks as task
  where task.id = p_task_id
$$;

-- Progress of one task in order, after the row `p_after` (0 for all), at most 1,000 rows.
create function public.read_progress (
  p_task_id uuid,
  p_after bigint
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', progress.id,
    'taskId', progress.task_id,
    'runId', progress.run_id,
    'agent', progress.agent,
    'stepLabel', progress.step_label,
    'percent', progress.percent,
    'aiMessage', progress.ai_message,
    'isFinal', progress.is_final,
    'createdAt', progress.created_at
  ) order by progress.id), '[]')
  from (
    select found.*
    from public.task_progress as found
    where found.task_id = p_task_id
      and found.id > p_after
    order by found.id
    limit 1000
  ) as progress
$$;

-- The bytes of one deliverable, in base64; null where there is none.
create function public.read_deliverable (
  p_deliverable_id uuid
)
returns text
language sql
stable
set search_path = ''
as $$
  select translate(encode(stored.content, 'base64'), E'\n', '')
  from public.deliverable_contents as stored
  where stored.deliverable_id = p_deliverable_id
$$;

-- How the queue stands: what waits and runs, tasks by status, workers of the last day, the last poll.
create function public.read_state ()
returns jsonb
language sql
set search_path = ''
as $$
  select jsonb_build_object(
    'now', nightshift.queue_now(),
    'runsWaiting', (
      select count(*) from public.agent_runs as run where run.status = 'pending' and run.is_due
    ),
    'runsDelayed', (
      select count(*) from public.agent_runs as run where run.status = 'pending' and not run.is_due
    ),
    'nextDueAt', (
      select min(run.due_at) from public.agent_runs as run where run.status = 'pending' and not run.is_due
    ),
    'runsRunning', (select count(*) from public.agent_runs as run where run.status = 'running'),
    'oldestWaitingSeconds', (
      select extract(epoch from nightshift.queue_now() - min(run.created_at))
      from public.agent_runs as run
      where run.status = 'pending' and run.is_due
    ),
    'tasks', (
      select coalesce(jsonb_object_agg(counted.status, counted.number), '{}')
      from (select task.status, count(*) as number from public.tasks as task group by task.status) as counted
    ),
    'workers', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'id', worker.id,
        'name', worker.name,
        'version', worker.version,
        'startedAt', worker.started_at,
        'beatAt', worker.beat_at,
        'alive', worker.retired_at is null
          and worker.beat_at > nightshift.queue_now() - make_interval(secs => worker.lease_seconds),
        'running', (
          select count(*) from public.agent_runs as run where run.worker_id = worker.id and run.status = 'running'
        )
      ) order by worker.started_at desc), '[]')
      from public.workers as worker
      where worker.beat_at > nightshift.queue_now() - interval '1 day'
    ),
    'lastPoll', (
      select jsonb_build_object(
        'startedAt', poll.started_at,
        'endedAt', poll.ended_at,
        'trigger', poll.trigger,
        'claimed', poll.claimed,
        'settled', poll.settled,
        'error', poll.error
      )
      from public.poll_runs as poll
      order by poll.started_at desc
      limit 1
    )
  )
$$;
