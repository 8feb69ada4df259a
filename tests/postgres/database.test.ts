// Opening a database: our own by default, the operator's with DATABASE_URL, and what may go wrong with either.
import { inspect } from 'node:util';
import { expect, test } from 'vitest';

import { openDatabase, type Database } from '../../src/postgres/database.ts';
import { withClient } from '../../src/postgres/connection.ts';
import { silentLog as log } from '../support/cluster.ts';
import { emptyDatabase } from '../support/database.ts';
import { temporaryHome } from './home.ts';

const whoAmI = 'select current_user as role';

test('starts a server of its own and brings it to this version', async () => {
  await using home = await temporaryHome();

  await using database = await openDatabase({ home: home.path, log });

  const { rows } = await withClient(database.url, (client) => client.query(whoAmI));
  expect(rows).toEqual([{ role: 'service_role' }]);
  expect(database).toMatchObject({ kind: 'embedded', version: expect.stringMatching(/^\d{14}$/) });
});

test('uses the server of DATABASE_URL from several machines', async () => {
  await using db = await emptyDatabase();

  const machines = await Promise.all([openOn(db.adminUrl), openOn(db.adminUrl)]);

  for (const { kind, url, server } of machines) {
    const { rows } = await withClient(url, (client) => client.query(whoAmI));
    expect({ kind, server, rows }).toEqual({
      kind: 'external',
      server: null,
      rows: [{ role: 'service_role' }],
    });
  }
});

test('enters as service_role also with a login that is no superuser', async () => {
  await using db = await emptyDatabase();
  await openOn(db.adminUrl);
  const name = `operator_${db.name}`;
  await db.sql(`create role ${name} login password 'x' in role service_role`);
  await db.sql(`grant usage on schema supabase_migrations to ${name}`);
  await db.sql(`grant select on supabase_migrations.schema_migrations to ${name}`);
  const url = new URL(db.adminUrl);
  url.username = name;
  url.password = 'x';

  const database = await openOn(url.href);

  const { rows } = await withClient(database.url, (client) => client.query(whoAmI));
  expect(rows).toEqual([{ role: 'service_role' }]);
});

test.each([
  ['not an address hunter2', 'config_invalid', 'no address such as'],
  ['mysql://u:hunter2@127.0.0.1/x', 'config_invalid', 'no address such as'],
  ['postgres://u:hunter2@127.0.0.1:6543/x', 'config_invalid', 'session pooler'],
  ['postgres://u:hunter2@127.0.0.1:1/x', 'database_unavailable', '127.0.0.1'],
])('says what is wrong with %s, but no password', async (url, code, text) => {
  const failure = await openOn(url).catch((error: unknown) => error);

  expect(failure).toMatchObject({ code, message: expect.stringContaining(text) });
  expect(inspect(failure, { depth: 9 })).not.toContain('hunter2');
});

test('says so when the server turns the login away', async () => {
  await using db = await emptyDatabase();
  const url = new URL(db.adminUrl);
  url.password = 'hunter2';

  const failure = openOn(url.href);

  await expect(failure).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('turns the login away'),
  });
});

function openOn(databaseUrl: string): Promise<Database> {
  return openDatabase({ home: '/nowhere', databaseUrl, log });
}
