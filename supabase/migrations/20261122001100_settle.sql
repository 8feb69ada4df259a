-- Settling: what workers report. Only the current attempt can change anything; all else is answered, not done.

-- When the next try is due: full jitter over an exponentially growing span, or the provider's own delay if longer.
create function nightshift.retry_at (
  p_worker public.workers,
  p_tries integer,
  p_retry_after_ms numeric
)
returns timestamptz
language sql
set search_path = ''
as $$
  select nightshift.queue_now() + interval '1 millisecond' * greatest(
    random() * least(p_worker.retry_cap_ms, p_worker.retry_base_ms * power(2::numeric, least(p_tries - 1, 20))),
    -- A provider that asks for more than a day is not obeyed to the letter.
    least(coalesce(p_retry_after_ms, 0), 86400000)
  )::double precision
$$;

-- Applies a batch of outcomes to runs whose tasks are locked by the caller, and tells how each was taken: `ok`, `already`
-- (this attempt has been settled), `lost` (it is not the current one) or `cancelled`. A run that was taken from a silent
-- worker but not yet given to another still takes its finished work.
create function nightshift.apply_run_outcomes (
  p_worker public.workers,
  p_outcomes jsonb
)
returns table (id bigint, attempt integer, answer text, again boolean, outcome jsonb)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_ids bigint[] := array(select (told.value ->> 'id')::bigint from jsonb_array_elements(p_outcomes) as told);
begin
  return query
  with told as materialized (
    select (told.value ->> 'id')::bigint as id, (told.value ->> 'attempt')::integer as attempt,
      told.value ->> 'type' as type, told.value as outcome, told.place
    from jsonb_array_elements(p_outcomes) with ordinality as told (value, place)
  ),
  held as materialized (
    select run.id, run.attempt, run.settled_attempt, run.status, run.attempt - run.refunds < run.max_attempts as may_retry,
      (select task.status from public.tasks as task where task.id = run.task_id) as task_status
    from public.agent_runs as run
    where run.id = any (v_ids)
    order by run.id
    for no key update
  ),
  judged as materialized (
    select told.*,
      case
        when held.id is null or held.attempt <> told.attempt then 'lost'
        when held.settled_attempt = told.attempt then 'already'
        when 'cancelled' in (held.status, held.task_status) then 'cancelled'
        when held.status = 'running' or held.status = 'pending' and told.type = 'complete' then 'ok'
        else 'lost'
      end as answer,
      told.type = 'release' or told.type = 'retry' and held.may_retry as again
    from told
    left join held on held.id = told.id
  ),
  changed as (
    update public.agent_runs as run
    set status = case when judged.type = 'complete' then 'complete' when judged.again then 'pending' else 'failed' end,
        settled_attempt = judged.attempt,
        refunds = run.refunds + (judged.type = 'release')::integer,
        is_due = judged.type <> 'retry' or not judged.again,
        due_at = case when judged.again and judged.type = 'retry' then nightshift.retry_at(
          p_worker, run.attempt - run.refunds, (judged.outcome ->> 'retryAfterMs')::numeric
        ) end,
        worker_id = case when judged.again then null else run.worker_id end,
        output = coalesce(judged.outcome -> 'output', run.output),
        checks = coalesce(judged.outcome -> 'checks', run.checks),
        error = case when judged.type = 'release' then run.error else judged.outcome -> 'error' end,
        usage = coalesce(judged.outcome -> 'usage', run.usage),
        completed_at = case when not judged.again then nightshift.queue_now() end
    from judged
    where run.id = any (v_ids)
      and run.id = judged.id
      and judged.answer = 'ok'
  )
  select judged.id, judged.attempt, judged.answer, judged.again, judged.outcome
  from judged
  order by judged.place;
end;
$$;

