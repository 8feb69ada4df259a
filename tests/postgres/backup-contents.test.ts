// What belongs into a backup is decided for every table and sequence that there is.
import { expect, test } from 'vitest';

import {
  keptSequences,
  keptTables,
  leftTables,
  registries,
} from '../../src/postgres/backup/contents.ts';
import { freshDatabase } from '../support/database.ts';

const outside = `schema.nspname not like 'pg\\_%' and schema.nspname <> 'information_schema'`;

test('every table is kept, or left behind for a reason', async () => {
  await using db = await freshDatabase();

  const rows = await db.sql(`
    select format('%s.%s', schema.nspname, class.relname) as name
    from pg_class as class
    join pg_namespace as schema on schema.oid = class.relnamespace
    where class.relkind in ('r', 'p', 'm', 'f') and ${outside}`);

  const decided = [...keptTables, ...Object.keys(leftTables)];
  expect(rows.map((row) => row['name']).toSorted()).toEqual(decided.toSorted());
});

test('every sequence is behind a column of such a table, or kept by its name', async () => {
  await using db = await freshDatabase();

  const rows = await db.sql(`
    select
      format('%s.%s', schema.nspname, sequence.relname) as name,
      (
        select format('%s.%s', owner_schema.nspname, owner.relname)
        from pg_depend as depend
        join pg_class as owner on owner.oid = depend.refobjid
        join pg_namespace as owner_schema on owner_schema.oid = owner.relnamespace
        where depend.objid = sequence.oid and depend.deptype in ('a', 'i')
      ) as owner
    from pg_class as sequence
    join pg_namespace as schema on schema.oid = sequence.relnamespace
    where sequence.relkind = 'S' and ${outside}`);

  const free = rows.filter((row) => row['owner'] === null).map((row) => row['name']);
  expect(free).toEqual([...keptSequences]);
});

test('each kept table comes after those that it refers to, and refers to nothing left behind', async () => {
  await using db = await freshDatabase();
  const place = (name: unknown): number => keptTables.findIndex((table) => table === name);

  const keys = await db.sql(`
    select
      format('%s.%s', schema.nspname, class.relname) as "from",
      format('%s.%s', other_schema.nspname, other.relname) as "to"
    from pg_constraint as key
    join pg_class as class on class.oid = key.conrelid
    join pg_namespace as schema on schema.oid = class.relnamespace
    join pg_class as other on other.oid = key.confrelid
    join pg_namespace as other_schema on other_schema.oid = other.relnamespace
    where key.contype = 'f' and key.conrelid <> key.confrelid`);

  const kept = keys.filter((key) => place(key['from']) >= 0);
  expect(
    kept.filter((key) => place(key['to']) < 0 || place(key['to']) > place(key['from'])),
  ).toEqual([]);
  expect(kept.length).toBeGreaterThan(0);
});

test('what makes a database count as used are all kept tables but the registries', () => {
  const unknown = registries.filter((name) => !keptTables.some((table) => table === name));

  expect(unknown).toEqual([]);
});
