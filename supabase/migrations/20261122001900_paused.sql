-- Workers that claim nothing for now, such as one whose disk is nearly full, and say why to whoever asks how the queue stands.

-- In words for people; null while the worker claims. No index: it changes in place.
alter table public.workers add column paused text;

-- Notes why a worker claims nothing for now, or with null that it goes on. Repeating it changes nothing. Refuses NS008.
create function public.pause_worker (
  p_worker_id uuid,
  p_reason text
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.workers as worker
  set paused = left(p_reason, 500)
  where worker.id = p_worker_id
    and worker.retired_at is null;

  if not found then
    raise exception 'worker % is not registered', p_worker_id using errcode = 'NS008';
  end if;
end;
$$;

revoke execute on function public.pause_worker(uuid, text) from public, anon, authenticated;
grant execute on function public.pause_worker(uuid, text) to service_role;

-- How the queue stands: what waits and runs, tasks by status, workers of the last day (`paused`: why that one claims nothing
-- for now), the last poll.
create or replace function public.read_state ()
returns jsonb
language sql
set search_path = ''
as $$
  select jsonb_build_object(
    'now', nightshift.queue_now(),
    'runsWaiting', (
      select count(*) from public.agent_runs as run where run.status = 'pending' and run.is_due
    ),
    'runsDelayed', (
      select count(*) from public.agent_runs as run where run.status = 'pending' and not run.is_due
    ),
    'nextDueAt', (
      select min(run.due_at) from public.agent_runs as run where run.status = 'pending' and not run.is_due
    ),
    'runsRunning', (select count(*) from public.agent_runs as run where run.status = 'running'),
    'oldestWaitingSeconds', (
      select extract(epoch from nightshift.queue_now() - min(run.created_at))
      from public.agent_runs as run
      where run.status = 'pending' and run.is_due
    ),
    'tasks', (
      select coalesce(jsonb_object_agg(counted.status, counted.number), '{}')
      from (select task.status, count(*) as number from public.tasks as task group by task.status) as counted
    ),
    'workers', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'id', worker.id,
        'name', worker.name,
        'version', worker.version,
        'startedAt', worker.started_at,
        'beatAt', worker.beat_at,
        'alive', worker.retired_at is null
          and worker.beat_at > nightshift.queue_now() - make_interval(secs => worker.lease_seconds),
        'paused', worker.paused,
        'running', (
          select count(*) from public.agent_runs as run where run.worker_id = worker.id and run.status = 'running'
        )
      ) order by worker.started_at desc), '[]')
      from public.workers as worker
      where worker.beat_at > nightshift.queue_now() - interval '1 day'
    ),
    'lastPoll', (
      select jsonb_build_object(
        'startedAt', poll.started_at,
        'endedAt', poll.ended_at,
        'trigger', poll.trigger,
        'claimed', poll.claimed,
        'settled', poll.settled,
        'error', poll.error
      )
      from public.poll_runs as poll
      order by poll.started_at desc
      limit 1
    )
  )
$$;
