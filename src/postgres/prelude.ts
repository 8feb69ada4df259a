// Applies the prelude, and gives the embedded server its login role for workers.
import { readFile } from 'node:fs/promises';
import type { Client } from 'pg';

import { appError } from '../core/errors.ts';
import { codeOf } from './connection.ts';

export const workerName = 'nightshift_worker';
/** The role that workers take on. */
export const workerRole = 'service_role';

const preludeFile = new URL('prelude.sql', import.meta.url);
// Two who change one row of the catalogs at once: the later one fails, and finds nothing to do when it tries again.
const collisions: readonly (string | undefined)[] = [
  '23505',
  '42710',
  '42P06',
  '42P07',
  '42723',
  'XX000',
];
const tries = 5;

/** Adds the roles and the `auth` schema of Supabase where they are missing. May run on several machines at once. */
export async function applyPrelude(client: Client): Promise<void> {
  const text = await readFile(preludeFile, 'utf8');

  await repeatOnCollision(() => client.query(text));
}

/**
 * Gives workers a login that owns nothing and is no superuser: it may only become one of Supabase's roles. Needs
 * the prelude. The password is set when it does not already fit.
 */
export async function createWorkerLogin(client: Client, password: string): Promise<void> {
  await repeatOnCollision(async () => {
    const { rowCount } = await client.query('select from pg_roles where rolname = $1', [
      workerName,
    ]);
    const verb = rowCount === 0 ? 'create' : 'alter';
    await client.query(
      `${verb} role ${workerName} login noinherit password ${client.escapeLiteral(password)}`,
    );
    await client.query(`grant anon, authenticated, service_role to ${workerName}`);
  });
}

async function repeatOnCollision(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (attempt < tries && collisions.includes(codeOf(error))) continue;
      throw codeOf(error) === '42501' ? notAllowed(error) : error;
    }
  }
}

function notAllowed(cause: unknown): Error {
  return appError(
    'database_failed',
    {
      detail:
        'the roles anon, authenticated and service_role are missing, and the user of DATABASE_URL may not ' +
        'create them. Migrate once as a superuser',
    },
    { cause },
  );
}
