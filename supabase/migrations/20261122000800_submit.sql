-- Handing in tasks: any insert into `tasks` is a full submission, checked and expanded in its own transaction.

-- Refuses (NS002) a brief whose keys or their kinds are not those of a brief; the message names the key.
create function nightshift.check_brief (
  p_brief jsonb
)
returns void
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_kinds constant jsonb := '{
    "objective": "string", "client": "object", "offer": "object", "audience_hint": "string", "competitors": "array",
    "markets": "array", "budget": "object", "channels": "array", "dates": "object", "attachments": "array",
    "limits": "object"}';
  v_key text;
  v_value jsonb;
begin
  if jsonb_typeof(p_brief) <> 'object' then
    raise exception 'the brief must be a JSON object, not %', jsonb_typeof(p_brief)
      using errcode = 'NS002';
  end if;

  for v_key, v_value in
    select entry.key, entry.value
    from jsonb_each(p_brief) as entry
  loop
    if not v_kinds ? v_key then
      raise exception 'the brief has an unknown key "%"; the keys are %', v_key,
        (select string_agg(known, ', ' order by known) from jsonb_object_keys(v_kinds) as known)
        using errcode = 'NS002';
    end if;

    if jsonb_typeof(v_value) <> v_kinds ->> v_key then
      raise exception 'the brief''s "%" must be of kind %, not %', v_key, v_kinds ->> v_key, jsonb_typeof(v_value)
        using errcode = 'NS002';
    end if;
  end loop;

  -- A claim carries the brief to the worker: past this size files belong elsewhere.
  if octet_length(p_brief::text) > 12000000 then
    raise exception 'the brief with its attachments is % bytes; at most 12000000 are taken', octet_length(p_brief::text)
      using errcode = 'NS002';
  end if;
end;
$$;

create sequence nightshift.folder_numbers;

