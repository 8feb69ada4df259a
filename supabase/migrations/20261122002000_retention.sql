-- Retention: what is let go of once it is old enough, in bounded pages, and never what anybody still needs. Of several
-- callers one works at a time, and it waits for nobody else's rows: it can hold others up for a moment, never deadlock.

-- Since when the bytes of a published file are no longer kept here; its name, size and hash stay.
alter table public.deliverables add column content_removed_at timestamptz;

-- One row per night in which some worker pruned. `ended_at` is null while it is under way, or was broken off.
create table public.prunings (
  id bigint generated always as identity primary key,
  worker_id uuid not null,
  started_at timestamptz not null default nightshift.queue_now(),
  ended_at timestamptz,
  -- How many rows went, by kind.
  removed jsonb not null default '{}'
);

alter table public.prunings enable row level security;

-- Of these tasks, those that ended before `p_before`, locked; those that somebody else holds are left for another time.
create function nightshift.lock_ended (
  p_task_ids uuid[],
  p_before timestamptz
)
returns uuid[]
language sql
set search_path = ''
as $$
  select array(
    select task.id
    from public.tasks as task
    where task.id = any (p_task_ids)
      and task.status in ('complete', 'partial', 'failed', 'cancelled')
      and task.completed_at < p_before
    order by task.id
    for no key update skip locked
  )
$$;

-- Of these runs, those whose tasks ended before `p_before`, the tasks locked.
create function nightshift.lock_ended_runs (
  p_run_ids bigint[],
  p_before timestamptz
)
returns bigint[]
language plpgsql
set search_path = ''
as $$
declare
  v_tasks uuid[] := nightshift.lock_ended(array(
    select distinct run.task_id from public.agent_runs as run where run.id = any (p_run_ids)
  ), p_before);
begin
  return array(
    select run.id from public.agent_runs as run where run.id = any (p_run_ids) and run.task_id = any (v_tasks)
  );
end;
$$;

