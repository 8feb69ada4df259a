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

-- Gives every run of an ended task that did not succeed a new round of tries, from the start and without the steps of
-- before; runs that succeeded are kept. Returns `{status, runs}`. Refuses NS005 (unknown) and NS006 (nothing to retry).
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
  if v_task.status not in ('partial', 'failed', 'cancelled') then
    raise exception 'task % is %: only one that ended partial, failed or cancelled can be retried', p_task_id, v_task.status
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

  update public.tasks as task
  set status = 'pending',
      outcome = null,
      error = null,
      failed_agents = '{}',
      completed_at = null
  where task.id = p_task_id;

  insert into public.task_progress (task_id, user_id, step_label)
  values (p_task_id, v_task.user_id, 'retried');

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
  perform nightshift.wake();

  return jsonb_build_object('status', 'pending', 'runs', v_runs);
end;
$$;
