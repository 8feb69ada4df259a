-- What Supabase has and plain PostgreSQL lacks, so that the same migrations run on both. It only ever adds what
-- is missing: on Supabase, and on the second start, it changes nothing.

do $$
declare
  v_role text;
begin
  foreach v_role in array array['anon', 'authenticated', 'service_role'] loop
    continue when exists (select from pg_catalog.pg_roles where rolname = v_role);

    execute pg_catalog.format(
      'create role %I nologin noinherit %s',
      v_role,
      case v_role when 'service_role' then 'bypassrls' else '' end
    );
  end loop;
end;
$$;

do $$
begin
  if pg_catalog.to_regnamespace('auth') is null then
    create schema auth;
  end if;

  if pg_catalog.to_regclass('auth.users') is null then
    create table auth.users (
      id uuid primary key,
      email text unique,
      role text,
      raw_app_meta_data jsonb,
      raw_user_meta_data jsonb,
      created_at timestamptz default now(),
      updated_at timestamptz default now()
    );
    alter table auth.users enable row level security;
    grant usage on schema auth to anon, authenticated, service_role;
    grant select, insert, update, delete on auth.users to service_role;
  end if;

  if not pg_catalog.has_schema_privilege('service_role', 'public', 'usage') then
    grant usage on schema public to service_role;
  end if;

  if not pg_catalog.has_schema_privilege('authenticated', 'public', 'usage')
    or not pg_catalog.has_schema_privilege('anon', 'public', 'usage') then
    grant usage on schema public to anon, authenticated;
  end if;
end;
$$;

do $$
begin
  if pg_catalog.to_regprocedure('auth.jwt()') is null then
    -- The claims of whoever is behind the request, or null outside a request.
    create function auth.jwt()
    returns jsonb
    language sql
    stable
    set search_path = ''
    as $function$
      select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
      )::jsonb;
    $function$;
  end if;

  if pg_catalog.to_regprocedure('auth.uid()') is null then
    -- The id of the user behind the request, or null.
    create function auth.uid()
    returns uuid
    language sql
    stable
    set search_path = ''
    as $function$
      select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
      )::uuid;
    $function$;
  end if;

  if pg_catalog.to_regprocedure('auth.role()') is null then
    -- The role claimed by the request: anon, authenticated or service_role, or null.
    create function auth.role()
    returns text
    language sql
    stable
    set search_path = ''
    as $function$
      select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
      );
    $function$;
  end if;
end;
$$;
