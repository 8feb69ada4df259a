// Backups of test databases, and what is in them.
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { backUp } from '../../src/postgres/backup.ts';
import { keptTables } from '../../src/postgres/backup/contents.ts';
import { checkBackup } from '../../src/postgres/backup/reader.ts';
import { endOfArchive, headerOf, paddingOf } from '../../src/postgres/backup/tar.ts';
import { withClient, withDatabase } from '../../src/postgres/connection.ts';
import { restore, type RestoreOptions } from '../../src/postgres/restore.ts';
import type { TestDatabase } from '../support/cluster.ts';
import { freshFolder } from '../support/folder.ts';

export type Place = AsyncDisposable & {
  /** A folder of its own. */
  folder: string;
  file: string;
  outputs: string;
};

export async function freshPlace(): Promise<Place> {
  const folder = await freshFolder();

  return {
    folder: folder.path,
    file: join(folder.path, 'backup.tar.gz'),
    outputs: join(folder.path, 'outputs'),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

export const calm = new AbortController().signal;

type Options = Partial<Parameters<typeof backUp>[0]>;

export async function backUpTo(
  db: Pick<TestDatabase, 'adminUrl'>,
  file: string,
  options: Options = {},
) {
  return await backUp({
    url: db.adminUrl,
    to: { file, force: false },
    version: '0.0.0',
    profile: 'embedded',
    outputsFolder: null,
    signal: calm,
    ...options,
  });
}

export async function restoreFrom(
  db: Pick<TestDatabase, 'adminUrl'>,
  { file, outputs }: Pick<Place, 'file' | 'outputs'>,
  options: Partial<RestoreOptions> = {},
) {
  return await restore({
    url: db.adminUrl,
    file,
    manifest: await checkBackup({ file, signal: calm }),
    outputsFolder: outputs,
    signal: calm,
    isRepeated: false,
    onEmpty: async () => undefined,
    ...options,
  });
}

/** All rows of all kept tables as text, in an order of their own; but for what a restore says of itself. */
export async function contentsOf(db: TestDatabase): Promise<Record<string, string[]>> {
  const pairs: [string, string[]][] = [];

  for (const name of keptTables.filter((table) => table !== 'nightshift.restores')) {
    const rows = await db.sql<{ row: string }>(
      `select kept::text as row from ${name} as kept order by kept::text collate "C"`,
    );
    pairs.push([name, rows.map(({ row }) => row)]);
  }
  return Object.fromEntries(pairs);
}

type Owner = AsyncDisposable & { url: string };

/** Gives a database to a role of its own, which may become what workers are and nothing else. */
export async function ordinaryOwner(db: TestDatabase): Promise<Owner> {
  const name = `owner_${crypto.randomUUID().replaceAll('-', '')}`;
  await db.sql(`create role ${name} login password 'secret'`);
  await db.sql(`grant anon, authenticated, service_role to ${name}`);
  await db.sql(`alter database ${db.name} owner to ${name}`);
  await db.sql(`alter schema public owner to ${name}`);
  const url = new URL(db.adminUrl);
  url.username = name;
  url.password = 'secret';

  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      await withClient(db.adminUrl, (client) => client.query(`drop owned by ${name} cascade`));
      await withClient(withDatabase(db.adminUrl, 'postgres'), async (client) => {
        await client.query(`alter database ${db.name} owner to postgres`);
        await client.query(`drop role ${name}`);
      });
    },
  };
}

/** A file in the form of a backup, but without sums. */
export function archiveOf(entries: Record<string, Buffer>): Buffer {
  const blocks = Object.entries(entries).flatMap(([name, content]) => [
    headerOf({ name, size: content.length, mode: 0o600 }),
    content,
    paddingOf(content.length),
  ]);

  return gzipSync(Buffer.concat([...blocks, endOfArchive()]));
}
