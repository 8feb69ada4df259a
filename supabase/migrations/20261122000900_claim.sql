-- Claiming: hands due runs and deliveries to a worker, with everything needed to work.

-- Refuses (NS008) a worker that never registered or has retired; counts as a beat when the last is a while ago.
create function nightshift.greet_worker (
  p_worker_id uuid
)
returns public.workers
language plpgsql
set search_path = ''
as $$
declare
  v_worker public.workers;
begin
  select worker.* into v_worker
  from public.workers as worker
  where worker.id = p_worker_id
    and worker.retired_at is null;

  if v_worker.id is null then
    raise exception 'worker % is not registered', p_worker_id using errcode = 'NS008';
  end if;

  if v_worker.beat_at < nightshift.queue_now() - make_interval(secs => v_worker.lease_seconds / 3.0) then
    update public.workers as worker
    set beat_at = nightshift.queue_now()
    where worker.id = p_worker_id;
  end if;

  return v_worker;
end;
$$;

-- Users at their cap of running runs, counted from what runs now. Empty where nobody has a cap, which costs nothing.
create function nightshift.users_at_cap ()
returns uuid[]
language sql
set search_path = ''
as $$
  select array(
    select profile.user_id
    from public.profiles as profile
    where profile.max_running <= (
      select count(*)
      from public.agent_runs as run
      where run.status = 'running'
        and run.user_id = profile.user_id
    )
  )
$$;

-- Locks the next due runs in the order of the line, at most `p_limit`, none of a user over their cap.
-- A capped user's waiting runs are stepped over: virtual time keeps others' runs close behind the head.
create function nightshift.pick_runs (
  p_limit integer
)
returns bigint[]
language plpgsql
set search_path = ''
-- With statistics that are old or absent the planner would rather sort all that waits than walk the index in its order.
set enable_sort = off
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
  v_capped uuid[];
  v_ids bigint[];
begin
  if not exists (select from public.profiles as profile where profile.max_running is not null) then
    return array(
      select due.id
      from public.agent_runs as due
      where due.status = 'pending'
        and due.is_due
      order by due.priority desc, due.fair_at, due.id
      limit p_limit
      for update skip locked
    );
  end if;

  -- Two claims at once must not both take a user's last place.
  perform pg_advisory_xact_lock(hashtextextended('nightshift.caps', 0));
  v_capped := nightshift.users_at_cap();
  v_ids := array(
    select due.id
    from public.agent_runs as due
    where due.status = 'pending'
      and due.is_due
      and (due.user_id is null or due.user_id <> all (v_capped))
    order by due.priority desc, due.fair_at, due.id
    limit p_limit
    for update skip locked
  );

  return array(
    select ranked.id
    from (
      select
        run.id,
        profile.max_running,
        row_number() over (partition by run.user_id order by run.priority desc, run.fair_at, run.id) as place,
        (
          select count(*)
          from public.agent_runs as held
          where held.status = 'running'
            and held.user_id = run.user_id
        ) as running
      from public.agent_runs as run
      left join public.profiles as profile on profile.user_id = run.user_id
      where run.id = any (v_ids)
    ) as ranked
    where ranked.max_running is null
      or ranked.running + ranked.place <= ranked.max_running
  );
end;
$$;

-- What a worker needs to work on a run, as one JSON object; the brief is apart (`nightshift.task_for_work`).
create function nightshift.run_for_work (
  p_run public.agent_runs
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_run.id,
    'attempt', p_run.attempt,
    'taskId', p_run.task_id,
    'agent', p_run.agent,
    'wave', p_run.wave,
    'timeoutSeconds', p_run.timeout_seconds,
    'handoff', case when p_run.wave = 1 then '{}' else coalesce((
      select jsonb_object_agg(earlier.agent, earlier.output)
      from public.agent_runs as earlier
      where earlier.task_id = p_run.task_id
        and earlier.wave < p_run.wave
        and earlier.status = 'complete'
    ), '{}') end,
    'missing', case when p_run.wave = 1 then '[]' else coalesce((
      select jsonb_agg(earlier.agent order by earlier.agent)
      from public.agent_runs as earlier
      where earlier.task_id = p_run.task_id
        and earlier.wave < p_run.wave
        and earlier.status <> 'complete'
    ), '[]') end,
    'steps', case when p_run.attempt = 1 then '[]' else coalesce((
      select jsonb_agg(
        jsonb_build_object('seq', step.seq, 'messages', step.messages, 'usage', step.usage)
        order by step.seq
      )
      from public.run_steps as step
      where step.run_id = p_run.id
        and step.attempt > p_run.fresh_after
    ), '[]') end
  )
