-- How far a database is migrated, for workers that reach it over HTTP only.

-- Returns `{versions, realtime}`: the versions of the applied migrations in order, null where the history is not kept;
-- and whether Realtime tells of changes to `tasks`.
-- Security definer: the history belongs to the owner, and workers have no right to it.
create function public.schema_version ()
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
    )
  );
end;
$$;

revoke execute on function public.schema_version() from public, anon, authenticated;
grant execute on function public.schema_version() to service_role;
