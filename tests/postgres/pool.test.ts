// Pools: they outlive their connections and do not wait for ever.
import { expect, test } from 'vitest';

import { createPool } from '../../src/postgres/pool.ts';
import { silentLog } from '../support/cluster.ts';
import { emptyDatabase } from '../support/database.ts';
import { eventually } from './home.ts';

test('goes on after the server has dropped its idle connections, and says so', async () => {
  await using db = await emptyDatabase();
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  const pool = createPool(db.adminUrl, { log, applicationName: 'a worker' });
  await pool.query('select');

  await db.sql(`
    select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'a worker'`);
  await eventually(async () => warnings.length > 0);

  await expect(pool.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] });
  expect(warnings).toEqual(['an idle connection broke']);
  await pool.end();
});

test('gives up on a query that takes too long, and can be used again', async () => {
  await using db = await emptyDatabase();
  const options = { log: silentLog, applicationName: 'a worker', max: 1, queryTimeoutMs: 100 };
  const pool = createPool(db.adminUrl, options);

  await expect(pool.query('select pg_sleep(30)')).rejects.toThrow('timeout');

  await expect(pool.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] });
  await pool.end();
});
