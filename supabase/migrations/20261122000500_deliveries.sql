-- What agents hand over, and its way to people.
create table public.deliverables (
  id uuid primary key default gen_random_uuid(),
  task_id uuid not null references public.tasks (id) on delete cascade,
  user_id uuid,
  run_id bigint not null references public.agent_runs (id) on delete cascade,
  agent text not null,
  -- The file's name within the agent's folder; `path` is that name within the task's folder.
  name text not null,
  path text not null generated always as (agent || '/' || name) stored,
  kind text not null,
  media_type text not null,
  title text not null,
  status text not null default 'ready' check (status in ('ready', 'superseded')),
  -- The structured data behind the file.
  output_data jsonb not null default '{}' check (jsonb_typeof(output_data) = 'object'),
  bytes integer not null,
  sha256 text not null,
  created_at timestamptz not null default nightshift.queue_now(),
  unique (run_id, name)
);

create index deliverables_by_task on public.deliverables (task_id);

-- The bytes, apart, so that the rows above stay narrow.
create table public.deliverable_contents (
  deliverable_id uuid primary key references public.deliverables (id) on delete cascade,
  content bytea not null
);

-- Where deliveries go: each worker registers its sinks. Stage 0 publishes, stage 1 notifies.
create table public.sinks (
  name text primary key,
  stage smallint not null check (stage in (0, 1)),
  -- Places within the sink, such as chats: a task gets a delivery for each, so that each is tried, recorded and given up
  -- by itself. Null where the sink has one place only.
  targets text[],
  enabled boolean not null default true,
  updated_at timestamptz not null default nightshift.queue_now()
);

create table public.deliveries (
  id bigint generated always as identity primary key,
  task_id uuid not null references public.tasks (id) on delete cascade,
  user_id uuid,
  sink text not null,
  stage smallint not null check (stage in (0, 1)),
  -- Who or where within the sink, such as an address; null where the sink has one place only.
  target text,
  status text not null
    check (status in ('blocked', 'pending', 'running', 'delivered', 'failed', 'skipped')),
  priority smallint not null,
  is_due boolean not null default true,
  due_at timestamptz,
  attempt integer not null default 0,
  settled_attempt integer not null default 0,
  refunds integer not null default 0,
  max_attempts integer not null default 10,
  timeout_seconds integer not null default 600,
  worker_id uuid,
  claim_id uuid,
  claimed_at timestamptz,
  deadline_at timestamptz,
  -- Ids and links that make a repeat harmless.
  result jsonb,
  error jsonb,
  created_at timestamptz not null default nightshift.queue_now(),
  completed_at timestamptz
)
with (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_analyze_scale_factor = 0.05
);

create unique index deliveries_once on public.deliveries (task_id, sink, coalesce(target, ''));
create index deliveries_due on public.deliveries (sink, priority desc, id)
  where status = 'pending' and is_due;
create index deliveries_delayed on public.deliveries (due_at)
  where status = 'pending' and not is_due;
create index deliveries_held on public.deliveries (worker_id) where status = 'running';

-- Every try at a delivery.
create table public.delivery_attempts (
  delivery_id bigint not null references public.deliveries (id) on delete cascade,
  attempt integer not null,
  user_id uuid,
  outcome text not null,
  status_code integer,
  response text,
  error jsonb,
  started_at timestamptz,
  ended_at timestamptz not null default nightshift.queue_now(),
  duration_ms integer,
  primary key (delivery_id, attempt)
);

-- The current deliverables of a task, without their bytes, in the order of the agents.
create function nightshift.deliverables_of (
  p_task_id uuid
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', deliverable.id,
    'runId', deliverable.run_id,
    'agent', deliverable.agent,
    'name', deliverable.name,
    'kind', deliverable.kind,
    'mediaType', deliverable.media_type,
    'title', deliverable.title,
    'status', deliverable.status,
    'bytes', deliverable.bytes,
    'sha256', deliverable.sha256
  ) order by deliverable.run_id, deliverable.name), '[]')
  from public.deliverables as deliverable
  where deliverable.task_id = p_task_id
    and deliverable.status = 'ready'
$$;
