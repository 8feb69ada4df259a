-- The registry of agents: daemons refresh it from their agent files, task submission expands from it.
create table public.agents (
  name text primary key check (name ~ '^[a-z][a-z0-9_-]{0,39}$'),
  title text not null,
  wave smallint not null check (wave between 1 and 9),
  definition_hash text not null default '',
  enabled boolean not null default true,
  -- A required agent's failure fails the whole task.
  required boolean not null default false,
  timeout_seconds integer not null default 1800 check (timeout_seconds between 1 and 86400),
  updated_at timestamptz not null default nightshift.queue_now()
);

-- A task may be handed in before the first daemon has ever started.
insert into public.agents (name, title, wave)
values
  ('vision', 'Brand and market strategist', 1),
  ('apex', 'Search strategist', 1),
  ('nova', 'Performance analyst', 1),
  ('echo', 'Copywriter', 2),
  ('pixel', 'Art director', 3),
  ('reel', 'Video writer and producer', 3),
  ('social', 'Organic social strategist', 4);

-- Refreshes the registry from a worker's agent files: `[{name, title, wave, hash, enabled, required, timeoutSeconds}]`.
-- Agents that are not named stay as they are: another worker may have them. Repeating it changes nothing.
create function public.register_agents (
  p_agents jsonb
)
returns void
language sql
set search_path = ''
as $$
  insert into public.agents as known
    (name, title, wave, definition_hash, enabled, required, timeout_seconds)
  select
    agent ->> 'name',
    agent ->> 'title',
    (agent ->> 'wave')::smallint,
    agent ->> 'hash',
    (agent ->> 'enabled')::boolean,
    (agent ->> 'required')::boolean,
    (agent ->> 'timeoutSeconds')::integer
  from jsonb_array_elements(p_agents) as agent
  order by 1
  on conflict (name) do update
  set title = excluded.title,
      wave = excluded.wave,
      definition_hash = excluded.definition_hash,
      enabled = excluded.enabled,
      required = excluded.required,
      timeout_seconds = excluded.timeout_seconds,
      updated_at = nightshift.queue_now()
  where (known.title, known.wave, known.definition_hash, known.enabled, known.required, known.timeout_seconds)
    is distinct from (excluded.title, excluded.wave, excluded.definition_hash, excluded.enabled, excluded.required, excluded.timeout_seconds);
$$;
