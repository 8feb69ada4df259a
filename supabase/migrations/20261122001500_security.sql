-- Who may do what. Users see their own rows and hand in tasks; workers act as `service_role`; `anon` may nothing.
alter table public.profiles enable row level security;
alter table public.agents enable row level security;
alter table public.tasks enable row level security;
alter table public.task_dependencies enable row level security;
alter table public.agent_runs enable row level security;
alter table public.run_steps enable row level security;
alter table public.task_progress enable row level security;
alter table public.deliverables enable row level security;
alter table public.deliverable_contents enable row level security;
alter table public.sinks enable row level security;
alter table public.deliveries enable row level security;
alter table public.delivery_attempts enable row level security;
alter table public.workers enable row level security;
alter table public.poll_runs enable row level security;

create policy own_profile on public.profiles for select to authenticated
  using (user_id = (select auth.uid()));
create policy all_agents on public.agents for select to authenticated
  using (true);
create policy own_tasks on public.tasks for select to authenticated
  using (user_id = (select auth.uid()));
create policy submit_own_tasks on public.tasks for insert to authenticated
  with check (user_id = (select auth.uid()));
create policy own_dependencies on public.task_dependencies for select to authenticated
  using (exists (
    select from public.tasks as task
    where task.id = task_dependencies.task_id and task.user_id = (select auth.uid())
  ));
create policy add_own_dependencies on public.task_dependencies for insert to authenticated
  with check (
    exists (
      select from public.tasks as task
      where task.id = task_dependencies.task_id and task.user_id = (select auth.uid())
    )
    and exists (
      select from public.tasks as task
      where task.id = task_dependencies.depends_on_id and task.user_id = (select auth.uid())
    )
  );
create policy own_runs on public.agent_runs for select to authenticated
  using (user_id = (select auth.uid()));
create policy own_steps on public.run_steps for select to authenticated
  using (exists (
    select from public.agent_runs as run
    where run.id = run_steps.run_id and run.user_id = (select auth.uid())
  ));
create policy own_progress on public.task_progress for select to authenticated
  using (user_id = (select auth.uid()));
create policy own_deliverables on public.deliverables for select to authenticated
  using (user_id = (select auth.uid()));
create policy own_contents on public.deliverable_contents for select to authenticated
  using (exists (
    select from public.deliverables as deliverable
    where deliverable.id = deliverable_contents.deliverable_id and deliverable.user_id = (select auth.uid())
  ));
create policy own_deliveries on public.deliveries for select to authenticated
  using (user_id = (select auth.uid()));
create policy own_delivery_attempts on public.delivery_attempts for select to authenticated
  using (user_id = (select auth.uid()));

revoke all on all tables in schema public from anon, authenticated;
revoke execute on all functions in schema public, nightshift from public, anon, authenticated;
alter default privileges in schema public revoke execute on functions from public;
alter default privileges in schema nightshift revoke execute on functions from public;

grant select on
  public.profiles, public.agents, public.tasks, public.task_dependencies, public.agent_runs, public.run_steps,
  public.task_progress, public.deliverables, public.deliverable_contents, public.deliveries, public.delivery_attempts
to authenticated;
-- A user's insert names the brief and its wishes; states, outcomes and names are ours.
grant insert (
  user_id, title, description, brief, agents, profile, priority, ready_by, scheduled_for, triggered_by, idempotency_key,
  webhook_url, max_retries, timeout_seconds, metadata
) on public.tasks to authenticated;
grant insert on public.task_dependencies to authenticated;
grant execute on function
  nightshift.queue_now(), nightshift.task_summary(public.tasks), nightshift.runs_of(uuid), nightshift.deliveries_of(uuid),
  nightshift.deliverables_of(uuid), nightshift.brief_for_people(jsonb), public.submit_task(jsonb), public.cancel_task(uuid), public.retry_task(uuid),
  public.list_tasks(text, integer, timestamptz), public.find_tasks(text), public.read_task(uuid),
  public.read_progress(uuid, bigint), public.read_deliverable(uuid)
to authenticated;

grant usage on schema public, nightshift to service_role;
grant select, insert, update, delete on all tables in schema public to service_role;
grant execute on all functions in schema public, nightshift to service_role;

-- Live progress for browsers, where Supabase's Realtime is there to carry it.
do $$
begin
  if exists (select from pg_catalog.pg_publication as publication where publication.pubname = 'supabase_realtime') then
    alter publication supabase_realtime add table public.tasks, public.task_progress;
  end if;
end;
$$;