$$;

create function nightshift.task_for_work (
  p_task_id uuid
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', task.id,
    'profile', task.profile,
    'brief', task.brief || jsonb_build_object('title', task.title, 'description', task.description),
    'submittedAt', task.created_at
  )
  from public.tasks as task
  where task.id = p_task_id
$$;

-- True when the task has been cancelled: its runs may not know yet.
create function nightshift.is_cancelled (
  p_task_id uuid
)
returns boolean
language sql
set search_path = ''
as $$
  select exists (select from public.tasks as task where task.id = p_task_id and task.status = 'cancelled')
$$;

-- Claims at most `p_limit` due runs for a worker: the attempt is counted here. Returns `{runs, tasks}`; a task that has
-- several runs is carried once. The same claim id answers with the same runs, as far as they still run, and claims
-- nothing new. Refuses NS008 (worker unknown).
create function public.claim_runs (
  p_worker_id uuid,
  p_claim_id uuid,
  p_limit integer
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_worker public.workers := nightshift.greet_worker(p_worker_id);
  v_now timestamptz;
  v_ids bigint[];
  v_tasks uuid[];
begin
  -- A repeat of a call whose answer was lost waits here until the first has ended.
  perform pg_advisory_xact_lock(hashtextextended(p_claim_id::text, 2));

  if p_limit > 0 and not exists (
    select from public.agent_runs as run
    where run.worker_id = p_worker_id and run.status = 'running' and run.claim_id = p_claim_id
  ) then
    v_ids := nightshift.pick_runs(p_limit);
    v_now := nightshift.queue_now();
    with claimed as (
      update public.agent_runs as run
      set status = 'running',
          attempt = run.attempt + 1,
          worker_id = p_worker_id,
          claim_id = p_claim_id,
          claimed_at = v_now,
          -- The worker ends the run by its own clock; this bound is for one that hangs.
          deadline_at = v_now + make_interval(secs => run.timeout_seconds + v_worker.lease_seconds),
          started_at = coalesce(run.started_at, v_now)
      where run.id = any (v_ids)
      returning run.task_id
    )
    select array_agg(distinct claimed.task_id) into v_tasks from claimed;

    -- Locked tasks are left out, so that a claim waits for nobody: their holder, or the run's end, does the same.
    update public.tasks as task
    set status = 'running',
        started_at = coalesce(task.started_at, v_now)
    where task.id = any (array(
      select waiting.id
      from public.tasks as waiting
      where waiting.id = any (v_tasks)
        -- So written that no index on the status is thought of: all tasks that wait are in it.
        and (waiting.status = 'pending') is true
      order by waiting.id
      for no key update skip locked
    ));
    -- A run that slipped past the cancelling of its task.
    update public.agent_runs as run
    set status = 'cancelled',
        completed_at = v_now
    where run.worker_id = p_worker_id
      and run.status = 'running'
      and run.claim_id = p_claim_id
      and nightshift.is_cancelled(run.task_id);
  end if;

  return (
    select jsonb_build_object(
      'runs', coalesce(jsonb_agg(nightshift.run_for_work(run) order by run.priority desc, run.fair_at, run.id), '[]'),
      'tasks', coalesce((
        select jsonb_agg(nightshift.task_for_work(own.task_id))
        from (
          select distinct held.task_id
          from public.agent_runs as held
          where held.worker_id = p_worker_id and held.status = 'running' and held.claim_id = p_claim_id
        ) as own
      ), '[]')
    )
    from public.agent_runs as run
    where run.worker_id = p_worker_id and run.status = 'running' and run.claim_id = p_claim_id
  );
end;
$$;

-- A brief without the contents of its attachments: they may be large, and people only see their names.
create function nightshift.brief_for_people (
  p_brief jsonb
)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select case when p_brief ? 'attachments' then jsonb_set(p_brief, '{attachments}', (
    select coalesce(jsonb_agg(attachment.value - 'text' order by attachment.place), '[]')
    from jsonb_array_elements(p_brief -> 'attachments') with ordinality as attachment (value, place)
  )) else p_brief end
$$;

-- An ended task as sinks show it.
create function nightshift.task_for_delivery (
  p_task_id uuid
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', task.id,
    'title', task.title,
    'description', task.description,
    'outcome', coalesce(task.outcome, task.status),
    'folderName', task.folder_name,
    'folderUrl', task.folder_url,
    'createdAt', task.created_at,
    'startedAt', task.started_at,
    'endedAt', (select max(run.completed_at) from public.agent_runs as run where run.task_id = task.id),
    'brief', nightshift.brief_for_people(task.brief),
    'runs', coalesce((
      select jsonb_agg(jsonb_build_object(
        'id', run.id,
        'agent', run.agent,
        'title', coalesce(agent.title, run.agent),
        'wave', coalesce(agent.wave, run.wave),
        'status', run.status,
        'summary', run.output ->> 'summary',
        'error', run.error,
        'usage', run.usage,
        'model', run.usage ->> 'model'
      ) order by coalesce(agent.wave, run.wave), run.id)
      from public.agent_runs as run
      left join public.agents as agent on agent.name = run.agent
      where run.task_id = task.id
    ), '[]'),
    'deliverables', nightshift.deliverables_of(task.id)
  )
  from public.tasks as task
  where task.id = p_task_id
$$;

-- Claims at most `p_limit` due deliveries to the worker's own sinks. Returns a list; otherwise as `claim_runs`.
create function public.claim_deliveries (
  p_worker_id uuid,
  p_claim_id uuid,
  p_limit integer
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_worker public.workers := nightshift.greet_worker(p_worker_id);
  v_now timestamptz;
  v_sink text;
  v_picked bigint[] := '{}';
begin
  perform pg_advisory_xact_lock(hashtextextended(p_claim_id::text, 2));

  if p_limit > 0 and not exists (
    select from public.deliveries as delivery
    where delivery.worker_id = p_worker_id and delivery.status = 'running' and delivery.claim_id = p_claim_id
  ) then
    v_now := nightshift.queue_now();
    foreach v_sink in array v_worker.sinks loop
      v_picked := v_picked || array(
        select due.id
        from public.deliveries as due
        where due.status = 'pending'
          and due.is_due
          and due.sink = v_sink
        order by due.priority desc, due.id
        limit p_limit - cardinality(v_picked)
        for update skip locked
      );
    end loop;

    update public.deliveries as delivery
    set status = 'running',
        attempt = delivery.attempt + 1,
        worker_id = p_worker_id,
        claim_id = p_claim_id,
        claimed_at = v_now,
        deadline_at = v_now + make_interval(secs => delivery.timeout_seconds + v_worker.lease_seconds)
    where delivery.id = any (v_picked);
  end if;

  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'id', delivery.id,
      'attempt', delivery.attempt,
      'sink', delivery.sink,
      'stage', delivery.stage,
      'target', delivery.target,
      'timeoutSeconds', delivery.timeout_seconds,
      'task', nightshift.task_for_delivery(delivery.task_id)
    ) order by delivery.id), '[]')
    from public.deliveries as delivery
    where delivery.worker_id = p_worker_id
      and delivery.status = 'running'
      and delivery.claim_id = p_claim_id
  );
end;
$$;
