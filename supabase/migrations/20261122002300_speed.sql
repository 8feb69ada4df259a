-- Speed: plans that are kept, and sets of tasks moved on at once. What is promised stays as it was.
-- PostgreSQL 17 keeps the plans of plpgsql for the session; those of `language sql` it makes anew in every statement that
-- calls them. The planner's settings beside some functions say that the walk is by index, whatever the statistics say:
-- a plan that was made while the tables were new is kept while they grow. And `force_generic_plan` says to make it once:
-- where a list of ids is short, PostgreSQL would plan for each list anew, at a multiple of what the walk costs.

-- Where a user's next run joins the line: behind the user's own waiting runs, and never before the head of the line,
-- so that one user's 10,000 runs do not delay another's one, and nobody is charged for having worked alone.
create or replace function nightshift.line_end (
  p_user_id uuid,
  p_priority smallint
)
returns timestamptz
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_sort = off
as $$
begin
  return greatest(
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
  );
end;
$$;

-- How far one run moves its user on: a thousandth of a second of virtual time, less for those of more weight.
create or replace function nightshift.line_step (
  p_user_id uuid
)
returns interval
language plpgsql
set search_path = ''
as $$
begin
  return interval '1 millisecond' / coalesce(
    (select profile.weight from public.profiles as profile where profile.user_id = p_user_id),
    1
  )::double precision;
end;
$$;

