// The prelude: what migrations may expect of a plain PostgreSQL as of Supabase.
import { expect, test } from 'vitest';

import { withClient, withDatabase } from '../../src/postgres/connection.ts';
import { applyPrelude } from '../../src/postgres/prelude.ts';
import { emptyDatabase } from '../support/database.ts';
import { startOn, temporaryHome } from './home.ts';

const roles = ['anon', 'authenticated', 'service_role'];

test('may run on several databases of one server at once', async () => {
  await using home = await temporaryHome();
  await using server = await startOn(home);
  const urls = ['postgres', server.database].map((name) => withDatabase(server.adminUrl, name));
  await withClient(server.adminUrl, async (client) => {
    for (const role of roles) await client.query(`alter role ${role} rename to ${role}_before`);
  });

  const runs = [...urls, ...urls, ...urls].map((url) => withClient(url, applyPrelude));
  await Promise.all(runs);

  const { rowCount } = await withClient(server.adminUrl, (client) =>
    client.query('select from pg_roles where rolname = any($1)', [roles]),
  );
  expect(rowCount).toBe(3);
});

test('writes nothing where everything is there', async () => {
  await using db = await emptyDatabase();
  await withClient(db.adminUrl, applyPrelude);

  await withClient(db.adminUrl, async (client) => {
    await client.query(`set default_transaction_read_only = on`);
    await applyPrelude(client);
  });
});

test('keeps service_role above row security, and the others below it', async () => {
  await using db = await emptyDatabase();
  await withClient(db.adminUrl, applyPrelude);

  const found = await db.sql(
    `
    select rolname as name, rolbypassrls as bypasses, rolcanlogin or rolsuper as strong
    from pg_roles where rolname = any($1) order by 1`,
    [roles],
  );

  expect(found).toEqual([
    { name: 'anon', bypasses: false, strong: false },
    { name: 'authenticated', bypasses: false, strong: false },
    { name: 'service_role', bypasses: true, strong: false },
  ]);
});

test('knows the user behind a request by its claims', async () => {
  await using db = await emptyDatabase();
  await withClient(db.adminUrl, applyPrelude);
  const sub = crypto.randomUUID();

  const [inside] = await db.sql(
    `select auth.uid() as uid, auth.role() as role, auth.jwt() ->> 'sub' as sub
     from set_config('request.jwt.claims', $1, false)`,
    [JSON.stringify({ sub, role: 'authenticated' })],
  );

  expect(inside).toEqual({ uid: sub, role: 'authenticated', sub });
});

test.each([
  ['without claims', 'select'],
  ['after a request', `select set_config('request.jwt.claims', '', false)`],
])('knows nobody %s', async (_when, before) => {
  await using db = await emptyDatabase();

  const { rows } = await withClient(db.adminUrl, async (client) => {
    await applyPrelude(client);
    await client.query(before);
    return client.query('select auth.uid() as uid, auth.role() as role, auth.jwt() as jwt');
  });

  expect(rows).toEqual([{ uid: null, role: null, jwt: null }]);
});

test('gives users of the API nothing in public but the way in', async () => {
  await using db = await emptyDatabase();
  await withClient(db.adminUrl, applyPrelude);
  await db.sql('create table public.things ()');

  const read = withClient(withDatabase(db.workerUrl, db.name), async (client) => {
    await client.query('set role anon');
    return client.query('select from public.things');
  });

  await expect(read).rejects.toMatchObject({ code: '42501' });
});
