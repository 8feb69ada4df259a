// The commands against a real database, named by DATABASE_URL: no daemon is needed then.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { runCli } from '../support/cli.ts';
import type { TestDatabase } from '../support/cluster.ts';
import { freshDatabase } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';

async function withAgents(): Promise<{ db: TestDatabase; env: Record<string, string> }> {
  const db = await freshDatabase();
  await db.sql(
    `select public.register_agents('[
      {"name": "vision", "title": "Vision", "wave": 1, "hash": "x", "enabled": true, "required": false, "timeoutSeconds": 60}
    ]')`,
  );
  return { db, env: { DATABASE_URL: db.adminUrl } };
}

test('hands a brief in, lists it, shows it and cancels it', async () => {
  const { db, env } = await withAgents();
  await using _ = db;

  const submitted = await runCli(
    ['submit', 'Launch 👋', 'A text', '--agents', 'vision', '--json'],
    { env },
  );
  const { id } = JSON.parse(submitted.stdout);
  const listed = await runCli(['list'], { env });
  const shown = await runCli(['status', id.slice(0, 6)], { env });
  const cancelled = await runCli(['cancel', id], { env });
  const watched = await runCli(['watch', id], { env });

  expect(listed.stdout).toMatch(new RegExp(`${id.slice(0, 8)} +pending +0/1 +normal .* Launch 👋`));
  expect(shown.stdout).toMatch(/vision +pending/);
  expect(cancelled.stdout).toContain('is cancelled');
  expect(watched).toMatchObject({ code: 1, stderr: expect.stringContaining('is cancelled') });
});

test('reads a brief from the input and a table from a file', async () => {
  const { db, env } = await withAgents();
  await using _ = db;
  await using folder = await freshFolder();
  const file = path.join(folder.path, 'sales.csv');
  await writeFile(file, 'week,orders\n1,5\n');

  const brief = 'title: From a file\ndescription: A text\nagents: [vision]\npriority: high\n';
  const { code } = await runCli(['submit', '--file', '-', '--attach', file], { env, input: brief });

  const [task] = await db.sql('select title, priority, brief from public.tasks');
  expect(code).toBe(0);
  expect(task).toMatchObject({
    title: 'From a file',
    priority: 10,
    brief: { attachments: [{ name: 'sales.csv', kind: 'csv', text: 'week,orders\n1,5\n' }] },
  });
});

test('lists all that is wrong with a brief in one message, and queues nothing', async () => {
  const { db, env } = await withAgents();
  await using _ = db;
  const args = ['--agents', 'vision,bogus', '--priority', 'urgent', '--attach', 'deck.pdf'];

  const { code, stderr } = await runCli(['submit', 'Launch', ' ', ...args], { env });

  expect(code).toBe(2);
  expect(stderr).toMatch(/description: must not be empty/);
  expect(stderr).toMatch(/there is no agent "bogus": the agents are .*vision/);
  expect(stderr).toMatch(/priority: is "urgent", must be one of: low, normal, high, critical/);
  expect(stderr).toMatch(/--attach deck.pdf: this kind of file cannot be attached yet/);
  expect(await db.sql('select from public.tasks')).toEqual([]);
});

test('takes the controls out of what strangers wrote', async () => {
  const { db, env } = await withAgents();
  await using _ = db;
  await db.sql(
    `insert into public.tasks (title) values (E'Nice\\x1b[2J\\x07\\x1b]0;owned\\x07 title')`,
  );

  const { stdout } = await runCli(['list'], { env });

  expect(stdout).toMatch(/Nice.* title/);
  // eslint-disable-next-line no-control-regex
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
});

test('brings an empty database up to date, once', async () => {
  const { db } = await withAgents();
  await using _ = db;
  const env = { DATABASE_URL: db.adminUrl };

  const { code, stdout } = await runCli(['migrate'], { env });

  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('is up to date') });
});
