-- Ids that submitters choose: whoever hands a task in without seeing the answer can hand it in again, and knows its id.

-- Stores a task and what it waits for. Keys of `p_task` as in the columns of `tasks`, camelCase, and `dependsOn` (ids).
-- The same id, or the same idempotency key, by the same user answers with the first task and `repeated: true`.
-- Refuses NS002 (brief, or an id that is another user's), NS003 (agents), NS004 (dependencies).
create or replace function public.submit_task (
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
  -- First: what was taken once is not judged again, such as by the agents that there are now.
  if p_task ? 'id' then
    v_task := nightshift.first_submission((p_task ->> 'id')::uuid, null);
  end if;

  if v_task.id is not null then
    v_repeated := true;
  else
    insert into public.tasks
      (id, title, description, brief, agents, profile, priority, ready_by, scheduled_for, triggered_by, idempotency_key,
       webhook_url, max_retries, timeout_seconds, metadata)
    values (
      coalesce((p_task ->> 'id')::uuid, gen_random_uuid()),
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
    on conflict do nothing
    returning * into v_task;

    if v_task.id is null then
      v_repeated := true;
      v_task := nightshift.first_submission((p_task ->> 'id')::uuid, p_task ->> 'idempotencyKey');
      if v_task.id is null then
        raise exception 'the id % is taken: choose another one', p_task ->> 'id' using errcode = 'NS002';
      end if;
    else
      insert into public.task_dependencies (task_id, depends_on_id)
      select v_task.id, wanted::uuid
      from jsonb_array_elements_text(coalesce(p_task -> 'dependsOn', '[]')) as wanted
      order by wanted;
    end if;
  end if;

  return jsonb_build_object(
    'id', v_task.id,
    'status', v_task.status,
    'folderName', v_task.folder_name,
    'repeated', v_repeated
  );
end;
$$;

-- The task that the caller handed in before under this id, else under this idempotency key; null where there is none.
-- Security definer: workers of some installations may not look into the schema `auth`. It shows callers their own tasks only.
create function nightshift.first_submission (
  p_id uuid,
  p_key text
)
returns public.tasks
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  v_task public.tasks;
begin
  select task.* into v_task
  from public.tasks as task
  where task.id = p_id
    and task.user_id is not distinct from auth.uid();

  if v_task.id is null then
    select task.* into v_task
    from public.tasks as task
    -- So written that the unique index serves it, however many tasks there are.
    where coalesce(task.user_id, v_nobody) = coalesce(auth.uid(), v_nobody)
      and task.idempotency_key = p_key;
  end if;

  return v_task;
end;
$$;

revoke execute on function nightshift.first_submission(uuid, text) from public, anon;
grant execute on function nightshift.first_submission(uuid, text) to authenticated, service_role;
grant insert (id) on public.tasks to authenticated;
