-- Joins and claims, mended: nothing opens early after a retry, nothing is held for nobody, locks are taken in one order.

-- Claims that have begun, for an hour. The same claim id never claims twice, also when the call arrives late, after its
-- worker has long gone on: what it claimed then nobody would know of.
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
