-- Which builds may work on this schema: each says at its registration how far it knows the migrations.

-- One row. A build whose newest migration is older than `oldest_client` is refused (NS009).
create table nightshift.compatibility (
  is_only boolean primary key default true check (is_only),
  oldest_client text not null check (oldest_client ~ '^[0-9]{14}$')
);

alter table nightshift.compatibility enable row level security;
revoke all on nightshift.compatibility from public, anon, authenticated;
grant select on nightshift.compatibility to service_role;

insert into nightshift.compatibility (oldest_client) values ('20261122001700');

-- The newest migration that the worker's build knows. Builds of the first release do not say it: this is theirs.
alter table public.workers add column schema_version text not null default '20261122001700';

-- Refuses (NS009) a build whose newest migration is older than this schema works with. Waits for a migration that is about
-- to decide on that, and makes the next one wait until the caller's registration can be seen.
create function nightshift.admit_client (
  p_schema text
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_oldest text;
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('nightshift.compatibility', 0));
  select compatibility.oldest_client into v_oldest from nightshift.compatibility;

  if p_schema < v_oldest then
    raise exception 'it needs a build that knows the migration %, this one ends at %', v_oldest, p_schema
      using errcode = 'NS009';
  end if;
end;
$$;

-- For migrations that older builds cannot work with, as the first statement of such a file:
-- `select nightshift.require_client('<the 14 digits of the file>')`. Ends the workers of those builds, whose work is due
-- again without costing a try; none of them can register again, and so neither claim nor settle.
create function nightshift.require_client (
  p_version text
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_outdated uuid[];
begin
  -- A registration under way ends first, so that its worker is among those ended here.
  perform pg_advisory_xact_lock(hashtextextended('nightshift.compatibility', 0));

  update nightshift.compatibility as compatibility
  set oldest_client = greatest(compatibility.oldest_client, p_version)
  where compatibility.is_only;

  with ended as (
    update public.workers as worker
    set retired_at = nightshift.queue_now()
    where worker.retired_at is null
      and worker.schema_version < p_version
    returning worker.id
  )
  select coalesce(array_agg(ended.id order by ended.id), '{}') into v_outdated from ended;
  perform nightshift.recover_work(v_outdated, true);
end;
$$;

-- Dropped, since two functions of one name with a default between them are one too many for callers by name.
drop function public.register_worker (uuid, text, text, integer, jsonb, jsonb, uuid);

-- Registers one daemon boot and the sinks it can serve, `[{name, stage, targets}]`. `p_replaces` is the boot before it on
-- the same machine, known to be dead: its work is due again at once. `p_schema` is the newest migration that its build
-- knows. Repeating it changes nothing. Refuses NS009 (the schema is too new for that build).
create function public.register_worker (
  p_worker_id uuid,
  p_name text,
  p_version text,
  p_lease_seconds integer,
  p_sinks jsonb,
  p_retry jsonb,
  p_replaces uuid,
  p_schema text default null
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_schema text := coalesce(p_schema, '20261122001700');
begin
  perform nightshift.admit_client(v_schema);

  insert into public.workers (id, name, version, schema_version, lease_seconds, sinks, retry_base_ms, retry_cap_ms)
  values (
    p_worker_id, p_name, p_version, v_schema, p_lease_seconds,
    array(select sink ->> 'name' from jsonb_array_elements(p_sinks) as sink order by sink ->> 'stage', sink ->> 'name'),
    (p_retry ->> 'baseMs')::integer, (p_retry ->> 'capMs')::integer
  )
  on conflict (id) do update
  set beat_at = nightshift.queue_now(),
      retired_at = null;

  insert into public.sinks (name, stage, targets)
  select sink ->> 'name', (sink ->> 'stage')::smallint,
    case when jsonb_typeof(sink -> 'targets') = 'array' then array(
      select distinct place.target from jsonb_array_elements_text(sink -> 'targets') as place (target) order by place.target
    ) end
  from jsonb_array_elements(p_sinks) as sink
  order by 1
  on conflict (name) do update
  set stage = excluded.stage,
      targets = excluded.targets,
      enabled = true,
      updated_at = nightshift.queue_now();

  if p_replaces is not null and p_replaces <> p_worker_id then
    update public.workers as worker
    set retired_at = nightshift.queue_now()
    where worker.id = p_replaces
      and worker.retired_at is null;
    perform nightshift.recover_work(array[p_replaces], false);
  end if;
end;
$$;

-- Returns `{versions, realtime, oldestClient}`: the versions of the applied migrations in order, null where the history is
-- not kept; whether Realtime tells of changes to `tasks`; and the migration that a build must know at least.
-- Security definer: the history belongs to the owner, and workers have no right to it.
create or replace function public.schema_version ()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_versions jsonb;
begin
  -- The Supabase CLI makes the table; it is missing where the files were run in the SQL editor.
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    select coalesce(jsonb_agg(applied.version order by applied.version), '[]') into v_versions
    from supabase_migrations.schema_migrations as applied;
  end if;

  return jsonb_build_object(
    'versions', v_versions,
    'realtime', exists (
      select
      from pg_catalog.pg_publication_tables as published
      where published.pubname = 'supabase_realtime'
        and published.schemaname = 'public'
        and published.tablename = 'tasks'
    ),
    'oldestClient', (select compatibility.oldest_client from nightshift.compatibility)
  );
end;
$$;

revoke execute on function
  nightshift.admit_client(text), nightshift.require_client(text),
  public.register_worker(uuid, text, text, integer, jsonb, jsonb, uuid, text), public.schema_version()
from public, anon, authenticated;
grant execute on function
  nightshift.admit_client(text),
  public.register_worker(uuid, text, text, integer, jsonb, jsonb, uuid, text), public.schema_version()
to service_role;
