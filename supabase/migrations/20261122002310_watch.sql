-- Workers watch each other's session locks: a process that has died is known within seconds, not after half a lease.

-- When the worker's session took its lock, and since when a look has found that lock free (null: it was held).
alter table public.workers
add column locked_at timestamptz,
add column lock_free_at timestamptz;

-- Looks whether the session locks of other workers are held. One that is free at two looks, three seconds apart or more,
-- with no beat in between, is that of a dead process: its work is due again at once. Whoever has not come back since the
-- server started is not judged: all locks were free then. Returns how many were found dead.
create function nightshift.look_for_dead (
  p_worker_id uuid
)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_now timestamptz := nightshift.queue_now();
  v_free uuid[];
  v_dead uuid[];
begin
  v_free := array(
    select other.id
    from public.workers as other
    where other.id <> p_worker_id
      and other.retired_at is null
      and other.locked_at > pg_postmaster_start_time()
      and pg_try_advisory_xact_lock(nightshift.worker_lock(other.id))
    order by other.id
  );
  -- One sweeper at a time; the others have nothing to add.
  if cardinality(v_free) = 0 or not pg_try_advisory_xact_lock(hashtextextended('nightshift.sweep', 0)) then
    return 0;
  end if;

  update public.workers as other
  set lock_free_at = v_now
  where other.id = any (v_free)
    and (other.lock_free_at is null or other.lock_free_at <= other.beat_at);

  v_dead := array(
    select other.id
    from public.workers as other
    where other.id = any (v_free)
      and other.lock_free_at <= v_now - interval '3 seconds'
    order by other.id
  );
  if cardinality(v_dead) > 0 then
    update public.workers as other
    set retired_at = v_now
    where other.id = any (v_dead);
    -- All at once, in the one order.
    perform nightshift.lock_tasks(nightshift.tasks_to_sweep(v_dead));
    perform nightshift.recover_work(v_dead, false);
  end if;

  return cardinality(v_dead);
end;
$$;

-- Takes the lock that this database session holds as long as its process lives, so that the worker's death is known
-- without waiting for the lease, and looks whether the others hold theirs. False when another session holds it still.
create or replace function public.hold_session (
  p_worker_id uuid
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  if not pg_try_advisory_lock(nightshift.worker_lock(p_worker_id)) then
    return false;
  end if;

  update public.workers as worker
  set holds_lock = true,
      locked_at = nightshift.queue_now(),
      lock_free_at = null
  where worker.id = p_worker_id
    and ((worker.locked_at > pg_postmaster_start_time()) is not true or worker.lock_free_at is not null);
  perform nightshift.look_for_dead(p_worker_id);

  return true;
end;
$$;

revoke execute on function nightshift.look_for_dead(uuid) from public, anon, authenticated;
grant execute on function nightshift.look_for_dead(uuid) to service_role;
