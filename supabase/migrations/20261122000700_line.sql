-- The line: who is served next. Priority first; within one priority each user moves on in virtual time.

-- Where a user's next run joins the line: behind the user's own waiting runs, and never before the head of the line,
-- so that one user's 10,000 runs do not delay another's one, and nobody is charged for having worked alone.
create function nightshift.line_end (
  p_user_id uuid,
  p_priority smallint
)
returns timestamptz
language sql
set search_path = ''
as $$
  select greatest(
    coalesce(
      (
        select head.fair_at
        from public.agent_runs as head
        where head.status = 'pending'
          and head.is_due
          and head.priority = p_priority
        order by head.fair_at, head.id
        limit 1
      ),
      nightshift.queue_now()
    ),
    (
      select own.fair_at
      from public.agent_runs as own
      where own.status = 'pending'
        and own.is_due
        and coalesce(own.user_id, '00000000-0000-0000-0000-000000000000') =
          coalesce(p_user_id, '00000000-0000-0000-0000-000000000000')
        and own.priority = p_priority
      order by own.fair_at desc
      limit 1
    )
  )
$$;

-- How far one run moves its user on: a thousandth of a second of virtual time, less for those of more weight.
create function nightshift.line_step (
  p_user_id uuid
)
returns interval
language sql
set search_path = ''
as $$
  select interval '1 millisecond' / coalesce(
    (select profile.weight from public.profiles as profile where profile.user_id = p_user_id),
    1
  )::double precision
$$;

-- Puts blocked or delayed runs that have never been tried into the line, one behind the other.
create function nightshift.offer_runs (
  p_run_ids bigint[]
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_run_id bigint;
begin
  foreach v_run_id in array p_run_ids loop
    update public.agent_runs as run
    set status = 'pending',
        is_due = true,
        due_at = null,
        fair_at = nightshift.line_end(run.user_id, run.priority) + nightshift.line_step(run.user_id)
    where run.id = v_run_id;
  end loop;
end;
$$;

-- Makes due what has waited long enough; at most 500 rows a call. First tries join the end of their user's line,
-- later tries keep their place. Returns how many became due.
create function nightshift.promote_delayed ()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_now timestamptz := nightshift.queue_now();
  v_ids bigint[];
  v_deliveries integer;
begin
  v_ids := array(
    select delayed.id
    from public.agent_runs as delayed
    where delayed.status = 'pending'
      and not delayed.is_due
      and delayed.due_at <= v_now
    order by delayed.due_at
    limit 500
    for update skip locked
  );

  if cardinality(v_ids) > 0 then
    update public.agent_runs as run
    set is_due = true
    where run.id = any (v_ids)
      and run.attempt > 0;

    perform nightshift.offer_runs(array(
      select run.id
      from public.agent_runs as run
      where run.id = any (v_ids)
        and run.attempt = 0
      order by run.due_at, run.id
    ));
  end if;

  update public.deliveries as delivery
  set is_due = true
  where delivery.id = any (array(
    select delayed.id
    from public.deliveries as delayed
    where delayed.status = 'pending'
      and not delayed.is_due
      and delayed.due_at <= v_now
    order by delayed.due_at
    limit 500
    for update skip locked
  ));
  get diagnostics v_deliveries = row_count;

  return cardinality(v_ids) + v_deliveries;
end;
$$;
