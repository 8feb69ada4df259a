-- Tasks, one row per brief, and what they wait for.
create table public.tasks (
  id uuid primary key default gen_random_uuid(),
  -- Null is the owner of the machine.
  user_id uuid default auth.uid() references auth.users (id) on delete cascade,
  title text not null,
  description text not null,
  -- The rest of the brief; its keys are checked on entry, its depth by the worker.
  brief jsonb not null default '{}',
  -- Null on insert is every enabled agent.
  agents text[] not null,
  profile text not null default 'parallel' check (profile in ('parallel', 'waves')),
  status text not null default 'pending'
    check (status in ('pending', 'running', 'delivering', 'complete', 'partial', 'failed', 'cancelled')),
  priority smallint not null default 5 check (priority in (1, 5, 10, 20)),
  ready_by timestamptz,
  scheduled_for timestamptz,
  -- Workflows and schedules bring their tables, and these their foreign keys.
  workflow_id uuid,
  phase_id text,
  schedule_id uuid,
  triggered_by text not null default 'user'
    check (triggered_by in ('user', 'scheduler', 'api', 'mcp', 'telegram')),
  idempotency_key text check (length(idempotency_key) between 1 and 200),
  webhook_url text check (length(webhook_url) <= 2000),
  -- Further tries of a run after its first.
  max_retries smallint not null default 3 check (max_retries between 0 and 20),
  -- Seconds that one attempt at a run may take; null is the agent's own limit.
  timeout_seconds integer check (timeout_seconds between 1 and 86400),
  -- What the task will be called once its deliveries have ended.
  outcome text check (outcome in ('complete', 'partial', 'failed')),
  result jsonb,
  error text,
  failed_agents text[] not null default '{}',
  -- `task-YYYY-MM-DD-<slug>-<4 chars>`: the name of the folder wherever the results are published.
  folder_name text not null,
  folder_url text,
  metadata jsonb not null default '{}',
  created_at timestamptz not null default nightshift.queue_now(),
  started_at timestamptz,
  completed_at timestamptz
);

create unique index tasks_folder_name on public.tasks (folder_name);
create unique index tasks_idempotency on public.tasks
  (coalesce(user_id, '00000000-0000-0000-0000-000000000000'), idempotency_key)
  where idempotency_key is not null;
create index tasks_by_user on public.tasks (user_id, created_at desc);
create index tasks_by_status on public.tasks (status, created_at desc);
create index tasks_by_age on public.tasks (created_at desc);
create index tasks_by_workflow on public.tasks (workflow_id) where workflow_id is not null;
-- What the reconciler walks: tasks that are at work.
create index tasks_at_work on public.tasks (id) where status in ('running', 'delivering');

create table public.task_dependencies (
  task_id uuid not null references public.tasks (id) on delete cascade,
  depends_on_id uuid not null references public.tasks (id) on delete cascade,
  primary key (task_id, depends_on_id),
  check (task_id <> depends_on_id)
);

create index task_dependencies_dependents on public.task_dependencies (depends_on_id);

-- Changes to a task reach Realtime subscribers whole.
alter table public.tasks replica identity full;
