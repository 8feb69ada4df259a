// A look at a database and at the programs for one, for the doctor. Writes nothing.
import { access } from 'node:fs/promises';
import { join } from 'node:path';

import type { Client } from 'pg';
import { z } from 'zod';

import { appError, isAppError, messageOf } from '../core/errors.ts';
import { QueueState } from '../core/queue.ts';
import { locatePrograms, packageFolder, readLinks } from './binaries.ts';
import { codeOf, withClient } from './connection.ts';
import { inspectSchema } from './migrate.ts';

export type Inspection = {
  /** Such as 170004. */
  serverVersion: number;
  roles: {
    login: { name: string; isSuperuser: boolean };
    role: { name: string; isSuperuser: boolean; ownsTables: boolean };
  };
  pending: string[];
  newer: string | null;
  edited: string[];
  aheadMs: number;
  state: QueueState | null;
  failing: { sink: string; count: number; error: string | null }[];
};

const Login = z.object({
  version: z.coerce.number(),
  login: z.string(),
  login_is_superuser: z.boolean(),
  role: z.string(),
  role_is_superuser: z.boolean(),
  owns_tables: z.boolean(),
  now_ms: z.coerce.number(),
});
const Stated = z.object({ state: QueueState });
const Failing = z.object({ sink: z.string(), count: z.number(), error: z.string().nullable() });

const connectTimeoutMs = 3_000;
/** Only these mean that the tables are not there, or not yet as this version knows them. */
const absent: readonly (string | undefined)[] = ['42P01', '42883', '3F000', '42703'];

/** Throws `database_unavailable`, with a text that holds no password. */
export async function inspectDatabase(workerUrl: string, adminUrl: string): Promise<Inspection> {
  try {
    const [seen, schema] = await Promise.all([
      withClient(workerUrl, look, connectTimeoutMs),
      readSchema(adminUrl),
    ]);
    return { ...seen, ...schema };
  } catch (cause) {
    const { hostname } = new URL(workerUrl);
    const detail = `${hostname} (${codeOf(cause) ?? messageOf(cause)})`;
    throw appError('database_unavailable', { detail }, { cause });
  }
}

type Migrated = Pick<Inspection, 'pending' | 'newer' | 'edited'>;

async function look(client: Client): Promise<Omit<Inspection, keyof Migrated>> {
  const sentAt = Date.now();
  const { rows } = await client.query(`
    select
      current_setting('server_version_num') as version,
      session_user as login,
      (select rolsuper from pg_catalog.pg_roles where rolname = session_user) as login_is_superuser,
      current_user as role,
      (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as role_is_superuser,
      exists (
        select from pg_catalog.pg_tables where schemaname = 'public' and tableowner = current_user
      ) as owns_tables,
      extract(epoch from clock_timestamp()) * 1000 as now_ms
  `);
  const answeredAt = Date.now();
  const found = Login.parse(rows[0]);

  return {
    serverVersion: found.version,
    roles: {
      login: { name: found.login, isSuperuser: found.login_is_superuser },
      role: {
        name: found.role,
        isSuperuser: found.role_is_superuser,
        ownsTables: found.owns_tables,
      },
    },
    // Its clock was read about half-way between our question and its answer.
    aheadMs: Math.round(found.now_ms - (sentAt + answeredAt) / 2),
    ...(await readWork(client)),
  };
}

async function readWork(client: Client): Promise<Pick<Inspection, 'state' | 'failing'>> {
  try {
    const stated = await client.query('select public.read_state() as state');
    const failing = await client.query(`
      select
        delivery.sink,
        count(*)::integer as count,
        max(delivery.error ->> 'message') as error
      from public.deliveries as delivery
      where delivery.created_at > nightshift.queue_now() - interval '1 day'
        and (
          delivery.status = 'failed'
          or (delivery.status = 'pending' and delivery.error is not null and delivery.attempt - delivery.refunds >= 3)
        )
      group by delivery.sink
    `);
    return {
      state: Stated.parse(stated.rows[0]).state,
      failing: failing.rows.map((row) => Failing.parse(row)),
    };
  } catch (error) {
    if (absent.includes(codeOf(error))) return { state: null, failing: [] };
    throw error;
  }
}

async function readSchema(adminUrl: string): Promise<Migrated> {
  try {
    const { pending, edited } = await inspectSchema(adminUrl);
    return { pending: pending.map(({ file }) => file), newer: null, edited };
  } catch (error) {
    if (!isAppError(error) || error.code !== 'database_newer') throw error;
    return { pending: [], newer: error.message, edited: [] };
  }
}

/** Where the PostgreSQL of this platform is, and which of its library links are missing. Throws `postgres_failed`. */
export async function inspectPrograms(): Promise<{ postgres: string; missingLinks: string[] }> {
  const { postgres } = await locatePrograms();
  const folder = packageFolder(postgres);
  const links = await readLinks(folder);
  const found = await Promise.all(
    links.map(({ target }) =>
      access(join(folder, target)).then(
        () => [],
        () => [target],
      ),
    ),
  );

  return { postgres, missingLinks: found.flat() };
}