-- Keeps what the steps of these runs have cost, as money set aside, where a retry would go on under the cost cap of its
-- task: without it a task could spend its cap once more whenever it has been pruned.
create function nightshift.keep_costs (
  p_run_ids bigint[]
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  -- These stood for steps that are counted below.
  delete from public.cost_reservations as held
  where held.run_id = any (p_run_ids)
    and exists (
      select from public.run_steps as step
      where step.run_id = held.run_id and step.attempt = held.attempt and step.seq = held.seq
    );

  insert into public.cost_reservations as held (run_id, attempt, seq, usd)
  select run.id, max(step.attempt), max(step.seq), sum((step.usage ->> 'costUsd')::numeric)
  from public.agent_runs as run
  join public.tasks as task on task.id = run.task_id
  join public.run_steps as step on step.run_id = run.id
  where run.id = any (p_run_ids)
    and task.status <> 'complete'
    and task.brief -> 'limits' ->> 'max_cost_usd' is not null
  group by run.id
  having sum((step.usage ->> 'costUsd')::numeric) > 0
  on conflict (run_id, attempt, seq) do update
  set usd = held.usd + excluded.usd;
end;
$$;

-- One page of transcripts, oldest runs first: looks at `p_limit` steps behind the run `p_after` and removes those of tasks
-- that ended before `p_before`. Nothing resumes from them: a retry starts its runs anew. `after` is null at the end.
create function nightshift.prune_steps (
  p_before timestamptz,
  p_after jsonb,
  p_limit integer,
  p_dry boolean,
  out removed integer,
  out after jsonb
)
language plpgsql
set search_path = ''
as $$
declare
  v_runs bigint[];
begin
  select array_agg(distinct page.run_id), case when count(*) = p_limit then to_jsonb(max(page.run_id)) end
  into v_runs, after
  from (
    select step.run_id
    from public.run_steps as step
    where step.run_id > coalesce((p_after #>> '{}')::bigint, 0)
    order by step.run_id
    limit p_limit
  ) as page;
  after := nightshift.while_older(after, p_before);

  v_runs := nightshift.lock_ended_runs(v_runs, p_before);
  select count(*) into removed from public.run_steps as step where step.run_id = any (v_runs);
  if not p_dry then
    perform nightshift.keep_costs(v_runs);
    delete from public.run_steps as step where step.run_id = any (v_runs);
  end if;
end;
$$;

-- `p_after`, the id of a run, as long as runs behind it can belong to tasks that ended before `p_before`: those that came
-- later cannot.
create function nightshift.while_older (
  p_after jsonb,
  p_before timestamptz
)
returns jsonb
language sql
set search_path = ''
as $$
  select p_after
  from public.agent_runs as run
  where run.id = (p_after #>> '{}')::bigint
    and run.created_at < p_before
$$;

-- One page of what agents said of their progress, as `prune_steps`. What is told of the task as a whole, such as its end,
-- stays with the task.
create function nightshift.prune_progress (
  p_before timestamptz,
  p_after jsonb,
  p_limit integer,
  p_dry boolean,
  out removed integer,
  out after jsonb
)
language plpgsql
set search_path = ''
as $$
declare
  v_runs bigint[];
begin
  select array_agg(distinct page.run_id), case when count(*) = p_limit then to_jsonb(max(page.run_id)) end
  into v_runs, after
  from (
    select progress.run_id
    from public.task_progress as progress
    where progress.run_id > coalesce((p_after #>> '{}')::bigint, 0)
    order by progress.run_id
    limit p_limit
  ) as page;
  after := nightshift.while_older(after, p_before);

  v_runs := nightshift.lock_ended_runs(v_runs, p_before);
  select count(*) into removed from public.task_progress as progress where progress.run_id = any (v_runs);
  if not p_dry then
    delete from public.task_progress as progress where progress.run_id = any (v_runs);
  end if;
end;
$$;

-- One page of the records of single tries at deliveries, as `prune_steps`; the deliveries and what came of them stay.
create function nightshift.prune_attempts (
  p_before timestamptz,
  p_after jsonb,
  p_limit integer,
  p_dry boolean,
  out removed integer,
  out after jsonb
)
language plpgsql
set search_path = ''
as $$
declare
  v_deliveries bigint[];
  v_tasks uuid[];
begin
  select array_agg(distinct page.delivery_id), case when count(*) = p_limit then to_jsonb(max(page.delivery_id)) end
  into v_deliveries, after
  from (
    select tried.delivery_id
    from public.delivery_attempts as tried
    where tried.delivery_id > coalesce((p_after #>> '{}')::bigint, 0)
    order by tried.delivery_id
    limit p_limit
  ) as page;
  if not exists (
    select from public.deliveries as delivery
    where delivery.id = (after #>> '{}')::bigint
      and delivery.created_at < p_before
  ) then
    after := null;
  end if;

  v_tasks := nightshift.lock_ended(array(
    select distinct delivery.task_id from public.deliveries as delivery where delivery.id = any (v_deliveries)
  ), p_before);
  v_deliveries := array(
    select delivery.id
    from public.deliveries as delivery
    where delivery.id = any (v_deliveries)
      and delivery.task_id = any (v_tasks)
  );
  select count(*) into removed from public.delivery_attempts as tried where tried.delivery_id = any (v_deliveries);
  if not p_dry then
    delete from public.delivery_attempts as tried where tried.delivery_id = any (v_deliveries);
  end if;
end;
$$;

-- One page of the bytes of files, of tasks that ended before `p_before`: those that every sink of stage 0 has published since
-- they were made. While one has not, a retry would need them. The file's row stays and says when its bytes went.
create function nightshift.prune_contents (
  p_before timestamptz,
  p_after jsonb,
  p_limit integer,
  p_dry boolean,
  out removed integer,
  out after jsonb
)
language plpgsql
set search_path = ''
as $$
declare
  v_tasks uuid[];
  v_files uuid[] := array(
    select stored.deliverable_id
    from public.deliverable_contents as stored
    where stored.deliverable_id > coalesce(p_after #>> '{}', '00000000-0000-0000-0000-000000000000')::uuid
    order by stored.deliverable_id
    limit p_limit
  );
begin
  if cardinality(v_files) = p_limit then
    after := to_jsonb(v_files[p_limit]);
  end if;

  v_tasks := nightshift.lock_ended(array(
    select distinct deliverable.task_id from public.deliverables as deliverable where deliverable.id = any (v_files)
  ), p_before);
  v_files := array(
    select deliverable.id
    from public.deliverables as deliverable
    where deliverable.id = any (v_files)
      and deliverable.task_id = any (v_tasks)
      and (
        select bool_and(delivery.status = 'delivered' and delivery.completed_at >= deliverable.created_at)
        from public.deliveries as delivery
        where delivery.task_id = deliverable.task_id
          and delivery.stage = 0
      )
  );
  removed := cardinality(v_files);
  if not p_dry then
    update public.deliverables as deliverable
    set content_removed_at = nightshift.queue_now()
    where deliverable.id = any (v_files);
    delete from public.deliverable_contents as stored where stored.deliverable_id = any (v_files);
  end if;
end;
$$;

-- True when a task may go, and then it is locked with all that goes with it: it ended before `p_before`, none of its runs
-- and deliveries is open or held by anybody, nobody waits for it, and its results have reached people or were cancelled.
-- A task that ended well needs to outlive those that wait for it only until they have ended; one that did not, until they
-- are gone, since a retry of theirs must still find it.
create function nightshift.lock_prunable (
  p_task_id uuid,
  p_before timestamptz,
  p_dry boolean
)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_status text;
  v_runs bigint[];
  v_deliveries bigint[];
begin
  select task.status into v_status
  from public.tasks as task
  where task.id = p_task_id
    and task.status in ('complete', 'partial', 'failed', 'cancelled')
    and task.completed_at < p_before
  for update skip locked;
  if v_status is null then
    return false;
  end if;

  -- Locked beforehand, so that the removal waits for nobody.
  v_runs := array(
    select run.id from public.agent_runs as run
    where run.task_id = p_task_id and run.status not in ('blocked', 'pending', 'running')
    order by run.id
    for update skip locked
  );
  v_deliveries := array(
    select delivery.id from public.deliveries as delivery
    where delivery.task_id = p_task_id and delivery.status not in ('blocked', 'pending', 'running')
    order by delivery.id
    for update skip locked
  );

  return cardinality(v_runs) = (select count(*) from public.agent_runs as run where run.task_id = p_task_id)
    and cardinality(v_deliveries) = (select count(*) from public.deliveries as delivery where delivery.task_id = p_task_id)
    and not exists (
      select
      from public.task_dependencies as dependency
      join public.tasks as waiting on waiting.id = dependency.task_id
      where dependency.depends_on_id = p_task_id
        and (
          waiting.completed_at is null
          -- Later tasks go first; a dry run, where none has gone, counts as if they had.
          or v_status not in ('complete', 'partial') and not (p_dry and waiting.completed_at < p_before)
        )
    )
    and (v_status = 'cancelled' or nightshift.has_reached_people(p_task_id));
end;
$$;

-- True when each file of a task that is still kept has been published by some sink since it was made.
create function nightshift.has_reached_people (
  p_task_id uuid
)
returns boolean
language sql
stable
set search_path = ''
as $$
  select not exists (
    select
    from public.deliverables as deliverable
    where deliverable.task_id = p_task_id
      and deliverable.content_removed_at is null
      and not exists (
        select
        from public.deliveries as delivery
        where delivery.task_id = p_task_id
          and delivery.stage = 0
          and delivery.status = 'delivered'
          and delivery.completed_at >= deliverable.created_at
      )
  )
$$;

-- One page of at most 50 tasks, with all that belongs to them, newest first, so that those who wait go before those they
-- waited for. What another table refers to without a cascade stays: foreign keys have the last word.
create function nightshift.prune_tasks (
  p_before timestamptz,
  p_after jsonb,
  p_limit integer,
  p_dry boolean,
  out removed integer,
  out after jsonb
)
language plpgsql
set search_path = ''
as $$
declare
  v_task record;
  v_limit integer := least(p_limit, 50);
  v_seen integer := 0;
begin
  removed := 0;
  for v_task in
    select task.id, task.created_at
    from public.tasks as task
    where task.created_at < p_before
      and (p_after is null or task.created_at <= (p_after ->> 'createdAt')::timestamptz)
      and (p_after is null or (task.created_at, task.id) < ((p_after ->> 'createdAt')::timestamptz, (p_after ->> 'id')::uuid))
    order by task.created_at desc, task.id desc
    limit v_limit
  loop
    v_seen := v_seen + 1;
    if v_seen = v_limit then
      after := jsonb_build_object('createdAt', v_task.created_at, 'id', v_task.id);
    end if;
    if nightshift.lock_prunable(v_task.id, p_before, p_dry) and (p_dry or nightshift.remove_task(v_task.id)) then
      removed := removed + 1;
    end if;
  end loop;
end;
$$;

-- Removes a task and what belongs to it; false where something else refers to it.
create function nightshift.remove_task (
  p_task_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  delete from public.tasks as task where task.id = p_task_id;

  return true;
exception
  when foreign_key_violation then
    return false;
end;
$$;

-- One page of poll cycles that ended before `p_before`, oldest first.
create function nightshift.prune_polls (
  p_before timestamptz,
  p_after jsonb,
  p_limit integer,
  p_dry boolean,
  out removed integer,
  out after jsonb
)
language plpgsql
set search_path = ''
as $$
declare
  v_polls bigint[];
begin
  select
    coalesce(array_agg(page.id) filter (where page.ended_at < p_before), '{}'),
    case when count(*) = p_limit and min(page.ended_at) < p_before then to_jsonb(max(page.id)) end
  into v_polls, after
  from (
    select poll.id, poll.ended_at
    from public.poll_runs as poll
    where poll.id > coalesce((p_after #>> '{}')::bigint, 0)
    order by poll.id
    limit p_limit
  ) as page;

  removed := cardinality(v_polls);
  if not p_dry then
    delete from public.poll_runs as poll where poll.id = any (v_polls);
  end if;
end;
$$;

-- One page of workers that were last heard of before `p_before` and hold nothing; one that was only asleep registers anew.
-- Leases that ran out and notes of nights before then go with them, uncounted.
create function nightshift.prune_workers (
  p_before timestamptz,
  p_after jsonb,
  p_limit integer,
  p_dry boolean,
  out removed integer,
  out after jsonb
)
language plpgsql
set search_path = ''
as $$
declare
  v_workers uuid[] := array(
    select worker.id
    from public.workers as worker
    where worker.id > coalesce(p_after #>> '{}', '00000000-0000-0000-0000-000000000000')::uuid
      and worker.beat_at < p_before
      and not exists (select from public.agent_runs as run where run.worker_id = worker.id and run.status = 'running')
      and not exists (
        select from public.deliveries as delivery where delivery.worker_id = worker.id and delivery.status = 'running'
      )
    order by worker.id
    limit p_limit
    for update skip locked
  );
begin
  removed := cardinality(v_workers);
  if removed = p_limit then
    after := to_jsonb(v_workers[p_limit]);
  end if;
  if not p_dry then
    delete from public.workers as worker where worker.id = any (v_workers);
    delete from public.leases as lease where lease.expires_at < p_before;
    delete from public.prunings as pruning where pruning.ended_at < p_before;
  end if;
end;
$$;

-- Removes one page of what is older than `p_policy` says, `{<kind>: days}`; what it does not name, or gives no days, stays.
-- The kinds, in order: steps, progress, attempts, contents, tasks, polls, workers. One call takes one page of one kind, for
-- which it looks at `p_limit` rows. `p_after` is the `next` of the call before, null at first. Ages count
-- from the end of the task, by the database's clock. With `p_dry` nothing is removed, and counted all the same.
-- Returns `{removed: {<kind>: rows}, next}`; `next` is null at the end. Repeating a call finds less or nothing.
create function public.prune (
  p_policy jsonb,
  p_after jsonb,
  p_limit integer,
  p_dry boolean
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_kinds text[] := array(
    select kind.name
    from unnest(array['steps', 'progress', 'attempts', 'contents', 'tasks', 'polls', 'workers'])
      with ordinality as kind (name, place)
    where (p_policy ->> kind.name)::numeric > 0
    order by kind.place
  );
  v_kind text := coalesce(p_after ->> 'kind', v_kinds[1]);
  v_before timestamptz := nightshift.queue_now() - interval '1 day' * (p_policy ->> v_kind)::double precision;
  v_page record;
begin
  if v_kind is null or v_kind <> all (v_kinds) then
    return jsonb_build_object('removed', '{}'::jsonb, 'next', null);
  end if;

  perform pg_advisory_xact_lock(hashtextextended('nightshift.prune', 0));
  case v_kind
    when 'steps' then select * into v_page from nightshift.prune_steps(v_before, p_after -> 'at', p_limit, p_dry);
    when 'progress' then select * into v_page from nightshift.prune_progress(v_before, p_after -> 'at', p_limit, p_dry);
    when 'attempts' then select * into v_page from nightshift.prune_attempts(v_before, p_after -> 'at', p_limit, p_dry);
    when 'contents' then select * into v_page from nightshift.prune_contents(v_before, p_after -> 'at', p_limit, p_dry);
    when 'tasks' then select * into v_page from nightshift.prune_tasks(v_before, p_after -> 'at', p_limit, p_dry);
    when 'polls' then select * into v_page from nightshift.prune_polls(v_before, p_after -> 'at', p_limit, p_dry);
    when 'workers' then select * into v_page from nightshift.prune_workers(v_before, p_after -> 'at', p_limit, p_dry);
  end case;

  return jsonb_build_object(
    'removed', jsonb_build_object(v_kind, v_page.removed),
    'next', case
      when v_page.after is not null then jsonb_build_object('kind', v_kind, 'at', v_page.after)
      else (
        select jsonb_build_object('kind', later.name)
        from unnest(v_kinds) with ordinality as later (name, place)
        where later.place = array_position(v_kinds, v_kind) + 1
      )
    end
  );
end;
$$;

-- Asks for the night's pruning: `begun` for one worker once in the `p_elapsed_seconds` since the night's hour, and again
-- for whoever comes first when that worker has died over it; `elsewhere` while another is at it; `done` afterwards. A
-- database where nobody ever pruned waits for the next night. Returns `{state, id}`.
create function public.begin_pruning (
  p_worker_id uuid,
  p_elapsed_seconds numeric
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_last public.prunings;
  v_now timestamptz;
  v_id bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('nightshift.prunings', 0));
  v_now := nightshift.queue_now();
  select pruning.* into v_last from public.prunings as pruning order by pruning.id desc limit 1;

  if v_last.id is null then
    insert into public.prunings (worker_id, ended_at) values (p_worker_id, v_now);
    return jsonb_build_object('state', 'done', 'id', null);
  elsif v_last.ended_at is null then
    if v_last.worker_id <> p_worker_id and exists (
      select from public.workers as worker
      where worker.id = v_last.worker_id
        and worker.retired_at is null
        and worker.beat_at > v_now - make_interval(secs => worker.lease_seconds)
    ) then
      return jsonb_build_object('state', 'elsewhere', 'id', null);
    end if;
    update public.prunings as pruning
    set worker_id = p_worker_id,
        started_at = v_now
    where pruning.id = v_last.id;
    return jsonb_build_object('state', 'begun', 'id', v_last.id);
  -- A clock that was ahead must not put the nights off until it is right.
  elsif v_last.started_at between v_now - make_interval(secs => p_elapsed_seconds::double precision) and v_now then
    return jsonb_build_object('state', 'done', 'id', null);
  end if;

  insert into public.prunings (worker_id) values (p_worker_id) returning prunings.id into v_id;
  return jsonb_build_object('state', 'begun', 'id', v_id);
end;
$$;

-- Notes that the night's pruning is done, and what went. Does nothing where another worker has taken it over.
create function public.end_pruning (
  p_pruning_id bigint,
  p_worker_id uuid,
  p_removed jsonb
)
returns void
language sql
set search_path = ''
as $$
  update public.prunings as pruning
  set ended_at = nightshift.queue_now(),
      removed = p_removed
  where pruning.id = p_pruning_id
    and pruning.worker_id = p_worker_id
    and pruning.ended_at is null
$$;

-- The bytes of one deliverable, in base64; null where there is none. Refuses NS010 (removed, since it was published).
create or replace function public.read_deliverable (
  p_deliverable_id uuid
)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_content bytea;
  v_file record;
begin
  select stored.content into v_content
  from public.deliverable_contents as stored
  where stored.deliverable_id = p_deliverable_id;

  if v_content is null then
    select deliverable.path, deliverable.content_removed_at as removed_at, task.folder_url into v_file
    from public.deliverables as deliverable
    join public.tasks as task on task.id = deliverable.task_id
    where deliverable.id = p_deliverable_id;
    if v_file.removed_at is not null then
      raise exception '% left the database on %, and is where it was published: %', v_file.path, v_file.removed_at::date,
        coalesce(v_file.folder_url, 'nobody noted where')
        using errcode = 'NS010';
    end if;
  end if;

  return translate(encode(v_content, 'base64'), E'\n', '');
end;
$$;

-- Puts the first wave of a retried task's blocked runs into the line. The caller holds the task's lock.
-- Refuses (NS010) a task of which files have been removed: what its other agents delivered could not be published with them.
create or replace function nightshift.reopen_runs (
  p_task_id uuid
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_removed_at timestamptz;
begin
  select max(deliverable.content_removed_at) into v_removed_at
  from public.deliverables as deliverable
  where deliverable.task_id = p_task_id
    and deliverable.status = 'ready';
  if v_removed_at is not null then
    raise exception 'the files of task % left the database on %: hand the brief in again', p_task_id, v_removed_at::date
      using errcode = 'NS010';
  end if;

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

revoke all on public.prunings from anon, authenticated;
revoke execute on function
  nightshift.lock_ended(uuid[], timestamptz), nightshift.lock_ended_runs(bigint[], timestamptz),
  nightshift.keep_costs(bigint[]), nightshift.while_older(jsonb, timestamptz),
  nightshift.prune_steps(timestamptz, jsonb, integer, boolean), nightshift.prune_progress(timestamptz, jsonb, integer, boolean),
  nightshift.prune_attempts(timestamptz, jsonb, integer, boolean), nightshift.prune_contents(timestamptz, jsonb, integer, boolean),
  nightshift.lock_prunable(uuid, timestamptz, boolean), nightshift.has_reached_people(uuid),
  nightshift.prune_tasks(timestamptz, jsonb, integer, boolean), nightshift.remove_task(uuid),
  nightshift.prune_polls(timestamptz, jsonb, integer, boolean), nightshift.prune_workers(timestamptz, jsonb, integer, boolean),
  public.prune(jsonb, jsonb, integer, boolean), public.begin_pruning(uuid, numeric), public.end_pruning(bigint, uuid, jsonb)
from public, anon, authenticated;
grant select, insert, update, delete on public.prunings to service_role;
grant execute on function
  nightshift.lock_ended(uuid[], timestamptz), nightshift.lock_ended_runs(bigint[], timestamptz),
  nightshift.keep_costs(bigint[]), nightshift.while_older(jsonb, timestamptz),
  nightshift.prune_steps(timestamptz, jsonb, integer, boolean), nightshift.prune_progress(timestamptz, jsonb, integer, boolean),
  nightshift.prune_attempts(timestamptz, jsonb, integer, boolean), nightshift.prune_contents(timestamptz, jsonb, integer, boolean),
  nightshift.lock_prunable(uuid, timestamptz, boolean), nightshift.has_reached_people(uuid),
  nightshift.prune_tasks(timestamptz, jsonb, integer, boolean), nightshift.remove_task(uuid),
  nightshift.prune_polls(timestamptz, jsonb, integer, boolean), nightshift.prune_workers(timestamptz, jsonb, integer, boolean),
  public.prune(jsonb, jsonb, integer, boolean), public.begin_pruning(uuid, numeric), public.end_pruning(bigint, uuid, jsonb)
to service_role;
