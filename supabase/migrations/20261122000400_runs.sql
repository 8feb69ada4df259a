-- Runs: one agent's work on one task; their transcript; and the progress that people see.
create table public.agent_runs (
  id bigint generated always as identity primary key,
  task_id uuid not null references public.tasks (id) on delete cascade,
  -- The task's user, kept here so that row security and fairness need no join.
  user_id uuid,
  agent text not null,
  wave smallint not null,
  required boolean not null default false,
  status text not null
    check (status in ('blocked', 'pending', 'running', 'complete', 'failed', 'cancelled', 'skipped')),
  priority smallint not null,
  -- False while the run waits for `due_at` (a backoff or a scheduled start).
  is_due boolean not null default true,
  due_at timestamptz,
  -- Virtual time: the place in the line among runs of one priority.
  fair_at timestamptz not null,
  -- Counted at claim and only ever grows: with the id it is the fencing token.
  attempt integer not null default 0,
  -- The last attempt whose outcome was settled by its own worker.
  settled_attempt integer not null default 0,
  -- Attempts handed back: they do not count against the cap.
  refunds integer not null default 0,
  max_attempts integer not null,
  -- Steps of this attempt and of earlier ones are not resumed from.
  fresh_after integer not null default 0,
  timeout_seconds integer not null,
  worker_id uuid,
  claim_id uuid,
  claimed_at timestamptz,
  deadline_at timestamptz,
  output jsonb,
  checks jsonb,
  error jsonb,
  usage jsonb,
  created_at timestamptz not null default nightshift.queue_now(),
  started_at timestamptz,
  completed_at timestamptz,
  unique (task_id, agent)
)
with (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_insert_scale_factor = 0.1,
  autovacuum_analyze_scale_factor = 0.05
);

-- The claim walks exactly this order.
create index agent_runs_due on public.agent_runs (priority desc, fair_at, id)
  where status = 'pending' and is_due;
create index agent_runs_delayed on public.agent_runs (due_at)
  where status = 'pending' and not is_due;
-- Where a user's line ends; runs without a user share the machine owner's line.
create index agent_runs_line on public.agent_runs
  (coalesce(user_id, '00000000-0000-0000-0000-000000000000'), priority, fair_at)
  where status = 'pending' and is_due;
create index agent_runs_held on public.agent_runs (worker_id) where status = 'running';
create index agent_runs_held_by_user on public.agent_runs (user_id)
  where status = 'running' and user_id is not null;

-- The append-only transcript: what each loop iteration added to the conversation. `seq` counts over all attempts.
create table public.run_steps (
  run_id bigint not null references public.agent_runs (id) on delete cascade,
  attempt integer not null,
  seq integer not null check (seq > 0),
  messages jsonb not null,
  usage jsonb not null,
  created_at timestamptz not null default nightshift.queue_now(),
  primary key (run_id, attempt, seq)
);

-- The append-only progress that people watch.
create table public.task_progress (
  id bigint generated always as identity primary key,
  task_id uuid not null references public.tasks (id) on delete cascade,
  user_id uuid,
  run_id bigint references public.agent_runs (id) on delete cascade,
  agent text,
  step_label text not null check (step_label <> ''),
  percent smallint check (percent between 0 and 100),
  ai_message text,
  is_final boolean not null default false,
  created_at timestamptz not null default nightshift.queue_now()
);

create index task_progress_by_task on public.task_progress (task_id, id);
create index task_progress_by_run on public.task_progress (run_id);
alter table public.task_progress replica identity full;
