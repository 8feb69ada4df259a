// The key of the model's provider: used, and to be found nowhere afterwards.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';

import { withClient } from '../../src/postgres/connection.ts';
import { ownerUrl, temporaryHome } from '../support/daemon.ts';
import { postmasterOf } from '../support/postmaster.ts';
import { key, startScriptedModel } from './scripted.ts';

test('the key stays out of every file, row, argument list and child environment', async () => {
  await using model = await startScriptedModel(({ step, response, reply }) => {
    // A provider that quotes the key, as some do: errors are where keys usually leak.
    if (step === 2) response.writeHead(401).end(`{"error":{"message":"Bad key ${key}"}}`);
    else reply(1);
  });
  // With a PostgreSQL of its own, which is a child of the daemon.
  await using home = await temporaryHome({ ...model.variables, NIGHTSHIFT_LOG_LEVEL: 'debug' });
  const daemon = await home.start({ args: ['--no-sample'] });
  const url = await ownerUrl(daemon.ready);

  const { stderr } = await home.run(
    'submit',
    'Refills',
    'Announce them.',
    '--agents',
    'echo',
    '-w',
  );
  const rows = JSON.stringify(await everyRow(url));
  const postgres = await postmasterOf(home.path);
  const seen = await Promise.all([
    ...[daemon.pid, postgres].map((pid) => readIfThere(`/proc/${pid}/cmdline`)),
    readIfThere(`/proc/${postgres}/environ`),
  ]);
  const code = await daemon.stop();

  expect({ code, calls: model.calls().length }).toEqual({ code: 0, calls: 2 });
  expect(rows).toContain('Bad key');
  for (const text of [rows, stderr, daemon.stdout(), daemon.stderr(), ...seen])
    expect(text).not.toContain(key);
  expect(await filesWith(home.path, 'Bad key')).not.toEqual([]);
  expect(await filesWith(home.path, key)).toEqual([]);
});

/** All that stands in the database. */
function everyRow(url: string): Promise<unknown[]> {
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
async function filesWith(home: string, text: string): Promise<string[]> {
  const entries = await readdir(home, { recursive: true, withFileTypes: true });
  const files = entries.flatMap((entry) =>
    entry.isFile() ? [path.join(entry.parentPath, entry.name)] : [],
  );
  const found: string[] = [];
  for (const file of files) if ((await readFile(file)).includes(text)) found.push(file);

  return found;
}

// Only Linux shows a program's arguments and environment as files.
function readIfThere(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
