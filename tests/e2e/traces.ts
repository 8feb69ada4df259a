// What a daemon leaves behind: every row, every file, and what the system shows of it.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { withClient } from '../../src/postgres/connection.ts';

/** All that stands in the database. */
export function everyRow(url: string): Promise<unknown[]> {
  return withClient(url, async (db) => {
    const { rows: tables } = await db.query(`
      select format('select * from %I.%I', schemaname, tablename) as query
      from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`);
    const found: unknown[] = [];
    for (const { query } of tables) found.push(...(await db.query(query)).rows);

    return found;
  });
}

/** Files of a home that hold a text, those of PostgreSQL among them. */
export async function filesWith(home: string, text: string): Promise<string[]> {
  const entries = await readdir(home, { recursive: true, withFileTypes: true });
  const files = entries.flatMap((entry) =>
    entry.isFile() ? [path.join(entry.parentPath, entry.name)] : [],
  );
  const found: string[] = [];
  for (const file of files) if ((await readFile(file)).includes(text)) found.push(file);

  return found;
}

/** Empty where there is no such file: only Linux shows a program's arguments and environment as files. */
export function readIfThere(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
