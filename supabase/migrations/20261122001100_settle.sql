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

-- Stores the files of a finished run; a file of the same name from a former round is replaced.
-- `content` is text, or `base64` its bytes.
create function nightshift.store_deliverables (
  p_run public.agent_runs,
  p_deliverables jsonb
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_file jsonb;
  v_content bytea;
  v_id uuid;
begin
  for v_file in
    select file.value from jsonb_array_elements(coalesce(p_deliverables, '[]')) as file
  loop
    v_content := coalesce(convert_to(v_file ->> 'content', 'UTF8'), decode(v_file ->> 'base64', 'base64'));
    insert into public.deliverables as known
      (task_id, user_id, run_id, agent, name, kind, media_type, title, output_data, bytes, sha256)
    values (
      p_run.task_id, p_run.user_id, p_run.id, p_run.agent,
      v_file ->> 'name', v_file ->> 'kind', v_file ->> 'mediaType', v_file ->> 'title',
      coalesce(v_file -> 'data', '{}'), octet_length(v_content), encode(sha256(v_content), 'hex')
    )
    on conflict (run_id, name) do update
    set kind = excluded.kind,
        media_type = excluded.media_type,
        title = excluded.title,
        status = 'ready',
        output_data = excluded.output_data,
        bytes = excluded.bytes,
        sha256 = excluded.sha256
    returning known.id into v_id;

    insert into public.deliverable_contents (deliverable_id, content)
    values (v_id, v_content)
    on conflict (deliverable_id) do update
    set content = excluded.content;
  end loop;
end;
$$;

-- Applies one outcome to a run whose task is locked by the caller. Answers ok, already, lost or cancelled.
-- A run that was taken from a silent worker but not yet given to another still takes its finished work.
create function nightshift.settle_run (
  p_worker public.workers,
  p_outcome jsonb
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_run public.agent_runs;
  v_attempt integer := (p_outcome ->> 'attempt')::integer;
  v_type text := p_outcome ->> 'type';
  v_again boolean;
  v_now timestamptz := nightshift.queue_now();
begin
  select run.* into v_run
  from public.agent_runs as run
  where run.id = (p_outcome ->> 'id')::bigint
  for no key update;

  if v_run.id is null or v_run.attempt <> v_attempt then
    return 'lost';
  elsif v_run.settled_attempt = v_attempt then
    return 'already';
  elsif v_run.status = 'cancelled' then
    return 'cancelled';
  elsif v_run.status <> 'running' and not (v_run.status = 'pending' and v_type = 'complete') then
    return 'lost';
  end if;

  v_again := v_type = 'release'
    or v_type = 'retry' and v_run.attempt - v_run.refunds < v_run.max_attempts;

  update public.agent_runs as run
  set status = case when v_type = 'complete' then 'complete' when v_again then 'pending' else 'failed' end,
      settled_attempt = v_attempt,
      refunds = run.refunds + (v_type = 'release')::integer,
      is_due = not v_again or v_type = 'release',
      due_at = case when v_again and v_type = 'retry' then nightshift.retry_at(
        p_worker, run.attempt - run.refunds, (p_outcome ->> 'retryAfterMs')::numeric
      ) end,
      worker_id = case when v_again then null else run.worker_id end,
      output = coalesce(p_outcome -> 'output', run.output),
      checks = coalesce(p_outcome -> 'checks', run.checks),
      error = case when v_type = 'release' then run.error else p_outcome -> 'error' end,
      usage = coalesce(p_outcome -> 'usage', run.usage),
      completed_at = case when not v_again then v_now end
  where run.id = v_run.id;

  if v_type = 'complete' then
    perform nightshift.store_deliverables(v_run, p_outcome -> 'deliverables');
  end if;

  if v_type <> 'release' then
    insert into public.task_progress (task_id, user_id, run_id, agent, step_label, percent, ai_message)
    values (
      v_run.task_id, v_run.user_id, v_run.id, v_run.agent,
      case when v_type = 'complete' then 'done' when v_again then 'will try again' else 'failed' end,
      case when v_type = 'complete' then 100 end,
      coalesce(p_outcome -> 'output' ->> 'summary', p_outcome -> 'error' ->> 'message')
    );
  end if;

  return 'ok';
end;
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
  v_outcome jsonb;
  v_answer text;
  v_answers jsonb := '[]';
  v_task_id uuid;
  v_tasks uuid[];
  v_opened boolean := false;
begin
  if jsonb_array_length(p_outcomes) = 0 then
    return v_answers;
  end if;

  select worker.* into v_worker from public.workers as worker where worker.id = p_worker_id;

  -- Parents first and in one order, so that siblings that finish together are counted one after the other.
  v_tasks := nightshift.tasks_of_runs(p_outcomes);
  perform nightshift.lock_tasks(v_tasks);

  for v_outcome in
    select outcome.value from jsonb_array_elements(p_outcomes) as outcome
  loop
    v_answer := nightshift.settle_run(v_worker, v_outcome);
    v_answers := v_answers || jsonb_build_object(
      'id', v_outcome -> 'id', 'attempt', v_outcome -> 'attempt', 'answer', v_answer
    );
    v_opened := v_opened or v_answer = 'ok' and v_outcome ->> 'type' = 'release';
  end loop;

  foreach v_task_id in array v_tasks loop
    v_opened := nightshift.advance_task(v_task_id) or v_opened;
  end loop;

  if v_opened then
    perform nightshift.wake(p_worker_id);
  end if;

  return v_answers;
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

-- Applies one outcome to a delivery whose task is locked by the caller, and records the try.
create function nightshift.settle_delivery (
  p_worker public.workers,
  p_outcome jsonb
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_delivery public.deliveries;
  v_attempt integer := (p_outcome ->> 'attempt')::integer;
  v_type text := p_outcome ->> 'type';
  v_again boolean;
  v_now timestamptz := nightshift.queue_now();
begin
  select delivery.* into v_delivery
  from public.deliveries as delivery
  where delivery.id = (p_outcome ->> 'id')::bigint
  for no key update;

  if v_delivery.id is null or v_delivery.attempt <> v_attempt then
    return 'lost';
  elsif v_delivery.settled_attempt = v_attempt then
    return 'already';
  elsif v_delivery.status <> 'running' and not (v_delivery.status = 'pending' and v_type = 'delivered') then
    return 'lost';
  end if;

  v_again := v_type = 'release'
    or v_type = 'retry' and v_delivery.attempt - v_delivery.refunds < v_delivery.max_attempts;

  update public.deliveries as delivery
  set status = case when v_type = 'delivered' then 'delivered' when v_again then 'pending' else 'failed' end,
      settled_attempt = v_attempt,
      refunds = delivery.refunds + (v_type = 'release')::integer,
      is_due = not v_again or v_type = 'release',
      due_at = case when v_again and v_type = 'retry' then nightshift.retry_at(
        p_worker, delivery.attempt - delivery.refunds, (p_outcome ->> 'retryAfterMs')::numeric
      ) end,
      worker_id = case when v_again then null else delivery.worker_id end,
      result = coalesce(p_outcome -> 'result', delivery.result),
      error = case when v_type = 'release' then delivery.error else p_outcome -> 'error' end,
      completed_at = case when not v_again then v_now end
  where delivery.id = v_delivery.id;

  -- The link of a later sink of stage 0, such as a shared drive, replaces the local folder's.
  update public.tasks as task
  set folder_url = p_outcome ->> 'folderUrl'
  where task.id = v_delivery.task_id
    and p_outcome ->> 'folderUrl' is not null
    and (task.folder_url is null or v_delivery.sink <> 'folder' or task.folder_url like 'file:%');

  insert into public.delivery_attempts
    (delivery_id, attempt, user_id, outcome, status_code, response, error, started_at, duration_ms)
  values (
    v_delivery.id, v_attempt, v_delivery.user_id, v_type,
    (p_outcome -> 'result' ->> 'statusCode')::integer, left(p_outcome -> 'result' ->> 'response', 2000),
    p_outcome -> 'error', v_delivery.claimed_at,
    extract(epoch from v_now - v_delivery.claimed_at) * 1000
  );

  return 'ok';
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
  v_outcome jsonb;
  v_answer text;
  v_answers jsonb := '[]';
  v_task_id uuid;
  v_tasks uuid[];
  v_opened boolean := false;
begin
  if jsonb_array_length(p_outcomes) = 0 then
    return v_answers;
  end if;

  select worker.* into v_worker from public.workers as worker where worker.id = p_worker_id;
  v_tasks := nightshift.tasks_of_deliveries(p_outcomes);
  perform nightshift.lock_tasks(v_tasks);

  for v_outcome in
    select outcome.value from jsonb_array_elements(p_outcomes) as outcome
  loop
    v_answer := nightshift.settle_delivery(v_worker, v_outcome);
    v_answers := v_answers || jsonb_build_object(
      'id', v_outcome -> 'id', 'attempt', v_outcome -> 'attempt', 'answer', v_answer
    );
    v_opened := v_opened or v_answer = 'ok' and v_outcome ->> 'type' = 'release';
  end loop;

  foreach v_task_id in array v_tasks loop
    v_opened := nightshift.advance_task(v_task_id) or v_opened;
  end loop;

  if v_opened then
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

    if v_run.status = 'cancelled' and v_run.attempt = (v_step ->> 'attempt')::integer then
      v_answer := 'cancelled';
    elsif v_run.status is distinct from 'running' or v_run.attempt <> (v_step ->> 'attempt')::integer then
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
