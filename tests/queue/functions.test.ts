// The table of SQL functions and the catalog agree, and only those who should may call them.
import { expect, test } from 'vitest';

import { functions } from '../../src/queue/functions.ts';
import { freshDatabase } from '../support/database.ts';

const catalog = `
  select
    function.proname as name,
    coalesce(function.proargnames, '{}') as args,
    function.prosecdef as definer,
    coalesce('search_path=""' = any (function.proconfig), false) as pinned,
    has_function_privilege('anon', function.oid, 'execute') as anon,
    has_function_privilege('authenticated', function.oid, 'execute') as authenticated,
    obj_description(function.oid) as comment
  from pg_proc as function
  join pg_namespace as schema on schema.oid = function.pronamespace
  where schema.nspname = any ($1) and function.prokind = 'f'
  order by 1`;

test('every function of the table is in the catalog with the same arguments, and the reverse', async () => {
  await using db = await freshDatabase();

  const rows = await db.sql(catalog, [['public']]);

  const inCatalog = Object.fromEntries(rows.map((row) => [row['name'], row['args']]));
  const inTable = Object.fromEntries(
    Object.values(functions).map(({ name, args }) => [name, args]),
  );
  expect(inTable).toEqual(inCatalog);
});

test('users may call only what is meant for them, and nobody may call anything unknown', async () => {
  await using db = await freshDatabase();

  const rows = await db.sql(catalog, [['public', 'nightshift']]);

  expect(rows.filter((row) => row['anon'])).toEqual([]);
  expect(rows.filter((row) => row['authenticated']).map((row) => row['name'])).toEqual([
    'brief_for_people',
    'cancel_task',
    'deliverables_of',
    'deliveries_of',
    'find_tasks',
    'first_submission',
    'list_tasks',
    'queue_now',
    'read_deliverable',
    'read_progress',
    'read_task',
    'retry_task',
    'runs_of',
    'submit_task',
    'task_summary',
  ]);
});

test('every function pins its search path, but the clock, which is inlined', async () => {
  await using db = await freshDatabase();

  const rows = await db.sql(catalog, [['public', 'nightshift']]);

  expect(rows.filter((row) => !row['pinned']).map((row) => row['name'])).toEqual(['queue_now']);
});

test('every table has row security, a primary key, and an index for each foreign key', async () => {
  await using db = await freshDatabase();

  const open = await db.sql(`
    select class.relname
    from pg_class as class
    where class.relnamespace = 'public'::regnamespace
      and class.relkind = 'r'
      and (not class.relrowsecurity or not exists (
        select from pg_index as index where index.indrelid = class.oid and index.indisprimary
      ))`);
  const unindexed = await db.sql(`
    select key.conrelid::regclass::text as "table", key.conname
    from pg_constraint as key
    where key.contype = 'f'
      and key.connamespace = 'public'::regnamespace
      and not exists (
        select from pg_index as index
        where index.indrelid = key.conrelid and index.indkey[0] = key.conkey[1]
      )`);

  expect({ open, unindexed }).toEqual({ open: [], unindexed: [] });
});
