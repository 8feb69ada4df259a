-- Workers: one row per daemon boot, narrow and updated in place; and one row per poll cycle.
create table public.workers (
  id uuid primary key,
  name text not null,
  version text not null,
  lease_seconds integer not null check (lease_seconds between 1 and 3600),
  sinks text[] not null default '{}',
  retry_base_ms integer not null default 5000,
  retry_cap_ms integer not null default 600000,
  -- True once the worker has held its session lock: from then on a free lock means a dead process.
  holds_lock boolean not null default false,
  started_at timestamptz not null default nightshift.queue_now(),
  beat_at timestamptz not null default nightshift.queue_now(),
  retired_at timestamptz
)
-- Beats touch no index and find room on their page.
with (fillfactor = 50);

create table public.poll_runs (
  id bigint generated always as identity primary key,
  worker_id uuid not null,
  trigger text not null check (trigger in ('start', 'schedule', 'once')),
  claimed integer not null default 0,
  settled integer not null default 0,
  error text,
  started_at timestamptz not null,
  ended_at timestamptz not null default nightshift.queue_now()
);

create index poll_runs_by_age on public.poll_runs (started_at desc);

-- The key of the session lock that tells whether a worker's process is alive.
create function nightshift.worker_lock (
  p_worker_id uuid
)
returns bigint
language sql
immutable
set search_path = ''
as $$
  select hashtextextended(p_worker_id::text, 20261122)
$$;

-- Tells the workers' sessions that something became due. `p_by` is the worker that caused it and needs no telling;
-- nothing is sent when no other worker is there. Only ever a hint: polling finds the same.
create function nightshift.wake (
  p_by uuid default null
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select
    from public.workers as worker
    where worker.retired_at is null
      and worker.id is distinct from p_by
      and worker.beat_at > nightshift.queue_now() - make_interval(secs => worker.lease_seconds)
  ) then
    perform pg_notify('nightshift', json_build_object('type', 'due', 'by', p_by)::text);
  end if;
end;
$$;
