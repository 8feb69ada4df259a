-- The private schema, the one clock, and the people: what everything else stands on.
-- `nightshift` holds what no client calls; `public` holds tables and the functions that make up the queue's contract.
create schema nightshift;

grant usage on schema nightshift to authenticated, service_role;

-- The time of the queue. Tests set it by restating this function; host clocks never matter.
create function nightshift.queue_now ()
returns timestamptz
language sql
volatile
as $$
  select clock_timestamp()
$$;

-- One row per user that has a tier of their own; a user without a row has weight 1 and no cap.
create table public.profiles (
  user_id uuid primary key references auth.users (id) on delete cascade,
  display_name text,
  tier text not null default 'standard',
  -- Share of the queue against others at the same priority: 2 is served twice as often as 1.
  weight numeric not null default 1 check (weight > 0 and weight <= 100),
  -- Runs of this user at work at the same time; null is no cap.
  max_running integer check (max_running > 0),
  created_at timestamptz not null default nightshift.queue_now()
);
