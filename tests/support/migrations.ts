// Folders of migrations as they were, or will be: the first of ours, and perhaps one of a Nightshift to come.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readMigrations } from '../../src/postgres/migrations.ts';
import { scratchFolder } from './cluster.ts';
import { releasedMigrations } from './released.ts';

export type MigrationsFolder = AsyncDisposable & { path: string };

/** How many of the migrations have been released. */
export const releasedCount = Object.keys(releasedMigrations).length;

/** The version of a migration that no build of today knows. */
export const laterVersion = '29990101000000';

/** A folder with the first `count` of our migrations (default: all), and with further files. */
export async function migrationsFolder(
  count = Number.POSITIVE_INFINITY,
  further: Readonly<Record<string, string>> = {},
): Promise<MigrationsFolder> {
  const path = await mkdtemp(join(await scratchFolder(), 'nightshift-migrations-'));
  const known = (await readMigrations()).slice(0, count);

  await Promise.all([
    ...known.map(({ file, text }) => writeFile(join(path, file), text)),
    ...Object.entries(further).map(([file, text]) => writeFile(join(path, file), text)),
  ]);

  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A folder as a newer Nightshift would bring it, whose last file says this. */
export function laterFolder(text: string): Promise<MigrationsFolder> {
  return migrationsFolder(undefined, { [`${laterVersion}_later.sql`]: text });
}
