// What has been released stays as it is: databases have been made with it, and older builds call it.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';

import { readMigrations } from '../../src/postgres/migrations.ts';
import { splitStatements } from '../../src/postgres/statements.ts';
import { statementOf } from '../../src/queue/pg-transport.ts';
import { functions } from '../../src/queue/functions.ts';
import { freshDatabase } from '../support/database.ts';
import { releasedCalls, releasedMigrations } from '../support/released.ts';

const released = Object.keys(releasedMigrations);

test.each(released)('%s is as it was released', async (file) => {
  const migration = (await readMigrations()).find((one) => one.file === file);

  const hash = createHash('sha256')
    .update(migration?.text ?? '')
    .digest('hex');

  expect(
    hash,
    `${file} is released: databases exist that were made with it, and it is never run there again. ` +
      `Put it back, and write the change into a new file of supabase/migrations`,
  ).toBe(releasedMigrations[file]);
});

test('new migrations come after the released ones, in which order every database gets them', async () => {
  const files = (await readMigrations()).map(({ file }) => file);

  expect(files.slice(0, released.length)).toEqual(released);
});

test.each(Object.entries(releasedCalls))('older builds can call %s', async (name, args) => {
  await using db = await freshDatabase();
  const call = statementOf({ name, args, answer: functions.sweep.answer });

  const parsed = db.sql(`prepare as_before as ${call}`);

  await expect(
    parsed,
    'builds that are at work call it so: keep the function, with defaults for arguments that are ' +
      'new, or let the migration say nightshift.require_client(<its own 14 digits>)',
  ).resolves.toEqual([]);
});

test('a migration that shuts older builds out does so first, and in favour of itself', async () => {
  const shutting = (await readMigrations()).filter(
    ({ file, text }) =>
      !released.includes(file) && /^select nightshift\.require_client/m.test(text),
  );

  // Later than other locks of its transaction, it could wait for a registration that waits for one of those.
  for (const { text, version } of shutting) {
    const [first] = splitStatements(text).map((statement) => statement.text.split('\n').at(-1));
    expect(first).toBe(`select nightshift.require_client('${version}')`);
  }
});
