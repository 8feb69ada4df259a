-- The life of workers: registering, beating, retiring, and what becomes of the work of those that fell silent.

-- Registers one daemon boot and the sinks it can serve, `[{name, stage, targets}]`. `p_replaces` is the boot before it on
-- the same machine, known to be dead: its work is due again at once. Repeating it changes nothing.
create function public.register_worker (
  p_worker_id uuid,
  p_name text,
  p_version text,
  p_lease_seconds integer,
  p_sinks jsonb,
  p_retry jsonb,
  p_replaces uuid
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into public.workers (id, name, version, lease_seconds, sinks, retry_base_ms, retry_cap_ms)
  values (
    p_worker_id, p_name, p_version, p_lease_seconds,
    array(select sink ->> 'name' from jsonb_array_elements(p_sinks) as sink order by sink ->> 'stage', sink ->> 'name'),
    (p_retry ->> 'baseMs')::integer, (p_retry ->> 'capMs')::integer
  )
  on conflict (id) do update
  set beat_at = nightshift.queue_now(),
      retired_at = null;

  insert into public.sinks (name, stage, targets)
  select sink ->> 'name', (sink ->> 'stage')::smallint,
    case when jsonb_typeof(sink -> 'targets') = 'array' then array(
      select distinct place.target from jsonb_array_elements_text(sink -> 'targets') as place (target) order by place.target
    ) end
  from jsonb_array_elements(p_sinks) as sink
  order by 1
  on conflict (name) do update
  set stage = excluded.stage,
      targets = excluded.targets,
      enabled = true,
      updated_at = nightshift.queue_now();

  if p_replaces is not null and p_replaces <> p_worker_id then
    update public.workers as worker
    set retired_at = nightshift.queue_now()
    where worker.id = p_replaces
      and worker.retired_at is null;
    perform nightshift.recover_work(array[p_replaces], false);
  end if;
end;
$$;

-- Takes the lock that this database session holds as long as its process lives, so that the worker's death is known
-- without waiting for the lease. False when another session holds it still.
create function public.hold_session (
  p_worker_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  if not pg_try_advisory_lock(nightshift.worker_lock(p_worker_id)) then
    return false;
  end if;

  update public.workers as worker
  set holds_lock = true
  where worker.id = p_worker_id
    and not worker.holds_lock;

  return true;
end;
$$;

-- Beats for a worker, and answers for each run and delivery that it still works on and should not:
-- `{abort: [{kind, id, attempt, answer: lost|cancelled}]}`. Tokens are `[{id, attempt}]`. Refuses NS008.
create function public.beat (
  p_worker_id uuid,
  p_runs jsonb,
  p_deliveries jsonb
)
returns jsonb
language plpgsql
set search_path = ''
as $$
begin
  update public.workers as worker
  set beat_at = nightshift.queue_now()
  where worker.id = p_worker_id
    and worker.retired_at is null;

  if not found then
    raise exception 'worker % is not registered', p_worker_id using errcode = 'NS008';
  end if;

  return jsonb_build_object('abort', (
    select coalesce(jsonb_agg(aborted.value), '[]')
    from (
      select jsonb_build_object('kind', 'run', 'id', token.id, 'attempt', token.attempt, 'answer',
        case when run.attempt = token.attempt and 'cancelled' in (run.status, task.status) then 'cancelled' else 'lost' end
      ) as value
      from jsonb_to_recordset(p_runs) as token (id bigint, attempt integer)
      left join public.agent_runs as run on run.id = token.id
      left join public.tasks as task on task.id = run.task_id
      where run.id is null
        or run.attempt <> token.attempt
        or run.settled_attempt <> token.attempt and (run.status <> 'running' or task.status = 'cancelled')
      union all
      select jsonb_build_object('kind', 'delivery', 'id', token.id, 'attempt', token.attempt, 'answer', 'lost')
      from jsonb_to_recordset(p_deliveries) as token (id bigint, attempt integer)
      left join public.deliveries as delivery on delivery.id = token.id
      where delivery.id is null
        or delivery.attempt <> token.attempt
        or delivery.status <> 'running' and delivery.settled_attempt <> token.attempt
    ) as aborted
  ));
end;
$$;

-- Hands back what workers hold: to the line, or to failure where the cap of tries is reached, so that a run that kills
-- its worker stops. A try is charged only where it had recorded no step, which is how such a run looks; with `p_refund`
-- (the worker stopped in good order) none is.
-- Returns `{runsRecovered, runsFailed, deliveriesRecovered}`.
create function nightshift.recover_work (
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
      and not p_refund
      and run.attempt - run.refunds >= run.max_attempts
      and not exists (
        select from public.run_steps as step where step.run_id = run.id and step.attempt = run.attempt
      )
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
      refunds = run.refunds + (p_refund or exists (
        select from public.run_steps as step where step.run_id = run.id and step.attempt = run.attempt
      ))::integer
  where run.status = 'running'
    and run.worker_id = any (p_worker_ids);
  get diagnostics v_recovered = row_count;

  update public.deliveries as delivery
  set status = case when delivery.attempt - delivery.refunds >= delivery.max_attempts then 'failed' else 'pending' end,
      completed_at = case when delivery.attempt - delivery.refunds >= delivery.max_attempts then nightshift.queue_now() end,
      error = jsonb_build_object('code', 'worker_lost', 'retriable', true, 'message', 'The worker died during the delivery'),
      is_due = true,
      due_at = null,
      worker_id = null,
      refunds = delivery.refunds + p_refund::integer
  where delivery.status = 'running'
    and delivery.worker_id = any (p_worker_ids);
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

-- Ends a worker in good order: whatever it still holds goes back without costing a try.
create function public.retire_worker (
  p_worker_id uuid
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.workers as worker
  set retired_at = nightshift.queue_now()
  where worker.id = p_worker_id
    and worker.retired_at is null;
  perform nightshift.recover_work(array[p_worker_id], true);
end;
$$;

-- Workers that are dead: silent for their lease, or for half of it while nobody holds their session lock.
create function nightshift.dead_workers ()
returns uuid[]
language sql
set search_path = ''
as $$
  select array(
    select worker.id
    from public.workers as worker
    where worker.retired_at is null
      and (
        worker.beat_at < nightshift.queue_now() - make_interval(secs => worker.lease_seconds)
        or (
          worker.holds_lock
          and worker.beat_at < nightshift.queue_now() - make_interval(secs => worker.lease_seconds / 2.0)
          and pg_try_advisory_xact_lock(nightshift.worker_lock(worker.id))
        )
      )
    order by worker.id
  )
$$;

-- Takes runs and deliveries from workers that beat but are past the deadline: they hang, or slept with their machine, or
-- they would have told. They are tried again up to their cap. Returns `{runsRecovered, runsFailed, deliveriesRecovered}`.
create function nightshift.end_overdue ()
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_now timestamptz := nightshift.queue_now();
  v_tasks uuid[];
  v_recovered integer;
  v_failed integer;
  v_deliveries integer;
begin
  v_tasks := array(
    select run.task_id from public.agent_runs as run
    where run.status = 'running' and run.deadline_at < v_now
    union
    select delivery.task_id from public.deliveries as delivery
    where delivery.status = 'running' and delivery.deadline_at < v_now
    order by 1
  );
  perform nightshift.lock_tasks(v_tasks);

  with ended as (
    update public.agent_runs as run
    set status = case when run.attempt - run.refunds >= run.max_attempts then 'failed' else 'pending' end,
        is_due = true,
        due_at = null,
        worker_id = null,
        completed_at = case when run.attempt - run.refunds >= run.max_attempts then v_now end,
        error = jsonb_build_object('code', 'run_timeout', 'retriable', true, 'message',
          format('The run took longer than %s seconds and its worker did not end it', run.timeout_seconds))
    where run.status = 'running'
      and run.task_id = any (v_tasks)
      and run.deadline_at < v_now
    returning run.*
  ),
  told as (
    insert into public.task_progress (task_id, user_id, run_id, agent, step_label, ai_message)
    select ended.task_id, ended.user_id, ended.id, ended.agent,
      case ended.status when 'failed' then 'failed' else 'will try again' end, ended.error ->> 'message'
    from ended
  )
  select count(*) filter (where ended.status = 'pending'), count(*) filter (where ended.status = 'failed')
  into v_recovered, v_failed
  from ended;

  update public.deliveries as delivery
  set status = case when delivery.attempt - delivery.refunds >= delivery.max_attempts then 'failed' else 'pending' end,
      completed_at = case when delivery.attempt - delivery.refunds >= delivery.max_attempts then v_now end,
      error = jsonb_build_object('code', 'delivery_failed', 'retriable', true, 'message', 'The delivery hung'),
      is_due = true,
      due_at = null,
      worker_id = null
  where delivery.status = 'running'
    and delivery.task_id = any (v_tasks)
    and delivery.deadline_at < v_now;
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

-- Skips deliveries to sinks that no worker has offered for an hour, so that their tasks end. Returns how many.
create function nightshift.skip_unserved ()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_tasks uuid[];
begin
  update public.sinks as sink
  set enabled = false,
      updated_at = nightshift.queue_now()
  where sink.enabled
    and sink.updated_at < nightshift.queue_now() - interval '1 hour'
    and not exists (
      select from public.workers as worker
      where sink.name = any (worker.sinks)
        and worker.beat_at > nightshift.queue_now() - interval '1 hour'
    );

  v_tasks := array(
    select distinct delivery.task_id
    from public.sinks as sink
    join public.deliveries as delivery
      on delivery.sink = sink.name and delivery.status = 'pending' and delivery.is_due
    where not sink.enabled
    order by delivery.task_id
  );
  perform nightshift.lock_tasks(v_tasks);

  update public.deliveries as delivery
  set status = 'skipped',
      completed_at = nightshift.queue_now(),
      error = jsonb_build_object('code', 'delivery_failed', 'retriable', false, 'message',
        format('No worker serves the sink "%s" any more', delivery.sink))
  from public.sinks as sink
  where sink.name = delivery.sink
    and not sink.enabled
    and delivery.task_id = any (v_tasks)
    and delivery.status in ('pending', 'blocked');

  perform nightshift.advance_tasks(v_tasks);

  return cardinality(v_tasks);
end;
$$;

-- Ends runs that slipped past the cancelling of their task, and repairs what a bug left behind: tasks at work that nothing
-- moves any more. Returns how many tasks it had to move;
-- each is a bug to report.
create function nightshift.reconcile ()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_task_id uuid;
  v_before text;
  v_after text;
  v_repaired integer := 0;
begin
  -- Runs that a claim held while their task was cancelled; their workers have been told by now.
  update public.agent_runs as run
  set status = 'cancelled',
      completed_at = nightshift.queue_now()
  where run.status = 'running'
    and nightshift.is_cancelled(run.task_id);

  for v_task_id in
    select task.id
    from public.tasks as task
    where task.status in ('running', 'delivering')
      and not exists (
        select from public.agent_runs as run
        where run.task_id = task.id and run.status in ('pending', 'running')
      )
      and not exists (
        select from public.deliveries as delivery
        where delivery.task_id = task.id and delivery.status in ('pending', 'running')
      )
    order by task.id
    limit 100
    for no key update skip locked
  loop
    select task.status into v_before from public.tasks as task where task.id = v_task_id;
    perform nightshift.advance_task(v_task_id);
    select task.status into v_after from public.tasks as task where task.id = v_task_id;
    v_repaired := v_repaired + (v_before <> v_after)::integer;
  end loop;

  return v_repaired;
end;
$$;

-- The periodic round: recovers the work of dead workers, ends what hangs, makes due what has waited, repairs the rest.
-- Returns `{runsRecovered, runsFailed, deliveriesRecovered, repaired}`. Any number of workers may call it at once.
create function public.sweep ()
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_dead uuid[];
  v_recovered jsonb;
  v_overdue jsonb;
begin
  -- One sweeper at a time; the others have nothing to add.
  if not pg_try_advisory_xact_lock(hashtextextended('nightshift.sweep', 0)) then
    return jsonb_build_object('runsRecovered', 0, 'runsFailed', 0, 'deliveriesRecovered', 0, 'repaired', 0);
  end if;

  v_dead := nightshift.dead_workers();
  update public.workers as worker
  set retired_at = nightshift.queue_now()
  where worker.id = any (v_dead);
  v_recovered := nightshift.recover_work(v_dead, false);
  v_overdue := nightshift.end_overdue();
  if nightshift.promote_delayed() > 0 then
    perform nightshift.wake();
  end if;
  perform nightshift.skip_unserved();

  return jsonb_build_object(
    'runsRecovered', (v_recovered ->> 'runsRecovered')::integer + (v_overdue ->> 'runsRecovered')::integer,
    'runsFailed', (v_recovered ->> 'runsFailed')::integer + (v_overdue ->> 'runsFailed')::integer,
    'deliveriesRecovered',
      (v_recovered ->> 'deliveriesRecovered')::integer + (v_overdue ->> 'deliveriesRecovered')::integer,
    'repaired', nightshift.reconcile()
  );
end;
$$;

-- Records one poll cycle, also an empty one.
create function public.record_poll (
  p_worker_id uuid,
  p_trigger text,
  p_started_at timestamptz,
  p_claimed integer,
  p_settled integer,
  p_error text
)
returns void
language sql
set search_path = ''
as $$
  insert into public.poll_runs (worker_id, trigger, started_at, claimed, settled, error)
  values (p_worker_id, p_trigger, p_started_at, p_claimed, p_settled, p_error)
$$;
