// The command `submit` while no database can be reached: the brief is kept, under the id that its task will have.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { describe, expect, test } from 'vitest';

import { runCli } from '../support/cli.ts';
import { freshFolder } from '../support/folder.ts';

// Nothing listens there.
const away = { DATABASE_URL: 'postgres://someone:secret@127.0.0.1:9/nightshift' };

describe.each([
  ['without a daemon', {}, /No daemon runs on this home/],
  ['with a database that does not answer', away, /The database does not answer/],
])('%s', (_, env, reason) => {
  test('a brief is kept, answered with its id, and said to be kept', async () => {
    await using home = await freshFolder();

    const args = ['submit', 'Launch', 'A text', '--agents', 'echo', '--home', home.path, '--json'];
    const { code, stdout, stderr } = await runCli(args, { env });

    const { id, ...answer } = JSON.parse(stdout);
    expect({ code, answer }).toEqual({
      code: 0,
      answer: { status: 'spooled', folderName: null, repeated: false },
    });
    expect(stderr).toMatch(reason);
    expect(stderr).toMatch(/kept on this machine, and handed in as soon as/);
    expect(await keptIn(home.path)).toMatchObject([
      { task: { id, title: 'Launch', agents: ['echo'], triggeredBy: 'user' } },
    ]);
    expect(stderr).not.toContain('secret');
  });
});

test('a kept brief is shown, listed and counted, though nothing else can be', async () => {
  await using home = await freshFolder();
  const run = (...args: string[]) => runCli([...args, '--home', home.path]);
  const { stdout } = await run('submit', 'Launch', 'A text', '--json');
  const { id } = JSON.parse(stdout);

  const shown = await run('status', id.slice(0, 8));
  const listed = await run('list');
  const counted = await run('status');

  expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/Status +spooled: kept/) });
  expect(listed).toMatchObject({ code: 1, stderr: expect.stringContaining(id.slice(0, 8)) });
  expect(counted.stdout).toMatch(/^Kept here +1 brief for the database/m);
});

test('the same idempotency key is the same task, and --watch says that there is nothing to watch', async () => {
  await using home = await freshFolder();
  const args = ['submit', 'Launch', 'A text', '--idempotency-key', 'once', '--watch'];

  const both = [
    await runCli([...args, '--home', home.path]),
    await runCli([...args, '--home', home.path]),
  ];

  const ids = both.map(({ stdout }) => /Task (\S+) is kept/.exec(stdout)?.[1]);
  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(ids[1]).toBe(ids[0]);
  expect(both[0]).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing to watch') });
});

test('a task that waits for a kept one is told by the beginning of its id; others by the whole id only', async () => {
  await using home = await freshFolder();
  const submit = (...args: string[]) =>
    runCli(['submit', 'Launch', 'A text', '--json', '--home', home.path, ...args]);
  const { id } = JSON.parse((await submit()).stdout);

  const after = await submit('--after', id.slice(0, 8));
  const unknown = await submit('--after', '1b2c3d4e');

  expect(after.code).toBe(0);
  expect(await keptIn(home.path)).toMatchObject([{}, { task: { dependsOn: [id] } }]);
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
  expect(JSON.parse(lastLine(unknown.stderr)).error.message).toContain('only a whole id');
});

test('a brief with faults is refused as ever, and nothing is kept', async () => {
  await using home = await freshFolder();

  const args = ['submit', 'Launch', ' ', '--agents', 'bogus', '--home', home.path];
  const { code, stderr } = await runCli(args);

  expect(code).toBe(2);
  expect(stderr).toMatch(/description: must not be empty/);
  expect(stderr).toMatch(/there is no agent "bogus"/);
  expect(await keptIn(home.path)).toEqual([]);
});

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

async function keptIn(home: string): Promise<unknown[]> {
  const folder = path.join(home, 'spool', 'tasks');
  const names = (await readdir(folder).catch(() => [])).toSorted();

  return await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(path.join(folder, name), 'utf8'))),
  );
}
