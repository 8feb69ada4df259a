-- What follows when a backup has been put into an empty database: the machine that it is from may live on, so nobody is
-- told anything twice, and what was at work there goes on here.

-- Backups that this database was made of.
create table nightshift.restores (
  backup_id uuid primary key,
  taken_at timestamptz not null,
  restored_at timestamptz not null default nightshift.queue_now(),
  -- What `finish_restore` answered.
  summary jsonb not null
);

alter table nightshift.restores enable row level security;
revoke all on nightshift.restores from public, anon, authenticated;

-- Hands back what was at work when the backup was made: none of those workers is here. Costs no try; runs of cancelled
-- tasks end. Returns how many runs and deliveries are due again.
create function nightshift.hand_back_restored (
  out runs integer,
  out deliveries integer
)
language plpgsql
set search_path = ''
as $$
begin
  update public.agent_runs as run
  set status = 'cancelled',
      completed_at = nightshift.queue_now()
  where run.status = 'running'
    and nightshift.is_cancelled(run.task_id);

  update public.agent_runs as run
  set status = 'pending',
      is_due = true,
      due_at = null,
      worker_id = null,
      claim_id = null,
      refunds = run.refunds + 1
  where run.status = 'running';
  get diagnostics runs = row_count;

  update public.deliveries as delivery
  set status = 'pending',
      is_due = true,
      due_at = null,
      worker_id = null,
      claim_id = null,
      refunds = delivery.refunds + 1
  where delivery.status = 'running'
    and delivery.stage = 0;
  get diagnostics deliveries = row_count;
end;
$$;

-- Skips every notification that has not ended: the machine of the backup may have sent it since. Returns how many.
create function nightshift.silence_restored ()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_silenced integer;
begin
  update public.deliveries as delivery
  set status = 'skipped',
      settled_attempt = delivery.attempt,
      is_due = true,
      due_at = null,
      worker_id = null,
      claim_id = null,
      completed_at = nightshift.queue_now(),
      error = jsonb_build_object('code', 'restored', 'retriable', false, 'message', 'Restored from a backup: not sent again')
  where delivery.stage = 1
    and delivery.status in ('blocked', 'pending', 'running');
  get diagnostics v_silenced = row_count;

  return v_silenced;
end;
$$;

-- Says where the local folder of a task is on this machine, once its files have been written there.
create function nightshift.move_folder (
  p_task_id uuid,
  p_folder_url text,
  p_result jsonb
)
returns void
language sql
set search_path = ''
as $$
  update public.deliveries as delivery
  set result = p_result
  where delivery.task_id = p_task_id
    and delivery.sink = 'folder';

  -- The link of a shared drive stands above the local folder's.
  update public.tasks as task
  set folder_url = p_folder_url
  where task.id = p_task_id
    and task.folder_url like 'file:%';
$$;

-- The last step of a restore, in its transaction. `p_backup` is `{id, takenAt}`; `p_outputs` is `{from, to}`, file URLs of
-- the results folder there and here, where the files came with the backup, else null. Work goes on without a lost try,
-- open notifications are skipped, sinks wait until a worker here offers them. Returns `{runs, deliveries, notifications}`.
create function nightshift.finish_restore (
  p_backup jsonb,
  p_outputs jsonb
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_work record;
  v_notifications integer;
  v_summary jsonb;
begin
  select handed.* into v_work from nightshift.hand_back_restored() as handed;
  v_notifications := nightshift.silence_restored();

  if jsonb_typeof(p_outputs) = 'object' then
    update public.tasks as task
    set folder_url = (p_outputs ->> 'to') || substr(task.folder_url, length(p_outputs ->> 'from') + 1)
    where starts_with(task.folder_url, p_outputs ->> 'from');
  end if;

  -- This machine may lack what that one had keys for; registering switches on what there is.
  update public.sinks as sink
  set enabled = false,
      updated_at = nightshift.queue_now();
  -- Tasks of which only the news were open have ended.
  perform nightshift.advance_tasks(array(
    select task.id from public.tasks as task where task.status = 'delivering' order by task.id
  ));

  v_summary := jsonb_build_object(
    'runs', v_work.runs, 'deliveries', v_work.deliveries, 'notifications', v_notifications
  );
  insert into nightshift.restores (backup_id, taken_at, summary)
  values ((p_backup ->> 'id')::uuid, (p_backup ->> 'takenAt')::timestamptz, v_summary);

  return v_summary;
end;
$$;

-- Gives the failed deliveries of an ended task a new round of tries, but for news from before a restore, which may have
-- been sent. False where none has failed.
create or replace function nightshift.reopen_deliveries (
  p_task_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  update public.deliveries as delivery
  set status = case when delivery.stage = 0 then 'pending' else 'blocked' end,
      is_due = true,
      due_at = null,
      refunds = delivery.attempt,
      error = null,
      completed_at = null
  where delivery.task_id = p_task_id
    and delivery.status in ('failed', 'skipped')
    and delivery.error ->> 'code' is distinct from 'restored';
  if not found then
    return false;
  end if;

  update public.tasks as task
  set status = 'delivering',
      error = null,
      completed_at = null
  where task.id = p_task_id;
  -- With stage 0 untouched, stage 1 opens at once.
  perform nightshift.advance_deliveries(p_task_id);

  return true;
end;
$$;

revoke execute on function nightshift.reopen_deliveries(uuid) from public, anon, authenticated;
-- The owner's alone, who restores.
revoke execute on function
  nightshift.hand_back_restored(), nightshift.silence_restored(), nightshift.move_folder(uuid, text, jsonb),
  nightshift.finish_restore(jsonb, jsonb)
from public, anon, authenticated, service_role;
