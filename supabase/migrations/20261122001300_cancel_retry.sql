-- What people change about a task: cancel it, or try again what failed.

-- Finds a task and locks it for the caller. Refuses NS005 where it does not exist, or is another user's.
create function nightshift.own_task (
  p_task_id uuid
)
returns public.tasks
language plpgsql
set search_path = ''
as $$
declare
  v_task public.tasks;
begin
  select task.* into v_task
  from public.tasks as task
  where task.id = p_task_id
    -- The session's role, not the definer's: `current_user` is the owner here.
    and (current_setting('role') not in ('authenticated', 'anon') or task.user_id = auth.uid())
  for no key update;

  if v_task.id is null then
    raise exception 'there is no task %', p_task_id using errcode = 'NS005';
  end if;

  return v_task;
end;
$$;

-- Cancels a task and all its runs; workers that hold some are told. Cancelling twice answers the same.
-- Returns `{status}`. Refuses NS005 (unknown) and NS007 (its agents have already ended).
-- Security definer: a user may cancel an own task, but has no right to change rows.
create function public.cancel_task (
  p_task_id uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_task public.tasks := nightshift.own_task(p_task_id);
  v_now timestamptz := nightshift.queue_now();
begin
  if v_task.status = 'cancelled' then
    return jsonb_build_object('status', 'cancelled');
  end if;
  if v_task.status not in ('pending', 'running') then
    raise exception 'task % is %: its agents have ended', p_task_id, v_task.status using errcode = 'NS007';
  end if;

  update public.tasks as task
  set status = 'cancelled',
      completed_at = v_now
  where task.id = p_task_id;

  -- Runs at work: their rows are locked at most for the moment of a step.
  update public.agent_runs as run
  set status = 'cancelled',
      completed_at = v_now
  where run.task_id = p_task_id
    and run.status = 'running';

  -- Runs that wait, but for those that a claim holds at this moment: waiting for it could be waiting for each other. Its
  -- worker learns of the cancelling at the next step, beat or settle, which all look at the task.
  update public.agent_runs as run
  set status = 'cancelled',
      completed_at = v_now
  where run.id = any (array(
    select open.id
    from public.agent_runs as open
    where open.task_id = p_task_id
      and open.status in ('blocked', 'pending')
    order by open.id
    for no key update skip locked
  ));

  insert into public.task_progress (task_id, user_id, step_label, is_final)
  values (p_task_id, v_task.user_id, 'cancelled', true);
  perform pg_notify('nightshift', json_build_object('type', 'cancelled', 'taskId', p_task_id)::text);

  return jsonb_build_object('status', 'cancelled');
end;
$$;

-- Gives what failed of an ended task a new round of tries: runs from the start and without the steps of before, or, where
-- every run succeeded, deliveries. What succeeded is kept. Returns `{status, runs}`; `runs` counts those tried again.
-- Refuses NS005 (unknown) and NS006 (nothing to retry).
-- Security definer: a user may retry an own task, but has no right to change rows.
create function public.retry_task (
  p_task_id uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_task public.tasks := nightshift.own_task(p_task_id);
  v_runs integer;
begin
  if v_task.status not in ('complete', 'partial', 'failed', 'cancelled') then
    raise exception 'task % is %: only one that has ended can be retried', p_task_id, v_task.status
      using errcode = 'NS006';
  end if;

  update public.agent_runs as run
  set status = 'blocked',
      is_due = true,
      due_at = null,
      max_attempts = run.attempt - run.refunds + v_task.max_retries + 1,
      fresh_after = run.attempt,
      worker_id = null,
      error = null,
      completed_at = null
  where run.task_id = p_task_id
    and run.status <> 'complete';
  get diagnostics v_runs = row_count;

  if v_runs > 0 then
    perform nightshift.reopen_runs(p_task_id);
  elsif not nightshift.reopen_deliveries(p_task_id) then
    raise exception 'task % is %: nothing of it failed', p_task_id, v_task.status
      using errcode = 'NS006';
  end if;

  insert into public.task_progress (task_id, user_id, step_label)
  values (p_task_id, v_task.user_id, 'retried');
  perform nightshift.wake();

  return jsonb_build_object('status', case when v_runs > 0 then 'pending' else 'delivering' end, 'runs', v_runs);
end;
$$;

-- Puts the first wave of a retried task's blocked runs into the line. The caller holds the task's lock.
create function nightshift.reopen_runs (
  p_task_id uuid
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.tasks as task
  set status = 'pending',
      outcome = null,
      error = null,
      failed_agents = '{}',
      completed_at = null
  where task.id = p_task_id;

  perform nightshift.offer_runs(array(
    select run.id
    from public.agent_runs as run
    where run.task_id = p_task_id
      and run.status = 'blocked'
      and run.wave = (
        select min(first.wave) from public.agent_runs as first
        where first.task_id = p_task_id and first.status = 'blocked'
      )
      and nightshift.dependencies_met(p_task_id)
    order by run.id
  ));
end;
$$;

-- Gives the failed deliveries of an ended task a new round of tries. False where none has failed.
create function nightshift.reopen_deliveries (
  p_task_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  update public.deliveries as delivery
  set status = case when delivery.stage = 0 then 'pending' else 'blocked' end,
      is_due = true,
      due_at = null,
      refunds = delivery.attempt,
      error = null,
      completed_at = null
  where delivery.task_id = p_task_id
    and delivery.status in ('failed', 'skipped');
  if not found then
    return false;
  end if;

  update public.tasks as task
  set status = 'delivering',
      error = null,
      completed_at = null
  where task.id = p_task_id;
  -- With stage 0 untouched, stage 1 opens at once.
  perform nightshift.advance_deliveries(p_task_id);

  return true;
end;
$$;