-- The name of a task's folder: free of anything but `a-z0-9-`. The last four characters count tasks in base 36, shuffled,
-- so that no two of 1,679,616 tasks in a row have the same, without looking or locking.
create function nightshift.folder_name (
  p_title text,
  p_created_at timestamptz
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_digits constant text := '0123456789abcdefghijklmnopqrstuvwxyz';
  v_words text := trim(both '-' from regexp_replace(lower(p_title), '[^a-z0-9]+', '-', 'g'));
  -- Whole words up to 40 characters; one longer word is cut.
  v_slug text := case when length(v_words) <= 40 then v_words else regexp_replace(left(v_words, 41), '(.)-[^-]*$', '\1') end;
  -- The factor shares no divisor with 36^4, so each number has a place of its own.
  v_number bigint := nextval('nightshift.folder_numbers') * 739397 % 1679616;
begin
  return format(
    'task-%s-%s-%s%s%s%s',
    to_char(p_created_at, 'YYYY-MM-DD'),
    coalesce(nullif(left(v_slug, 40), ''), 'brief'),
    substr(v_digits, (v_number / 46656)::integer + 1, 1),
    substr(v_digits, (v_number / 1296 % 36)::integer + 1, 1),
    substr(v_digits, (v_number / 36 % 36)::integer + 1, 1),
    substr(v_digits, (v_number % 36)::integer + 1, 1)
  );
end;
$$;

-- Before a task is stored: checks the brief and the agents, and fills in what the submitter left out.
-- Security definer: users may insert tasks, but not read the registry of agents or other users' folder names.
create function nightshift.prepare_task ()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_unknown text;
  v_known text[] := array(
    select agent.name from public.agents as agent where agent.enabled order by agent.wave, agent.name
  );
begin
  -- A bare title is its own description, so that the shortest insert works; an empty text is a mistake.
  new.description := coalesce(new.description, new.title);
  new.title := btrim(new.title, E' \t\r\n');
  if coalesce(new.title, '') = '' then
    raise exception 'the title must not be empty' using errcode = 'NS002';
  end if;
  if length(new.title) > 300 then
    raise exception 'the title is % characters; at most 300 are taken', length(new.title) using errcode = 'NS002';
  end if;
  if btrim(new.description, E' \t\r\n') = '' then
    raise exception 'the description must not be empty: say what the work is for' using errcode = 'NS002';
  end if;
  if length(new.description) > 100000 then
    raise exception 'the description is % characters; at most 100000 are taken: attach the rest as a file', length(new.description)
      using errcode = 'NS002';
  end if;
  perform nightshift.check_brief(new.brief);

  new.agents := coalesce(nullif(new.agents, '{}'), v_known);
  select string_agg(wanted, ', ') into v_unknown
  from unnest(new.agents) as wanted
  where wanted <> all (v_known);

  if v_unknown is not null or cardinality(new.agents) = 0 then
    raise exception 'there is no agent named %; the agents are %', coalesce(v_unknown, 'at all'), array_to_string(v_known, ', ')
      using errcode = 'NS003';
  end if;

  new.agents := array(
    select agent.name from public.agents as agent where agent.name = any (new.agents) order by agent.wave, agent.name
  );
  new.status := 'pending';
  new.folder_name := nightshift.folder_name(new.title, new.created_at);

  return new;
end;
$$;

create trigger prepare_task
before insert on public.tasks
for each row
execute function nightshift.prepare_task ();

-- After tasks are stored: one run per agent, in the line or blocked behind earlier waves.
-- Security definer: users may insert tasks, but runs come only from here.
create function nightshift.expand_tasks ()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.agent_runs
    (task_id, user_id, agent, wave, required, status, priority, is_due, due_at, fair_at, max_attempts, timeout_seconds)
  with part as (
    select
      task.id as task_id,
      task.user_id,
      task.priority,
      task.max_retries,
      agent.name as agent,
      agent.required,
      case when task.profile = 'waves' then agent.wave else 1 end as wave,
      case when task.profile = 'waves' then min(agent.wave) over (partition by task.id) else 1 end as first_wave,
      case when task.scheduled_for > nightshift.queue_now() then task.scheduled_for end as due_at,
      coalesce(task.timeout_seconds, agent.timeout_seconds) as timeout_seconds,
      row_number() over (
        partition by task.user_id, task.priority
        order by task.created_at, task.id, agent.wave, agent.name
      ) as place
    from fresh as task
    join public.agents as agent on agent.name = any (task.agents)
  ),
  line as materialized (
    select
      own.user_id,
      own.priority,
      nightshift.line_end(own.user_id, own.priority) as line_end,
      nightshift.line_step(own.user_id) as line_step
    from (select distinct part.user_id, part.priority from part) as own
  )
  select
    part.task_id,
    part.user_id,
    part.agent,
    part.wave,
    part.required,
    case when part.wave = part.first_wave then 'pending' else 'blocked' end,
    part.priority,
    part.due_at is null,
    part.due_at,
    line.line_end + part.place * line.line_step,
    part.max_retries + 1,
    part.timeout_seconds
  from part
  join line on line.user_id is not distinct from part.user_id and line.priority = part.priority
  order by part.place;

  if found then
    perform nightshift.wake();
  end if;

  return null;
end;
$$;

create trigger expand_tasks
after insert on public.tasks
referencing new table as fresh
for each statement
execute function nightshift.expand_tasks ();

-- Before a dependency is stored: refuses (NS004) what would wait for itself or comes too late, and blocks the task.
-- Security definer: users may add dependencies among their own tasks, but touch no runs.
create function nightshift.add_dependency ()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_status text;
  v_path text;
begin
  -- One graph, one writer at a time: two halves of a circle must see each other.
  perform pg_advisory_xact_lock(hashtextextended('nightshift.task_dependencies', 0));

  with recursive upstream (id, path) as (
    select new.depends_on_id, new.task_id::text || ' → ' || new.depends_on_id::text
    union all
    select next.depends_on_id, upstream.path || ' → ' || next.depends_on_id::text
    from upstream
    join public.task_dependencies as next on next.task_id = upstream.id
    where upstream.id <> new.task_id
  )
  cycle id set is_cycle using visited
  select upstream.path into v_path from upstream where upstream.id = new.task_id limit 1;
  if v_path is not null then
    raise exception 'the dependencies form a circle: %', v_path using errcode = 'NS004';
  end if;

  select task.status into v_status from public.tasks as task where task.id = new.task_id for no key update;
  if v_status <> 'pending' then
    raise exception 'task % is already %: dependencies come before the start', new.task_id, v_status using errcode = 'NS004';
  end if;

  select task.status into v_status from public.tasks as task where task.id = new.depends_on_id for share;
  if v_status is null or v_status in ('cancelled', 'failed') then
    raise exception 'task % cannot be waited for: it is %', new.depends_on_id, coalesce(v_status, 'unknown')
      using errcode = 'NS004', hint = 'retry it first';
  end if;

  if v_status not in ('complete', 'partial') then
    update public.agent_runs as run
    set status = 'blocked'
    where run.task_id = new.task_id
      and run.status = 'pending';
  end if;

  return new;
end;
$$;

create trigger add_dependency
before insert on public.task_dependencies
for each row
execute function nightshift.add_dependency ();

-- Stores a task and what it waits for. Keys of `p_task` as in the columns of `tasks`, camelCase, and `dependsOn` (ids).
-- The same idempotency key by the same user answers with the first task and `repeated: true`.
-- Refuses NS002 (brief), NS003 (agents), NS004 (dependencies).
create function public.submit_task (
  p_task jsonb
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_task public.tasks;
  v_repeated boolean := false;
begin
  insert into public.tasks
    (title, description, brief, agents, profile, priority, ready_by, scheduled_for, triggered_by, idempotency_key,
     webhook_url, max_retries, timeout_seconds, metadata)
  values (
    p_task ->> 'title',
    coalesce(p_task ->> 'description', ''),
    coalesce(p_task -> 'brief', '{}'),
    array(select jsonb_array_elements_text(coalesce(p_task -> 'agents', '[]'))),
    coalesce(p_task ->> 'profile', 'parallel'),
    coalesce((p_task ->> 'priority')::smallint, 5),
    (p_task ->> 'readyBy')::timestamptz,
    (p_task ->> 'scheduledFor')::timestamptz,
    coalesce(p_task ->> 'triggeredBy', 'user'),
    p_task ->> 'idempotencyKey',
    p_task ->> 'webhookUrl',
    coalesce((p_task ->> 'maxRetries')::smallint, 3),
    (p_task ->> 'timeoutSeconds')::integer,
    coalesce(p_task -> 'metadata', '{}')
  )
  on conflict (coalesce(user_id, '00000000-0000-0000-0000-000000000000'), idempotency_key)
    where idempotency_key is not null
    do nothing
  returning * into v_task;

  if v_task.id is null then
    v_repeated := true;
    select task.* into v_task
    from public.tasks as task
    where task.idempotency_key = p_task ->> 'idempotencyKey'
      and task.user_id is not distinct from auth.uid();
  else
    insert into public.task_dependencies (task_id, depends_on_id)
    select v_task.id, wanted::uuid
    from jsonb_array_elements_text(coalesce(p_task -> 'dependsOn', '[]')) as wanted
    order by wanted;
  end if;

  return jsonb_build_object(
    'id', v_task.id,
    'status', v_task.status,
    'folderName', v_task.folder_name,
    'repeated', v_repeated
  );
end;
$$;
