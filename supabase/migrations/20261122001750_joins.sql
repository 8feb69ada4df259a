-- Joins and claims, mended: nothing opens early after a retry, nothing is held for nobody, locks are taken in one order.

-- Claims that have begun. The same claim id never claims twice, also when the call arrives late, after its worker has long
-- gone on: what it claimed then nobody would know of.
create table nightshift.claims (
  id uuid not null,
  kind text not null check (kind in ('runs', 'deliveries')),
  begun_at timestamptz not null default nightshift.queue_now(),
  primary key (id, kind)
);

create index claims_by_age on nightshift.claims (begun_at);
alter table nightshift.claims enable row level security;

-- True for the first call with a claim id. A repeat waits here until the first has ended.
create function nightshift.begin_claim (
  p_claim_id uuid,
  p_kind text
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  insert into nightshift.claims (id, kind)
  values (p_claim_id, p_kind)
  on conflict do nothing;

  return found;
end;
$$;

-- Claims at most `p_limit` due runs for a worker: the attempt is counted here. Returns `{runs, tasks}`; a task that has
-- several runs is carried once. The same claim id answers with the same runs, as far as they still run, and claims
-- nothing new. Refuses NS008 (worker unknown).
create or replace function public.claim_runs (
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
  if p_limit > 0 and nightshift.begin_claim(p_claim_id, 'runs') then
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

-- Claims at most `p_limit` due deliveries to the worker's own sinks. Returns a list; otherwise as `claim_runs`.
create or replace function public.claim_deliveries (
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
  if p_limit > 0 and nightshift.begin_claim(p_claim_id, 'deliveries') then
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

-- Moves a task whose runs have all ended to `delivering`, with one delivery per sink, or per target of the sink; without
-- sinks, to its end. `complete`: every run succeeded. `failed`: none did, or a required one did not. `partial`: all
-- between. True when something became due.
create or replace function nightshift.finish_runs (
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
      -- The claims of its runs left it alone where others held it.
      started_at = coalesce(task.started_at, (select min(run.started_at) from public.agent_runs as run where run.task_id = p_task_id)),
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

-- Moves a task on as far as its runs and deliveries allow; does nothing where nothing is to be done.
-- True when something became due.
create or replace function nightshift.advance_task (
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
  -- None where the task was pruned while the caller waited for it.
  if v_status is null or v_status not in ('pending', 'running') or exists (
    select from public.agent_runs as run
    where run.task_id = p_task_id and run.status in ('pending', 'running')
  ) then
    return false;
  end if;

  -- Whether nothing has been tried in this round: a retry begins one, at the first wave that it left open.
  select min(run.wave) filter (where run.status = 'blocked'), bool_and(run.attempt = run.fresh_after)
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

-- Gives what failed of an ended task a new round of tries: runs from the start and without the steps of before, or, where
-- every run succeeded, deliveries. What succeeded is kept. Returns `{status, runs}`; `runs` counts those tried again.
-- Refuses NS005 (unknown) and NS006 (nothing to retry).
-- Security definer: a user may retry an own task, but has no right to change rows.
create or replace function public.retry_task (
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
    -- What succeeded is of an earlier round too: whether this one has begun is told by attempts after `fresh_after`.
    update public.agent_runs as run
    set fresh_after = run.attempt
    where run.task_id = p_task_id
      and run.status = 'complete';
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

-- Hands back what workers hold: to the line, or to failure where the cap of tries is reached, so that a run that kills
-- its worker stops. A try is charged only where it had recorded no step, which is how such a run looks; with `p_refund`
-- (the worker stopped in good order) none is.
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

-- Workers that are retired, or unknown, and hold work all the same.
create function nightshift.retired_holders ()
returns uuid[]
language sql
set search_path = ''
as $$
  select array(
    select holder.id
    from (
      select run.worker_id as id from public.agent_runs as run where run.status = 'running'
      union
      select delivery.worker_id from public.deliveries as delivery where delivery.status = 'running'
    ) as holder
    where not exists (
      select from public.workers as worker where worker.id = holder.id and worker.retired_at is null
    )
  )
$$;

-- The tasks that a sweep is going to change.
create function nightshift.tasks_to_sweep (
  p_dead uuid[]
)
returns uuid[]
language sql
set search_path = ''
as $$
  select array(
    select run.task_id
    from public.agent_runs as run
    where run.status = 'running'
      and (run.worker_id = any (p_dead) or run.deadline_at < nightshift.queue_now())
    union
    select delivery.task_id
    from public.deliveries as delivery
    where delivery.status = 'running'
      and (delivery.worker_id = any (p_dead) or delivery.deadline_at < nightshift.queue_now())
    union
    select delivery.task_id
    from public.sinks as sink
    join public.deliveries as delivery on delivery.sink = sink.name and delivery.status = 'pending' and delivery.is_due
    where not sink.enabled
  )
$$;

-- The periodic round: recovers the work of dead workers, ends what hangs, makes due what has waited, repairs the rest.
-- Returns `{runsRecovered, runsFailed, deliveriesRecovered, repaired}`. Any number of workers may call it at once.
create or replace function public.sweep ()
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

  delete from nightshift.claims as begun
  where begun.begun_at < nightshift.queue_now() - interval '1 hour';

  v_dead := nightshift.dead_workers();
  update public.workers as worker
  set retired_at = nightshift.queue_now()
  where worker.id = any (v_dead);
  -- A claim that was under way while its worker was retired holds work for nobody.
  v_dead := v_dead || nightshift.retired_holders();
  -- All at once, in the one order: the steps below would each lock in their own, and settles of batches wait in between.
  perform nightshift.lock_tasks(nightshift.tasks_to_sweep(v_dead));
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

revoke all on nightshift.claims from anon, authenticated;
revoke execute on function
  nightshift.begin_claim(uuid, text), nightshift.retired_holders(), nightshift.tasks_to_sweep(uuid[])
from public, anon, authenticated;
grant select, insert, delete on nightshift.claims to service_role;
grant execute on function
  nightshift.begin_claim(uuid, text), nightshift.retired_holders(), nightshift.tasks_to_sweep(uuid[])
to service_role;