-- Stores what settled runs leave for people: their files, and a line of progress each.
-- A file's `content` is text, or `base64` its bytes.
create function nightshift.store_results (
  p_run_ids bigint[],
  p_outcomes jsonb
)
returns void
language sql
set search_path = ''
as $$
  with ended as materialized (
    select run.id, run.task_id, run.user_id, run.agent, told.value as outcome, told.value ->> 'type' as type, run.status
    from jsonb_array_elements(p_outcomes) as told
    join public.agent_runs as run on run.id = (told.value ->> 'id')::bigint
    where run.id = any (p_run_ids)
      and told.value ->> 'type' <> 'release'
  ),
  told as (
    insert into public.task_progress (task_id, user_id, run_id, agent, step_label, percent, ai_message)
    select ended.task_id, ended.user_id, ended.id, ended.agent,
      case when ended.type = 'complete' then 'done' when ended.status = 'pending' then 'will try again' else 'failed' end,
      case when ended.type = 'complete' then 100 end,
      coalesce(ended.outcome -> 'output' ->> 'summary', ended.outcome -> 'error' ->> 'message')
    from ended
  ),
  file as materialized (
    select gen_random_uuid() as deliverable_id, ended.id as run_id, ended.task_id, ended.user_id, ended.agent, part.value as part,
      coalesce(convert_to(part.value ->> 'content', 'UTF8'), decode(part.value ->> 'base64', 'base64')) as content
    from ended
    cross join jsonb_array_elements(ended.outcome -> 'deliverables') as part
    where ended.type = 'complete'
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
  from file
$$;

-- The tasks that a batch of outcomes is about, in the one order of locks.
create function nightshift.tasks_of_runs (
  p_outcomes jsonb
)
returns uuid[]
language sql
set search_path = ''
as $$
  select array(
    select distinct run.task_id
    from public.agent_runs as run
    where run.id = any (array(
      select (outcome.value ->> 'id')::bigint from jsonb_array_elements(p_outcomes) as outcome
    ))
    order by run.task_id
  )
$$;

create function nightshift.tasks_of_deliveries (
  p_outcomes jsonb
)
returns uuid[]
language sql
set search_path = ''
as $$
  select array(
    select distinct delivery.task_id
    from public.deliveries as delivery
    where delivery.id = any (array(
      select (outcome.value ->> 'id')::bigint from jsonb_array_elements(p_outcomes) as outcome
    ))
    order by delivery.task_id
  )
$$;

-- Settles a batch of outcomes, all or nothing:
-- `[{id, attempt, type: complete|retry|fail|release, output, checks, usage, error, retryAfterMs, deliverables}]`.
-- Opens the next wave or the deliveries where the last sibling has ended. Returns `[{id, attempt, answer}]` in order.
create function public.settle_runs (
  p_worker_id uuid,
  p_outcomes jsonb
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_worker public.workers;
  v_answers jsonb;
  v_settled bigint[];
  v_cancelled bigint[];
  v_released boolean;
  v_ended bigint[];
begin
  if jsonb_array_length(p_outcomes) = 0 then
    return '[]';
  end if;

  select worker.* into v_worker from public.workers as worker where worker.id = p_worker_id;
  -- Parents first and in one order, so that siblings that finish together are counted one after the other.
  perform nightshift.lock_tasks(nightshift.tasks_of_runs(p_outcomes));

  select
    jsonb_agg(jsonb_build_object('id', applied.id, 'attempt', applied.attempt, 'answer', applied.answer)),
    array_agg(applied.id) filter (where applied.answer = 'ok'),
    array_agg(applied.id) filter (where applied.answer = 'ok' and not applied.again),
    array_agg(applied.id) filter (where applied.answer = 'cancelled'),
    coalesce(bool_or(applied.answer = 'ok' and applied.outcome ->> 'type' = 'release'), false)
  into v_answers, v_settled, v_ended, v_cancelled, v_released
  from nightshift.apply_run_outcomes(v_worker, p_outcomes) as applied;

  perform nightshift.store_results(v_settled, p_outcomes);
  -- Those that a claim held while their task was cancelled.
  update public.agent_runs as run
  set status = 'cancelled',
      completed_at = nightshift.queue_now()
  where run.id = any (v_cancelled)
    and run.status = 'running';

  if nightshift.advance_tasks(array(
    select distinct run.task_id from public.agent_runs as run where run.id = any (v_ended) order by run.task_id
  )) or v_released then
    perform nightshift.wake(p_worker_id);
  end if;

  return v_answers;
end;
$$;

-- Moves tasks on, in the one order; true when something became due.
create function nightshift.advance_tasks (
  p_task_ids uuid[]
)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_task_id uuid;
  v_opened boolean := false;
begin
  foreach v_task_id in array p_task_ids loop
    v_opened := nightshift.advance_task(v_task_id) or v_opened;
  end loop;

  return v_opened;
end;
$$;

-- Locks tasks in the one global order.
create function nightshift.lock_tasks (
  p_task_ids uuid[]
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform
  from public.tasks as task
  where task.id = any (p_task_ids)
  order by task.id
  for no key update;
end;
$$;

-- True when a run or a delivery waits and could be claimed now.
create function nightshift.anything_due ()
returns boolean
language sql
set search_path = ''
as $$
  select exists (
    select from public.agent_runs as run where run.status = 'pending' and run.is_due
  ) or exists (
    select from public.deliveries as delivery where delivery.status = 'pending' and delivery.is_due
  )
$$;

-- Applies a batch of outcomes to deliveries whose tasks are locked by the caller, and records each try; answers as above.
create function nightshift.apply_delivery_outcomes (
  p_worker public.workers,
  p_outcomes jsonb
)
returns table (id bigint, attempt integer, answer text, again boolean, outcome jsonb)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_ids bigint[] := array(select (told.value ->> 'id')::bigint from jsonb_array_elements(p_outcomes) as told);
begin
  return query
  with told as materialized (
    select (told.value ->> 'id')::bigint as id, (told.value ->> 'attempt')::integer as attempt,
      told.value ->> 'type' as type, told.value as outcome, told.place
    from jsonb_array_elements(p_outcomes) with ordinality as told (value, place)
  ),
  held as materialized (
    select delivery.*, delivery.attempt - delivery.refunds < delivery.max_attempts as may_retry
    from public.deliveries as delivery
    where delivery.id = any (v_ids)
    order by delivery.id
    for no key update
  ),
  judged as materialized (
    select told.*, held.user_id, held.claimed_at,
      case
        when held.id is null or held.attempt <> told.attempt then 'lost'
        when held.settled_attempt = told.attempt then 'already'
        when held.status = 'running' or held.status = 'pending' and told.type = 'delivered' then 'ok'
        else 'lost'
      end as answer,
      told.type = 'release' or told.type = 'retry' and held.may_retry as again
    from told
    left join held on held.id = told.id
  ),
  changed as (
    update public.deliveries as delivery
    set status = case when judged.type = 'delivered' then 'delivered' when judged.again then 'pending' else 'failed' end,
        settled_attempt = judged.attempt,
        refunds = delivery.refunds + (judged.type = 'release')::integer,
        is_due = judged.type <> 'retry' or not judged.again,
        due_at = case when judged.again and judged.type = 'retry' then nightshift.retry_at(
          p_worker, delivery.attempt - delivery.refunds, (judged.outcome ->> 'retryAfterMs')::numeric
        ) end,
        worker_id = case when judged.again then null else delivery.worker_id end,
        result = coalesce(judged.outcome -> 'result', delivery.result),
        error = case when judged.type = 'release' then delivery.error else judged.outcome -> 'error' end,
        completed_at = case when not judged.again then nightshift.queue_now() end
    from judged
    where delivery.id = any (v_ids)
      and delivery.id = judged.id
      and judged.answer = 'ok'
  ),
  tried as (
    insert into public.delivery_attempts
      (delivery_id, attempt, user_id, outcome, status_code, response, error, started_at, duration_ms)
    select judged.id, judged.attempt, judged.user_id, judged.type,
      (judged.outcome -> 'result' ->> 'statusCode')::integer, left(judged.outcome -> 'result' ->> 'response', 2000),
      judged.outcome -> 'error', judged.claimed_at,
      extract(epoch from nightshift.queue_now() - judged.claimed_at) * 1000
    from judged
    where judged.answer = 'ok'
  )
  select judged.id, judged.attempt, judged.answer, judged.again, judged.outcome
  from judged
  order by judged.place;
end;
$$;

-- Settles a batch of delivery outcomes, all or nothing:
-- `[{id, attempt, type: delivered|retry|fail|release, folderUrl, result, error, retryAfterMs}]`.
-- Opens stage 1 when stage 0 has ended, ends the task when all has. Returns `[{id, attempt, answer}]` in order.
create function public.settle_deliveries (
  p_worker_id uuid,
  p_outcomes jsonb
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_worker public.workers;
  v_tasks uuid[];
  v_answers jsonb;
  v_links jsonb;
  v_released boolean;
begin
  if jsonb_array_length(p_outcomes) = 0 then
    return '[]';
  end if;

  select worker.* into v_worker from public.workers as worker where worker.id = p_worker_id;
  v_tasks := nightshift.tasks_of_deliveries(p_outcomes);
  perform nightshift.lock_tasks(v_tasks);

  select
    jsonb_agg(jsonb_build_object('id', applied.id, 'attempt', applied.attempt, 'answer', applied.answer)),
    jsonb_object_agg(applied.id, applied.outcome -> 'folderUrl')
      filter (where applied.answer = 'ok' and applied.outcome ? 'folderUrl'),
    coalesce(bool_or(applied.answer = 'ok' and applied.outcome ->> 'type' = 'release'), false)
  into v_answers, v_links, v_released
  from nightshift.apply_delivery_outcomes(v_worker, p_outcomes) as applied;

  if v_links is not null then
    -- The link of another sink of stage 0, such as a shared drive, stands above the local folder's.
    update public.tasks as task
    set folder_url = v_links ->> delivery.id::text
    from public.deliveries as delivery
    where task.id = any (v_tasks)
      and delivery.task_id = task.id
      and v_links ? delivery.id::text
      and (task.folder_url is null or delivery.sink <> 'folder' or task.folder_url like 'file:%');
  end if;

  if nightshift.advance_tasks(v_tasks) or v_released then
    perform nightshift.wake(p_worker_id);
  end if;

  return v_answers;
end;
$$;

-- Records loop iterations: the messages each added and the line people see.
-- `[{runId, attempt, seq, messages, usage, progress: {label, percent, aiMessage}}]`; repeating one answers `already`.
-- Returns `[{id, attempt, answer}]` in order; on `lost` or `cancelled` the worker must stop before its next model call.
create function public.record_steps (
  p_steps jsonb
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_step jsonb;
  v_run public.agent_runs;
  v_answer text;
  v_answers jsonb := '[]';
begin
  for v_step in
    select step.value
    from jsonb_array_elements(p_steps) as step
    -- One order of locks for all callers.
    order by (step.value ->> 'runId')::bigint, (step.value ->> 'seq')::integer
  loop
    select run.* into v_run
    from public.agent_runs as run
    where run.id = (v_step ->> 'runId')::bigint
    for no key update;

    if v_run.id is null or v_run.attempt <> (v_step ->> 'attempt')::integer then
      v_answer := 'lost';
    elsif v_run.status = 'cancelled' or nightshift.is_cancelled(v_run.task_id) then
      v_answer := 'cancelled';
    elsif v_run.status <> 'running' then
      v_answer := 'lost';
    else
      insert into public.run_steps (run_id, attempt, seq, messages, usage)
      values (v_run.id, v_run.attempt, (v_step ->> 'seq')::integer, v_step -> 'messages', v_step -> 'usage')
      on conflict do nothing;
      v_answer := case when found then 'ok' else 'already' end;
    end if;

    if v_answer = 'ok' then
      insert into public.task_progress (task_id, user_id, run_id, agent, step_label, percent, ai_message)
      values (
        v_run.task_id, v_run.user_id, v_run.id, v_run.agent,
        v_step -> 'progress' ->> 'label',
        (v_step -> 'progress' ->> 'percent')::numeric,
        v_step -> 'progress' ->> 'aiMessage'
      );
    end if;
    v_answers := v_answers || jsonb_build_object(
      'id', v_step -> 'runId', 'attempt', v_step -> 'attempt', 'answer', v_answer
    );
  end loop;

  return v_answers;
end;
$$;

-- The worker's one round trip: claims runs and deliveries, then settles what has finished, in one transaction.
-- Claim first: storing first and then claiming deadlocks with other workers. Repeating it changes nothing further.
-- Returns `{runs, tasks, deliveries, runAnswers, deliveryAnswers, more, nextDueMs}`.
create function public.take_turn (
  p_worker_id uuid,
  p_claim_id uuid,
  p_runs_wanted integer,
  p_deliveries_wanted integer,
  p_runs jsonb,
  p_deliveries jsonb
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_claimed jsonb;
  v_deliveries jsonb;
  v_run_answers jsonb;
  v_delivery_answers jsonb;
begin
  perform nightshift.promote_delayed();
  v_claimed := public.claim_runs(p_worker_id, p_claim_id, p_runs_wanted);
  v_deliveries := public.claim_deliveries(p_worker_id, p_claim_id, p_deliveries_wanted);
  if jsonb_array_length(p_runs) > 0 and jsonb_array_length(p_deliveries) > 0 then
    perform nightshift.lock_tasks(nightshift.tasks_of_runs(p_runs) || nightshift.tasks_of_deliveries(p_deliveries));
  end if;
  v_run_answers := public.settle_runs(p_worker_id, p_runs);
  v_delivery_answers := public.settle_deliveries(p_worker_id, p_deliveries);

  return v_claimed || jsonb_build_object(
    'deliveries', v_deliveries,
    'runAnswers', v_run_answers,
    'deliveryAnswers', v_delivery_answers,
    -- Only what this turn moved can have left more: a worker that asks again in vain would never rest.
    'more', (
      p_runs_wanted > 0 and jsonb_array_length(v_claimed -> 'runs') = p_runs_wanted
      or p_deliveries_wanted > 0 and jsonb_array_length(v_deliveries) = p_deliveries_wanted
      or jsonb_array_length(p_runs) + jsonb_array_length(p_deliveries) > 0
    ) and nightshift.anything_due(),
    'nextDueMs', nightshift.next_due_ms()
  );
end;
$$;

-- Milliseconds until the next delayed run or delivery is due; null when none waits.
create function nightshift.next_due_ms ()
returns numeric
language sql
set search_path = ''
as $$
  select ceil(extract(epoch from greatest(
    interval '0',
    least(
      (
        select run.due_at from public.agent_runs as run
        where run.status = 'pending' and not run.is_due order by run.due_at limit 1
      ),
      (
        select delivery.due_at from public.deliveries as delivery
        where delivery.status = 'pending' and not delivery.is_due order by delivery.due_at limit 1
      )
    ) - nightshift.queue_now()
  )) * 1000)
  where exists (select from public.agent_runs as run where run.status = 'pending' and not run.is_due)
    or exists (select from public.deliveries as delivery where delivery.status = 'pending' and not delivery.is_due)
$$;
