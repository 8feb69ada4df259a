// Whether a database may take a backup: only one that nobody has worked with.
import type { Client } from 'pg';
import { z } from 'zod';

import { appError } from '../../core/errors.ts';
import { readVersions } from '../history.ts';
import { keptTables, registries } from './contents.ts';
import type { Manifest } from './manifest.ts';
import { quoted } from './snapshot.ts';

const Found = z.tuple([z.object({ found: z.boolean() })]);
const Summaries = z.array(z.object({ summary: z.unknown() }));

/** What daemons register by themselves does not count. Throws `home_not_empty`. */
export async function assertEmpty(client: Client, manifest: Manifest): Promise<void> {
  const applied = await readVersions(client);
  const later = applied.filter((version) => !manifest.migrations.includes(version));

  for (const name of keptTables.filter((kept) => !registries.includes(kept))) {
    if (await hasRows(client, name)) throw refused(`${name} has rows in it`);
  }
  if (later.length > 0) {
    throw refused(`its database is of a later version (${later.join(', ')}) than the backup`);
  }
  if (await hasWorkers(client)) throw refused('a daemon works on its database: stop it first');
}

/** What came of the restore of this very backup; null where it did not take place here. */
export async function isRestored(client: Client, backupId: string): Promise<unknown> {
  if (!(await exists(client, 'nightshift.restores'))) return null;
  const { rows } = await client.query(
    'select summary from nightshift.restores where backup_id = $1',
    [backupId],
  );

  return Summaries.parse(rows)[0]?.summary ?? null;
}

async function hasRows(client: Client, name: string): Promise<boolean> {
  if (!(await exists(client, name))) return false;
  const { rows } = await client.query(
    `select exists (select from ${quoted(client, name)}) as found`,
  );

  return Found.parse(rows)[0].found;
}

async function hasWorkers(client: Client): Promise<boolean> {
  if (!(await exists(client, 'public.workers'))) return false;
  const { rows } = await client.query(`
    select exists (
      select from public.workers as worker
      where worker.retired_at is null
        and worker.beat_at > nightshift.queue_now() - make_interval(secs => worker.lease_seconds)
    ) as found`);

  return Found.parse(rows)[0].found;
}

async function exists(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query('select to_regclass($1) is not null as found', [name]);

  return Found.parse(rows)[0].found;
}

function refused(detail: string): Error {
  return appError('home_not_empty', { detail });
}
