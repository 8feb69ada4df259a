-- The cost cap of a task, `brief.limits.max_cost_usd`: what a model call may cost at most is set aside before it is made,
-- so that seven agents on several machines together keep what each alone could not.

-- Money set aside for one model call. It counts until the call's step is recorded; of a call whose worker died nobody
-- knows whether it was paid for, so its money stays set aside.
create table public.cost_reservations (
  run_id bigint not null references public.agent_runs (id) on delete cascade,
  attempt integer not null,
  seq integer not null check (seq > 0),
  usd numeric not null check (usd > 0),
  created_at timestamptz not null default nightshift.queue_now(),
  primary key (run_id, attempt, seq)
);

alter table public.cost_reservations enable row level security;

-- What a task has spent and set aside, without the one call named: `spent` is gone for good, `reserved` belongs to calls
-- that are under way and may turn out cheaper.
create function nightshift.task_costs (
  p_task_id uuid,
  p_run_id bigint,
  p_attempt integer,
  p_seq integer,
  out spent numeric,
  out reserved numeric
)
language sql
stable
set search_path = ''
as $$
  select
    coalesce((
      select sum((step.usage ->> 'costUsd')::numeric)
      from public.agent_runs as run
      join public.run_steps as step on step.run_id = run.id
      where run.task_id = p_task_id
    ), 0) + coalesce(sum(open.usd) filter (where not open.is_under_way), 0),
    coalesce(sum(open.usd) filter (where open.is_under_way), 0)
  from (
    select held.usd, run.status = 'running' and run.attempt = held.attempt as is_under_way
    from public.agent_runs as run
    join public.cost_reservations as held on held.run_id = run.id
    where run.task_id = p_task_id
      and (held.run_id, held.attempt, held.seq) is distinct from (p_run_id, p_attempt, p_seq)
      and not exists (
        select from public.run_steps as step
        where step.run_id = held.run_id and step.attempt = held.attempt and step.seq = held.seq
      )
  ) as open
$$;

-- Sets money aside for the model call that will be the step `p_seq`, in place of what was set aside for it before: between
-- `p_least` and `p_want` US dollars, as the cap of the task allows. With `p_want` 0 it is given back.
-- Returns `{answer, usd, capUsd, spentUsd, reservedUsd}`; the answer is `granted` (with `usd`), `wait` (calls under way hold
-- the money and may turn out cheaper), `spent`, `lost` or `cancelled`. A task without a cap is granted all.
create function public.reserve_cost (
  p_run_id bigint,
  p_attempt integer,
  p_seq integer,
  p_want numeric,
  p_least numeric
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_task public.tasks;
  v_run public.agent_runs;
  v_cap numeric;
  v_costs record;
  v_usd numeric := 0;
  v_answer text := 'granted';
begin
  -- The task first: calls of its other runs wait here, so that each sees what the one before was granted.
  select task.* into v_task
  from public.tasks as task
  where task.id = (select run.task_id from public.agent_runs as run where run.id = p_run_id)
  for no key update;
  select run.* into v_run from public.agent_runs as run where run.id = p_run_id;

  if v_run.id is null or v_run.attempt <> p_attempt then
    return jsonb_build_object('answer', 'lost');
  elsif 'cancelled' in (v_task.status, v_run.status) then
    return jsonb_build_object('answer', 'cancelled');
  elsif v_run.status <> 'running' then
    return jsonb_build_object('answer', 'lost');
  end if;

  v_cap := (v_task.brief -> 'limits' ->> 'max_cost_usd')::numeric;
  select costs.spent, costs.reserved into v_costs
  from nightshift.task_costs(v_task.id, p_run_id, p_attempt, p_seq) as costs;

  if v_cap is null or p_want <= v_cap - v_costs.spent - v_costs.reserved then
    v_usd := p_want;
  elsif p_least <= v_cap - v_costs.spent - v_costs.reserved then
    v_usd := v_cap - v_costs.spent - v_costs.reserved;
  else
    v_answer := case when p_least <= v_cap - v_costs.spent and v_costs.reserved > 0 then 'wait' else 'spent' end;
  end if;

  delete from public.cost_reservations as held
  where held.run_id = p_run_id and held.attempt = p_attempt and held.seq = p_seq;
  insert into public.cost_reservations (run_id, attempt, seq, usd)
  select p_run_id, p_attempt, p_seq, v_usd
  where v_usd > 0;

  return jsonb_build_object(
    'answer', v_answer, 'usd', v_usd, 'capUsd', v_cap, 'spentUsd', v_costs.spent, 'reservedUsd', v_costs.reserved
  );
end;
$$;

revoke all on public.cost_reservations from anon, authenticated;
revoke execute on function
  nightshift.task_costs(uuid, bigint, integer, integer), public.reserve_cost(bigint, integer, integer, numeric, numeric)
from public, anon, authenticated;
grant select, insert, update, delete on public.cost_reservations to service_role;
grant execute on function
  nightshift.task_costs(uuid, bigint, integer, integer), public.reserve_cost(bigint, integer, integer, numeric, numeric)
to service_role;
