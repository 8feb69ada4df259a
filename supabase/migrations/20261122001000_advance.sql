-- Joins: what follows when the last run of a wave, the last delivery of a stage or the last dependency has ended.
-- Callers hold the task's row lock, so each recount below sees every sibling that ended before.

-- True when every task that this one waits for has ended well.
create function nightshift.dependencies_met (
  p_task_id uuid
)
returns boolean
language sql
set search_path = ''
as $$
  select not exists (
    select
    from public.task_dependencies as dependency
    join public.tasks as upstream on upstream.id = dependency.depends_on_id
    where dependency.task_id = p_task_id
      and upstream.status not in ('complete', 'partial')
  )
$$;

-- Ends a task: its status becomes its outcome (`partial` where nothing could be published), the final progress row is written, and tasks that waited for it alone
-- are opened. Those are locked in the order of their ids, after the task itself. True when one of them has runs due.
create function nightshift.end_task (
  p_task_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_task public.tasks;
  v_unpublished text;
  v_waiting uuid;
  v_opened boolean := false;
begin
  -- Results that no sink could publish are in the database, but nobody has them: that is not complete.
  select string_agg(delivery.sink || ': ' || coalesce(delivery.error ->> 'message', delivery.status), '; ' order by delivery.sink)
  into v_unpublished
  from public.deliveries as delivery
  where delivery.task_id = p_task_id
    and delivery.stage = 0
  having count(*) > 0
    and count(*) filter (where delivery.status = 'delivered') = 0;

  update public.tasks as task
  set status = case when task.outcome = 'complete' and v_unpublished is not null then 'partial' else task.outcome end,
      error = nullif(concat_ws('; ', task.error, 'not published: ' || v_unpublished), ''),
      completed_at = nightshift.queue_now()
  where task.id = p_task_id
  returning * into v_task;

  insert into public.task_progress (task_id, user_id, step_label, percent, ai_message, is_final)
  values (p_task_id, v_task.user_id, v_task.status, 100, v_task.result ->> 'summary', true);

  if v_task.status = 'failed' then
    return false;
  end if;

  for v_waiting in
    select dependency.task_id
    from public.task_dependencies as dependency
    where dependency.depends_on_id = p_task_id
    order by dependency.task_id
  loop
    perform from public.tasks as task where task.id = v_waiting for no key update;
    v_opened := nightshift.advance_task(v_waiting) or v_opened;
  end loop;

  return v_opened;
end;
$$;

-- Moves a task whose runs have all ended to `delivering`, with one delivery per sink, or per target of the sink; without
-- sinks, to its end. `complete`: every run succeeded. `failed`: none did, or a required one did not. `partial`: all
-- between. True when something became due.
create function nightshift.finish_runs (
  p_task_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_total integer;
  v_complete integer;
  v_required_failed boolean;
  v_failed text[];
  v_reasons text;
begin
  select
    count(*),
    count(*) filter (where run.status = 'complete'),
    coalesce(bool_or(run.required and run.status <> 'complete'), false),
    coalesce(array_agg(run.agent order by run.agent) filter (where run.status <> 'complete'), '{}'),
    string_agg(run.agent || ': ' || coalesce(run.error ->> 'message', run.status), '; ' order by run.agent)
      filter (where run.status <> 'complete')
  into v_total, v_complete, v_required_failed, v_failed, v_reasons
  from public.agent_runs as run
  where run.task_id = p_task_id;

  update public.tasks as task
  set status = 'delivering',
      outcome = case
        when v_complete = v_total then 'complete'
        when v_complete = 0 or v_required_failed then 'failed'
        else 'partial'
      end,
      failed_agents = v_failed,
      error = v_reasons,
      result = jsonb_build_object(
        'summary', format('%s of %s agents delivered', v_complete, v_total),
        'deliverables', (
          select coalesce(jsonb_agg(deliverable.id order by deliverable.run_id, deliverable.name), '[]')
          from public.deliverables as deliverable
          where deliverable.task_id = p_task_id
            and deliverable.status = 'ready'
        )
      )
  where task.id = p_task_id;

  -- A task that was retried is delivered anew, on the rows that it has: files to where they are, and news once more.
  insert into public.deliveries as known (task_id, user_id, sink, stage, target, status, priority)
  select task.id, task.user_id, sink.name, sink.stage, place.target,
    case when sink.stage = 0 then 'pending' else 'blocked' end, task.priority
  from public.tasks as task
  cross join public.sinks as sink
  left join lateral unnest(sink.targets) as place (target) on true
  where task.id = p_task_id
    and sink.enabled
  order by sink.stage, sink.name, place.target
  on conflict (task_id, sink, coalesce(target, '')) do update
  set status = excluded.status,
      is_due = true,
      due_at = null,
      refunds = known.attempt,
      result = case when known.stage = 0 then known.result end,
      error = null,
      completed_at = null;

  return nightshift.advance_deliveries(p_task_id) or exists (
    select from public.deliveries as delivery
    where delivery.task_id = p_task_id and delivery.status = 'pending'
  );
end;
$$;

-- Opens stage 1 when stage 0 has ended, and ends the task when all has. True when something became due.
create function nightshift.advance_deliveries (
  p_task_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select from public.deliveries as delivery
    where delivery.task_id = p_task_id and delivery.status in ('pending', 'running')
  ) then
    return false;
  end if;

  update public.deliveries as delivery
  set status = 'pending'
  where delivery.task_id = p_task_id
    and delivery.status = 'blocked';

  if found then
    return true;
  end if;

  return nightshift.end_task(p_task_id);
end;
$$;

-- Moves a task on as far as its runs and deliveries allow; does nothing where nothing is to be done.
-- True when something became due.
create function nightshift.advance_task (
  p_task_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_status text;
  v_wave smallint;
  v_first boolean;
begin
  select task.status into v_status from public.tasks as task where task.id = p_task_id;

  if v_status = 'delivering' then
    return nightshift.advance_deliveries(p_task_id);
  end if;
  if v_status not in ('pending', 'running') or exists (
    select from public.agent_runs as run
    where run.task_id = p_task_id and run.status in ('pending', 'running')
  ) then
    return false;
  end if;

  select min(run.wave) filter (where run.status = 'blocked'), bool_and(run.attempt = 0)
  into v_wave, v_first
  from public.agent_runs as run
  where run.task_id = p_task_id;

  if v_wave is null then
    return nightshift.finish_runs(p_task_id);
  elsif v_first then
    return nightshift.dependencies_met(p_task_id) and nightshift.open_first_wave(p_task_id, v_wave);
  end if;

  -- Later waves keep the place in the line that they got when the task was handed in.
  update public.agent_runs as run
  set status = 'pending'
  where run.task_id = p_task_id
    and run.status = 'blocked'
    and run.wave = v_wave;

  return true;
end;
$$;

-- Opens a task that has waited for others: its runs join the end of the line, or wait for their scheduled start.
-- Always true: something is due, now or at that start.
create function nightshift.open_first_wave (
  p_task_id uuid,
  p_wave smallint
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  update public.agent_runs as run
  set status = 'pending'
  where run.task_id = p_task_id
    and run.status = 'blocked'
    and run.wave = p_wave
    and run.due_at > nightshift.queue_now();

  perform nightshift.offer_runs(array(
    select run.id
    from public.agent_runs as run
    where run.task_id = p_task_id
      and run.status = 'blocked'
      and run.wave = p_wave
    order by run.id
  ));

  return true;
end;
$$;
