-- Runs that may be what kills their workers: what is known of them, so that a worker can keep them apart from the others,
-- which would otherwise be charged for the same deaths.

-- The attempts that ended with the death of the worker before a step was recorded. Null, as for nearly all: none.
alter table public.agent_runs add column lost integer[];

-- True when the current attempt at a run has recorded a step.
create function nightshift.has_step (
  p_run public.agent_runs
)
returns boolean
language sql
stable
set search_path = ''
as $$
  select exists (
    select from public.run_steps as step where step.run_id = p_run.id and step.attempt = p_run.attempt
  )
$$;

revoke execute on function nightshift.has_step (public.agent_runs) from public, anon, authenticated;
grant execute on function nightshift.has_step (public.agent_runs) to service_role;

-- Hands back what workers hold: to the line, or to failure where the cap of tries is reached, so that a run that kills
-- its worker stops. A try is charged only where it had recorded no step, which is how such a run looks; with `p_refund`
-- (the worker stopped in good order) none is. Which attempts ended so is kept with the run (`lost`).
-- Returns `{runsRecovered, runsFailed, deliveriesRecovered}`.
create or replace function nightshift.recover_work (
  p_worker_ids uuid[],
  p_refund boolean
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_tasks uuid[];
  v_recovered integer;
  v_failed integer;
  v_deliveries integer;
begin
  v_tasks := array(
    select held.task_id from public.agent_runs as held
    where held.status = 'running' and held.worker_id = any (p_worker_ids)
    union
    select held.task_id from public.deliveries as held
    where held.status = 'running' and held.worker_id = any (p_worker_ids)
    order by 1
  );
  perform nightshift.lock_tasks(v_tasks);

  with failed as (
    update public.agent_runs as run
    set status = 'failed',
        completed_at = nightshift.queue_now(),
        error = jsonb_build_object('code', 'worker_lost', 'retriable', false, 'message',
          format('The worker died during the run, %s times in all: the run may be what kills it', run.attempt - run.refunds))
    where run.status = 'running'
      and run.worker_id = any (p_worker_ids)
      -- What a claim under way has added since is for the next sweep: its task is not locked.
      and run.task_id = any (v_tasks)
      and not p_refund
      and run.attempt - run.refunds >= run.max_attempts
      and not nightshift.has_step(run)
    returning run.*
  )
  insert into public.task_progress (task_id, user_id, run_id, agent, step_label, ai_message)
  select failed.task_id, failed.user_id, failed.id, failed.agent, 'failed', failed.error ->> 'message'
  from failed;
  get diagnostics v_failed = row_count;

  update public.agent_runs as run
  set status = 'pending',
      is_due = true,
      due_at = null,
      worker_id = null,
      refunds = run.refunds + (p_refund or nightshift.has_step(run))::integer,
      lost = case when p_refund or nightshift.has_step(run) then run.lost else array_append(run.lost, run.attempt) end
  where run.status = 'running'
    and run.worker_id = any (p_worker_ids)
    and run.task_id = any (v_tasks);
  get diagnostics v_recovered = row_count;

  update public.deliveries as delivery
  set status = case when not p_refund and delivery.attempt - delivery.refunds >= delivery.max_attempts then 'failed' else 'pending' end,
      completed_at = case when not p_refund and delivery.attempt - delivery.refunds >= delivery.max_attempts then nightshift.queue_now() end,
      error = jsonb_build_object('code', 'worker_lost', 'retriable', true, 'message', 'The worker died during the delivery'),
      is_due = true,
      due_at = null,
      worker_id = null,
      refunds = delivery.refunds + p_refund::integer
  where delivery.status = 'running'
    and delivery.worker_id = any (p_worker_ids)
    and delivery.task_id = any (v_tasks);
  get diagnostics v_deliveries = row_count;

  perform nightshift.advance_tasks(v_tasks);
  if v_recovered + v_failed + v_deliveries > 0 then
    perform nightshift.wake();
  end if;

  return jsonb_build_object(
    'runsRecovered', v_recovered, 'runsFailed', v_failed, 'deliveriesRecovered', v_deliveries
  );
end;
$$;

-- What a worker needs to work on a run, as one JSON object; the brief is apart (`nightshift.task_for_work`). `losses`: how
-- often its worker died before the run had recorded a step, since the run was last begun anew.
create or replace function nightshift.run_for_work (
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
    'losses', (
      select count(*)
      from unnest(p_run.lost) as lost (attempt)
      where lost.attempt > p_run.fresh_after
    ),
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