-- True when the task has been cancelled: its runs may not know yet.
create or replace function nightshift.is_cancelled (
  p_task_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  return exists (select from public.tasks as task where task.id = p_task_id and task.status = 'cancelled');
end;
$$;

-- True when a run or a delivery waits and could be claimed now.
create or replace function nightshift.anything_due ()
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  return exists (
    select from public.agent_runs as run where run.status = 'pending' and run.is_due
  ) or exists (
    select from public.deliveries as delivery where delivery.status = 'pending' and delivery.is_due
  );
end;
$$;

-- Milliseconds until the next delayed run or delivery is due; null when none waits.
create or replace function nightshift.next_due_ms ()
returns numeric
language plpgsql
set search_path = ''
as $$
declare
  v_due_at timestamptz := least(
    (
      select run.due_at from public.agent_runs as run
      where run.status = 'pending' and not run.is_due order by run.due_at limit 1
    ),
    (
      select delivery.due_at from public.deliveries as delivery
      where delivery.status = 'pending' and not delivery.is_due order by delivery.due_at limit 1
    )
  );
begin
  if v_due_at is null then
    return null;
  end if;

  return ceil(extract(epoch from greatest(interval '0', v_due_at - nightshift.queue_now())) * 1000);
end;
$$;

-- The tasks that a batch of outcomes is about, in the one order of locks.
create or replace function nightshift.tasks_of_runs (
  p_outcomes jsonb
)
returns uuid[]
language plpgsql
set search_path = ''
as $$
declare
  v_ids bigint[] := array(select (outcome.value ->> 'id')::bigint from jsonb_array_elements(p_outcomes) as outcome);
begin
  return array(select distinct run.task_id from public.agent_runs as run where run.id = any (v_ids) order by run.task_id);
end;
$$;

create or replace function nightshift.tasks_of_deliveries (
  p_outcomes jsonb
)
returns uuid[]
language plpgsql
set search_path = ''
as $$
declare
  v_ids bigint[] := array(select (outcome.value ->> 'id')::bigint from jsonb_array_elements(p_outcomes) as outcome);
begin
  return array(
    select distinct delivery.task_id from public.deliveries as delivery where delivery.id = any (v_ids) order by delivery.task_id
  );
end;
$$;

-- A brief without the contents of its attachments: they may be large, and people only see their names.
create or replace function nightshift.brief_for_people (
  p_brief jsonb
)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  if not p_brief ? 'attachments' then
    return p_brief;
  end if;

  return jsonb_set(p_brief, '{attachments}', (
    select coalesce(jsonb_agg(attachment.value - 'text' order by attachment.place), '[]')
    from jsonb_array_elements(p_brief -> 'attachments') with ordinality as attachment (value, place)
  ));
end;
$$;

-- The current deliverables of a task, without their bytes, in the order of the agents.
create or replace function nightshift.deliverables_of (
  p_task_id uuid
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(json_agg(shown), '[]')
    from (
      select deliverable.id, deliverable.run_id as "runId", deliverable.agent, deliverable.name, deliverable.kind,
        deliverable.media_type as "mediaType", deliverable.title, deliverable.status, deliverable.bytes, deliverable.sha256,
        deliverable.content_removed_at as "contentRemovedAt"
      from public.deliverables as deliverable
      where deliverable.task_id = p_task_id
        and deliverable.status = 'ready'
      order by deliverable.run_id, deliverable.name
    ) as shown
  );
end;
$$;

-- The runs of a task as sinks show them.
create function nightshift.runs_for_delivery (
  p_task_id uuid
)
returns json
language plpgsql
stable
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
begin
  return (
    select coalesce(json_agg(shown), '[]')
    from (
      select run.id, run.agent, coalesce(agent.title, run.agent) as title, coalesce(agent.wave, run.wave) as wave,
        run.status, run.output ->> 'summary' as summary, run.error, run.usage, run.usage ->> 'model' as model
      from public.agent_runs as run
      left join public.agents as agent on agent.name = run.agent
      where run.task_id = p_task_id
      order by coalesce(agent.wave, run.wave), run.id
    ) as shown
  );
end;
$$;

-- An ended task as sinks show it.
drop function nightshift.task_for_delivery (uuid);
create function nightshift.task_for_delivery (
  p_task_id uuid
)
returns json
language plpgsql
stable
set search_path = ''
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  return (
    select row_to_json(shown)
    from (
      select task.id, task.title, task.description, coalesce(task.outcome, task.status) as outcome,
        task.folder_name as "folderName", task.folder_url as "folderUrl", task.created_at as "createdAt",
        task.started_at as "startedAt",
        (select max(run.completed_at) from public.agent_runs as run where run.task_id = task.id) as "endedAt",
        nightshift.brief_for_people(task.brief) as brief,
        nightshift.runs_for_delivery(task.id) as runs,
        nightshift.deliverables_of(task.id) as deliverables
      from public.tasks as task
      where task.id = p_task_id
    ) as shown
  );
end;
$$;

-- What a worker needs to work on runs that it has just claimed: `{runs, tasks}`, in the order of the line; a task that has
-- several of them is carried once.
create function nightshift.runs_for_work (
  p_run_ids bigint[]
)
returns jsonb
language plpgsql
set search_path = ''
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_runs json;
  v_tasks json;
begin
  select json_agg(
    case when run.wave = 1 and run.attempt = 1 then (
      select row_to_json(fresh)
      from (
        select run.id, 1 as attempt, run.task_id as "taskId", run.agent, 1 as wave,
          run.timeout_seconds as "timeoutSeconds", '{}'::json as handoff, '[]'::json as missing, '[]'::json as steps
      ) as fresh
    )
    -- Only what comes after something has more to carry.
    else nightshift.run_for_work(run)::json end
    order by run.priority desc, run.fair_at, run.id
  )
  into v_runs
  from public.agent_runs as run
  where run.id = any (p_run_ids)
    -- So written that no index on the status is thought of: what ran before is in it as well.
    and (run.status = 'running') is true;

  select json_agg(carried)
  into v_tasks
  from (
    select task.id, task.profile, task.created_at as "submittedAt",
      task.brief || jsonb_build_object('title', task.title, 'description', task.description) as brief
    from public.tasks as task
    where task.id = any (array(
      select run.task_id
      from public.agent_runs as run
      where run.id = any (p_run_ids)
        and (run.status = 'running') is true
    ))
  ) as carried;

  return json_build_object('runs', coalesce(v_runs, '[]'), 'tasks', coalesce(v_tasks, '[]'));
end;
$$;

-- Marks runs as claimed, their tasks as at work, and tells what the worker needs to work on them.
create function nightshift.begin_runs (
  p_worker public.workers,
  p_claim_id uuid,
  p_run_ids bigint[]
)
returns jsonb
language plpgsql
set search_path = ''
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_now timestamptz := nightshift.queue_now();
  v_tasks uuid[];
begin
  with claimed as (
    update public.agent_runs as run
    set status = 'running',
        attempt = run.attempt + 1,
        worker_id = p_worker.id,
        claim_id = p_claim_id,
        claimed_at = v_now,
        -- The worker ends the run by its own clock; this bound is for one that hangs.
        deadline_at = v_now + make_interval(secs => run.timeout_seconds + p_worker.lease_seconds),
        started_at = coalesce(run.started_at, v_now)
    where run.id = any (p_run_ids)
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

  -- Runs that slipped past the cancelling of their task.
  if exists (
    select from public.tasks as task where task.id = any (v_tasks) and (task.status = 'cancelled') is true
  ) then
    update public.agent_runs as run
    set status = 'cancelled',
        completed_at = v_now
    where run.id = any (p_run_ids)
      and nightshift.is_cancelled(run.task_id);
  end if;

  return nightshift.runs_for_work(p_run_ids);
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
  v_ids bigint[];
begin
  if p_limit > 0 and nightshift.begin_claim(p_claim_id, 'runs') then
    v_ids := nightshift.pick_runs(p_limit);
    if cardinality(v_ids) = 0 then
      return '{"runs": [], "tasks": []}';
    end if;

    return nightshift.begin_runs(v_worker, p_claim_id, v_ids);
  end if;

  return nightshift.runs_for_work(array(
    select run.id
    from public.agent_runs as run
    where run.worker_id = p_worker_id
      and run.status = 'running'
      and run.claim_id = p_claim_id
  ));
end;
$$;

-- What a worker needs to work on deliveries that it has just claimed, in their order.
create function nightshift.deliveries_for_work (
  p_delivery_ids bigint[]
)
returns jsonb
language plpgsql
set search_path = ''
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  return (
    select coalesce(json_agg(claimed), '[]')
    from (
      select delivery.id, delivery.attempt, delivery.sink, delivery.stage, delivery.target,
        delivery.timeout_seconds as "timeoutSeconds", nightshift.task_for_delivery(delivery.task_id) as task
      from public.deliveries as delivery
      where delivery.id = any (p_delivery_ids)
        -- So written that no index on the status is thought of.
        and (delivery.status = 'running') is true
      order by delivery.id
    ) as claimed
  );
end;
$$;

-- Claims at most `p_limit` due deliveries to the worker's own sinks, those of older tasks first, whatever the sink: a backlog
-- of publishing holds up no news. Returns a list; otherwise as `claim_runs`.
create or replace function public.claim_deliveries (
  p_worker_id uuid,
  p_claim_id uuid,
  p_limit integer
)
returns jsonb
language plpgsql
set search_path = ''
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_worker public.workers := nightshift.greet_worker(p_worker_id);
  v_now timestamptz;
  v_ids bigint[];
begin
  if p_limit > 0 and nightshift.begin_claim(p_claim_id, 'deliveries') then
    v_now := nightshift.queue_now();
    v_ids := array(
      select due.id
      from unnest(v_worker.sinks) as served (sink)
      cross join lateral (
        select delivery.id, delivery.priority
        from public.deliveries as delivery
        where delivery.status = 'pending'
          and delivery.is_due
          and delivery.sink = served.sink
        order by delivery.priority desc, delivery.id
        limit p_limit
        for update skip locked
      ) as due
      order by due.priority desc, due.id
      limit p_limit
    );
    if cardinality(v_ids) = 0 then
      return '[]';
    end if;

    update public.deliveries as delivery
    set status = 'running',
        attempt = delivery.attempt + 1,
        worker_id = p_worker_id,
        claim_id = p_claim_id,
        claimed_at = v_now,
        deadline_at = v_now + make_interval(secs => delivery.timeout_seconds + v_worker.lease_seconds)
    where delivery.id = any (v_ids);
    return nightshift.deliveries_for_work(v_ids);
  end if;

  return nightshift.deliveries_for_work(array(
    select delivery.id
    from public.deliveries as delivery
    where delivery.worker_id = p_worker_id
      and delivery.status = 'running'
      and delivery.claim_id = p_claim_id
  ));
end;
$$;

-- Makes due what has waited long enough; at most 500 rows a call. First tries join the end of their user's line,
-- later tries keep their place. Returns how many became due.
create or replace function nightshift.promote_delayed ()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_now timestamptz := nightshift.queue_now();
  v_ids bigint[];
  v_deliveries integer;
begin
  -- Each turn asks, and hardly ever does anything wait.
  if not exists (
    select from public.agent_runs as run where run.status = 'pending' and not run.is_due and run.due_at <= v_now
  ) and not exists (
    select from public.deliveries as delivery where delivery.status = 'pending' and not delivery.is_due and delivery.due_at <= v_now
  ) then
    return 0;
  end if;

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

-- Stores what settled runs leave for people: their files, and a line of progress each.
-- A file's `content` is text, or `base64` its bytes.
create or replace function nightshift.store_results (
  p_run_ids bigint[],
  p_outcomes jsonb
)
returns void
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
begin
  with told as materialized (
    -- Only what is told: an outcome as a whole is large, and a join reads it many times.
    select (outcome.value ->> 'id')::bigint as id, outcome.value ->> 'type' as type,
      coalesce(outcome.value #>> '{output,summary}', outcome.value #>> '{error,message}') as message
    from jsonb_array_elements(p_outcomes) as outcome
  )
  insert into public.task_progress (task_id, user_id, run_id, agent, step_label, percent, ai_message)
  select run.task_id, run.user_id, run.id, run.agent,
    case when told.type = 'complete' then 'done' when run.status = 'pending' then 'will try again' else 'failed' end,
    case when told.type = 'complete' then 100 end,
    told.message
  from told
  join public.agent_runs as run on run.id = told.id
  where run.id = any (p_run_ids)
    and told.type <> 'release';

  if not exists (
    select from jsonb_array_elements(p_outcomes) as outcome where outcome.value #> '{deliverables,0}' is not null
  ) then
    return;
  end if;

  with file as materialized (
    select gen_random_uuid() as deliverable_id, run.id as run_id, run.task_id, run.user_id, run.agent, part.value as part,
      coalesce(convert_to(part.value ->> 'content', 'UTF8'), decode(part.value ->> 'base64', 'base64')) as content
    from jsonb_array_elements(p_outcomes) as told
    cross join jsonb_array_elements(told.value -> 'deliverables') as part
    join public.agent_runs as run on run.id = (told.value ->> 'id')::bigint
    where run.id = any (p_run_ids)
      and told.value ->> 'type' = 'complete'
  ),
  stored as (
    insert into public.deliverables
      (id, task_id, user_id, run_id, agent, name, kind, media_type, title, output_data, bytes, sha256)
    select file.deliverable_id, file.task_id, file.user_id, file.run_id, file.agent,
      file.part ->> 'name', file.part ->> 'kind', file.part ->> 'mediaType', file.part ->> 'title',
      coalesce(file.part -> 'data', '{}'), octet_length(file.content), encode(sha256(file.content), 'hex')
    from file
  )
  insert into public.deliverable_contents (deliverable_id, content)
  select file.deliverable_id, file.content
  from file;
end;
$$;

-- Opens the next wave of a task whose runs have all ended but for blocked ones. Its first, where nothing has been tried in
-- this round, only once the tasks that it waits for have ended well. True when something became due.
create function nightshift.open_wave (
  p_task_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_wave smallint;
  v_first boolean;
begin
  -- A retry begins a round, at the first wave that it left open.
  select min(run.wave) filter (where run.status = 'blocked'), bool_and(run.attempt = run.fresh_after)
  into v_wave, v_first
  from public.agent_runs as run
  where run.task_id = p_task_id;

  if v_first then
    if not nightshift.dependencies_met(p_task_id) then
      return false;
    end if;

    return nightshift.open_first_wave(p_task_id, v_wave);
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

-- Says of tasks that they have ended: the final progress row of each; and tasks that waited for them alone are opened.
-- Those are locked in the order of their ids, after the ended ones. True when one of them has runs due.
create function nightshift.tell_ended (
  p_task_ids uuid[]
)
returns boolean
language plpgsql
set search_path = ''
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_waiting uuid;
  v_moved boolean;
  v_opened boolean := false;
begin
  insert into public.task_progress (task_id, user_id, step_label, percent, ai_message, is_final)
  select task.id, task.user_id, task.status, 100, task.result ->> 'summary', true
  from public.tasks as task
  where task.id = any (p_task_ids)
  order by task.id;

  for v_waiting in
    select distinct dependency.task_id
    from public.task_dependencies as dependency
    where dependency.depends_on_id = any (p_task_ids)
      and (select task.status from public.tasks as task where task.id = dependency.depends_on_id) <> 'failed'
    order by dependency.task_id
  loop
    perform from public.tasks as task where task.id = v_waiting for no key update;
    v_moved := nightshift.advance_task(v_waiting);
    v_opened := v_opened or v_moved;
  end loop;

  return v_opened;
end;
$$;

-- Ends tasks whose deliveries have all ended: their status becomes their outcome, `partial` where nothing could be
-- published. True when something became due.
create function nightshift.end_tasks (
  p_task_ids uuid[]
)
returns boolean
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
begin
  update public.tasks as task
  set status = case when task.outcome = 'complete' and ended.unpublished is not null then 'partial' else task.outcome end,
      error = nullif(concat_ws('; ', task.error, 'not published: ' || ended.unpublished), ''),
      completed_at = nightshift.queue_now()
  from (
    select wanted.id, (
      -- Results that no sink could publish are in the database, but nobody has them: that is not complete.
      select string_agg(delivery.sink || ': ' || coalesce(delivery.error ->> 'message', delivery.status), '; ' order by delivery.sink)
      from public.deliveries as delivery
      where delivery.task_id = wanted.id
        and delivery.stage = 0
      having count(*) > 0
        and count(*) filter (where delivery.status = 'delivered') = 0
    ) as unpublished
    from unnest(p_task_ids) as wanted (id)
  ) as ended
  where task.id = ended.id;

  return nightshift.tell_ended(p_task_ids);
end;
$$;

-- Opens stage 1 of tasks whose stage 0 has ended, and ends those of which all deliveries have. Does nothing to others.
-- True when something became due.
create function nightshift.advance_delivered (
  p_task_ids uuid[]
)
returns boolean
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_idle uuid[];
  v_opened uuid[];
  v_ended uuid[];
  v_more boolean := false;
begin
  v_idle := array(
    select task.id
    from public.tasks as task
    where task.id = any (p_task_ids)
      -- So written that no index on the status is thought of.
      and (task.status = 'delivering') is true
      and not exists (
        select from public.deliveries as delivery
        where delivery.task_id = task.id and delivery.status in ('pending', 'running')
      )
    order by task.id
  );
  if cardinality(v_idle) = 0 then
    return false;
  end if;

  with opened as (
    update public.deliveries as delivery
    set status = 'pending'
    where delivery.task_id = any (v_idle)
      and delivery.status = 'blocked'
    returning delivery.task_id
  )
  select coalesce(array_agg(distinct opened.task_id), '{}') into v_opened from opened;

  v_ended := array(select idle.id from unnest(v_idle) as idle (id) where idle.id <> all (v_opened));
  if cardinality(v_ended) > 0 then
    v_more := nightshift.end_tasks(v_ended);
  end if;

  return v_more or cardinality(v_opened) > 0;
end;
$$;

-- The same for one task.
create or replace function nightshift.advance_deliveries (
  p_task_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  return nightshift.advance_delivered(array[p_task_id]);
end;
$$;

-- Gives tasks whose runs have all ended one delivery per sink, or per target of the sink. A task that was retried is
-- delivered anew, on the rows that it has: files to where they are, and news once more.
create function nightshift.add_deliveries (
  p_task_ids uuid[]
)
returns void
language plpgsql
set search_path = ''
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
begin
  insert into public.deliveries as known (task_id, user_id, sink, stage, target, status, priority)
  select task.id, task.user_id, sink.name, sink.stage, place.target,
    case when sink.stage = 0 then 'pending' else 'blocked' end, task.priority
  from public.tasks as task
  cross join public.sinks as sink
  left join lateral unnest(sink.targets) as place (target) on true
  where task.id = any (p_task_ids)
    and sink.enabled
  order by task.id, sink.stage, sink.name, place.target
  on conflict (task_id, sink, coalesce(target, '')) do update
  set status = excluded.status,
      is_due = true,
      due_at = null,
      refunds = known.attempt,
      result = case when known.stage = 0 then known.result end,
      error = null,
      completed_at = null;
end;
$$;

-- Moves tasks whose runs have all ended to `delivering`; without deliveries, to their end. `complete`: every run
-- succeeded. `failed`: none did, or a required one did not. `partial`: all between. Returns those that have ended.
create function nightshift.conclude_runs (
  p_task_ids uuid[]
)
returns uuid[]
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_delivered uuid[] := array(
    select distinct delivery.task_id from public.deliveries as delivery where delivery.task_id = any (p_task_ids)
  );
begin
  update public.tasks as task
  set status = case when task.id = any (v_delivered) then 'delivering' else counted.outcome end,
      -- The claims of its runs left it alone where others held it.
      started_at = coalesce(task.started_at, counted.started_at),
      outcome = counted.outcome,
      failed_agents = counted.failed_agents,
      error = counted.reasons,
      result = jsonb_build_object('summary', counted.summary, 'deliverables', (
        select coalesce(jsonb_agg(deliverable.id order by deliverable.run_id, deliverable.name), '[]')
        from public.deliverables as deliverable
        where deliverable.task_id = task.id
          and deliverable.status = 'ready'
      )),
      completed_at = case when task.id = any (v_delivered) then task.completed_at else nightshift.queue_now() end
  from (
    select
      run.task_id,
      case
        when bool_and(run.status = 'complete') then 'complete'
        when bool_and(run.status <> 'complete') or bool_or(run.required and run.status <> 'complete') then 'failed'
        else 'partial'
      end as outcome,
      format('%s of %s agents delivered', count(*) filter (where run.status = 'complete'), count(*)) as summary,
      coalesce(array_agg(run.agent order by run.agent) filter (where run.status <> 'complete'), '{}') as failed_agents,
      string_agg(run.agent || ': ' || coalesce(run.error ->> 'message', run.status), '; ' order by run.agent)
        filter (where run.status <> 'complete') as reasons,
      min(run.started_at) as started_at
    from public.agent_runs as run
    where run.task_id = any (p_task_ids)
    group by run.task_id
  ) as counted
  where task.id = counted.task_id;

  return array(select wanted.id from unnest(p_task_ids) as wanted (id) where wanted.id <> all (v_delivered));
end;
$$;

-- Ends the runs of tasks, all of whose runs have ended, for good: they are delivered, or at their end. True when
-- something became due.
create function nightshift.finish_tasks (
  p_task_ids uuid[]
)
returns boolean
language plpgsql
set search_path = ''
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_ended uuid[];
  v_told boolean := false;
  v_opened boolean := false;
begin
  perform nightshift.add_deliveries(p_task_ids);
  v_ended := nightshift.conclude_runs(p_task_ids);

  if cardinality(v_ended) > 0 then
    v_told := nightshift.tell_ended(v_ended);
  end if;
  if cardinality(v_ended) < cardinality(p_task_ids) then
    v_opened := nightshift.advance_delivered(p_task_ids);
  end if;

  return v_told or v_opened or exists (
    select from public.deliveries as delivery
    where delivery.task_id = any (p_task_ids) and delivery.status = 'pending'
  );
end;
$$;

-- Moves tasks on as far as their runs and deliveries allow; does nothing where nothing is to be done, or where a task was
-- pruned while the caller waited for it. The caller holds the tasks' locks. True when something became due.
create or replace function nightshift.advance_tasks (
  p_task_ids uuid[]
)
returns boolean
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_idle uuid[];
  v_next uuid[];
  v_finished uuid[];
  v_task_id uuid;
  v_moved boolean;
  -- First those that are being delivered already: the others join them below.
  v_opened boolean := nightshift.advance_delivered(p_task_ids);
begin
  v_idle := array(
    select task.id
    from public.tasks as task
    where task.id = any (p_task_ids)
      and (task.status in ('pending', 'running')) is true
      and not exists (
        select from public.agent_runs as run
        where run.task_id = task.id and run.status in ('pending', 'running')
      )
    order by task.id
  );
  if cardinality(v_idle) = 0 then
    return v_opened;
  end if;

  v_next := array(
    select distinct run.task_id
    from public.agent_runs as run
    where run.task_id = any (v_idle)
      and run.status = 'blocked'
    order by run.task_id
  );
  v_finished := array(select idle.id from unnest(v_idle) as idle (id) where idle.id <> all (v_next));

  if cardinality(v_finished) > 0 then
    v_moved := nightshift.finish_tasks(v_finished);
    v_opened := v_opened or v_moved;
  end if;
  foreach v_task_id in array v_next loop
    v_moved := nightshift.open_wave(v_task_id);
    v_opened := v_opened or v_moved;
  end loop;

  return v_opened;
end;
$$;

-- The same for one task.
create or replace function nightshift.advance_task (
  p_task_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  return nightshift.advance_tasks(array[p_task_id]);
end;
$$;

-- Settles a batch of outcomes, all or nothing:
-- `[{id, attempt, type: complete|retry|fail|release, output, checks, usage, error, retryAfterMs, deliverables}]`.
-- Opens the next wave or the deliveries where the last sibling has ended. Returns `[{id, attempt, answer}]` in order.
create or replace function public.settle_runs (
  p_worker_id uuid,
  p_outcomes jsonb
)
returns jsonb
language plpgsql
set search_path = ''
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_worker public.workers;
  v_answers json;
  v_settled bigint[];
  v_cancelled bigint[];
  v_released boolean;
  v_ended bigint[];
  v_opened boolean;
begin
  if jsonb_array_length(p_outcomes) = 0 then
    return '[]';
  end if;

  select worker.* into v_worker from public.workers as worker where worker.id = p_worker_id;
  -- Parents first and in one order, so that siblings that finish together are counted one after the other.
  perform nightshift.lock_tasks(nightshift.tasks_of_runs(p_outcomes));

  select
    json_agg(json_build_object('id', applied.id, 'attempt', applied.attempt, 'answer', applied.answer)),
    array_agg(applied.id) filter (where applied.answer = 'ok'),
    array_agg(applied.id) filter (where applied.answer = 'ok' and not applied.again),
    array_agg(applied.id) filter (where applied.answer = 'cancelled'),
    coalesce(bool_or(applied.answer = 'ok' and applied.outcome ->> 'type' = 'release'), false)
  into v_answers, v_settled, v_ended, v_cancelled, v_released
  from nightshift.apply_run_outcomes(v_worker, p_outcomes) as applied;

  perform nightshift.store_results(v_settled, p_outcomes);
  if v_cancelled is not null then
    -- Those that a claim held while their task was cancelled.
    update public.agent_runs as run
    set status = 'cancelled',
        completed_at = nightshift.queue_now()
    where run.id = any (v_cancelled)
      and (run.status = 'running') is true;
  end if;

  -- By itself: in `… or v_released` the planner may find that the answer is known, and leave the call out.
  v_opened := nightshift.advance_tasks(array(
    select distinct run.task_id from public.agent_runs as run where run.id = any (v_ended) order by run.task_id
  ));
  if v_opened or v_released then
    perform nightshift.wake(p_worker_id);
  end if;

  return v_answers;
end;
$$;

-- The plans of these are made once too.
alter function nightshift.apply_run_outcomes (public.workers, jsonb) set plan_cache_mode = force_generic_plan;
alter function nightshift.apply_delivery_outcomes (public.workers, jsonb) set plan_cache_mode = force_generic_plan;

-- Nothing calls these any more.
drop function nightshift.finish_runs (uuid);
drop function nightshift.end_task (uuid);
drop function nightshift.task_for_work (uuid);

revoke execute on function
  nightshift.runs_for_delivery(uuid), nightshift.task_for_delivery(uuid),
  nightshift.runs_for_work(bigint[]), nightshift.begin_runs(public.workers, uuid, bigint[]),
  nightshift.deliveries_for_work(bigint[]), nightshift.open_wave(uuid), nightshift.tell_ended(uuid[]),
  nightshift.end_tasks(uuid[]), nightshift.advance_delivered(uuid[]), nightshift.add_deliveries(uuid[]),
  nightshift.conclude_runs(uuid[]), nightshift.finish_tasks(uuid[]), nightshift.advance_tasks(uuid[])
from public, anon, authenticated;
grant execute on function
  nightshift.runs_for_delivery(uuid), nightshift.task_for_delivery(uuid),
  nightshift.runs_for_work(bigint[]), nightshift.begin_runs(public.workers, uuid, bigint[]),
  nightshift.deliveries_for_work(bigint[]), nightshift.open_wave(uuid), nightshift.tell_ended(uuid[]),
  nightshift.end_tasks(uuid[]), nightshift.advance_delivered(uuid[]), nightshift.add_deliveries(uuid[]),
  nightshift.conclude_runs(uuid[]), nightshift.finish_tasks(uuid[]), nightshift.advance_tasks(uuid[])
to service_role;
