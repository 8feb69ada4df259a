// The migrations that this version brings: the files of `supabase/migrations`, in order.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { appError } from '../core/errors.ts';

export type Migration = { version: string; name: string; file: string; text: string };

export const migrationsFolder = fileURLToPath(
  new URL('../../supabase/migrations', import.meta.url),
);

const fileName = /^(?<version>\d{14})_(?<name>.+)\.sql$/;

/** Reads `<14-digit timestamp>_<name>.sql` files; a missing folder holds none. Throws on names of another form. */
export async function readMigrations(folder: string = migrationsFolder): Promise<Migration[]> {
  const files = await readdir(folder).catch(() => []);
  const migrations = await Promise.all(
    files
      .filter((file) => file.endsWith('.sql'))
      .toSorted()
      .map((file) => readMigration(folder, file)),
  );

  const twin = migrations.find(({ version }, at) => migrations[at - 1]?.version === version);
  if (twin !== undefined) throw badName(twin.file, 'its timestamp is taken by another file');
  return migrations;
}

async function readMigration(folder: string, file: string): Promise<Migration> {
  const { version, name } = fileName.exec(file)?.groups ?? {};
  if (version === undefined || name === undefined) {
    throw badName(file, 'its name is not <14-digit timestamp>_<name>.sql');
  }

  return { version, name, file, text: await readFile(join(folder, file), 'utf8') };
}

function badName(file: string, problem: string): Error {
  return appError('migration_failed', { detail: `${file}: ${problem}`, file });
}
