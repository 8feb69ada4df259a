-- What notifying people needs: a journal of what a try has achieved so far, and leases for what only one program may do
-- at a time.

-- At most one holder of a name at a time, and none for longer than its seconds without renewing.
create table public.leases (
  name text primary key,
  holder uuid not null,
  expires_at timestamptz not null
);

alter table public.leases enable row level security;

-- Takes or renews a lease. False when another holds it.
create function public.acquire_lease (
  p_name text,
  p_holder uuid,
  p_seconds integer
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  insert into public.leases as held (name, holder, expires_at)
  values (p_name, p_holder, nightshift.queue_now() + make_interval(secs => p_seconds))
  on conflict (name) do update
  set holder = excluded.holder,
      expires_at = excluded.expires_at
  where held.holder = excluded.holder
    or held.expires_at <= nightshift.queue_now();

  return found;
end;
$$;

-- Gives a lease back, so that nobody has to wait for its end. Does nothing where another holds it.
create function public.release_lease (
  p_name text,
  p_holder uuid
)
returns void
language sql
set search_path = ''
as $$
  delete from public.leases as held
  where held.name = p_name
    and held.holder = p_holder
$$;

-- Keeps what a try at a delivery has achieved so far, in place of what was kept before: should the worker die, the next
-- try goes on from there. Answers `ok`, or `lost` where another attempt is the current one.
create function public.record_delivery (
  p_delivery_id bigint,
  p_attempt integer,
  p_result jsonb
)
returns text
language plpgsql
set search_path = ''
as $$
begin
  update public.deliveries as delivery
  set result = p_result
  where delivery.id = p_delivery_id
    and delivery.attempt = p_attempt;

  return case when found then 'ok' else 'lost' end;
end;
$$;

-- What earlier tries at a delivery have achieved; null where that is nothing.
create function public.read_delivery_result (
  p_delivery_id bigint
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select delivery.result
  from public.deliveries as delivery
  where delivery.id = p_delivery_id
$$;

revoke all on public.leases from anon, authenticated;
revoke execute on function
  public.acquire_lease(text, uuid, integer), public.release_lease(text, uuid),
  public.record_delivery(bigint, integer, jsonb), public.read_delivery_result(bigint)
from public, anon, authenticated;
grant select, insert, update, delete on public.leases to service_role;
grant execute on function
  public.acquire_lease(text, uuid, integer), public.release_lease(text, uuid),
  public.record_delivery(bigint, integer, jsonb), public.read_delivery_result(bigint)
to service_role;
