// The command `doctor` on real homes: exit codes, JSON, and what it sees of a database.
import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';
import { z } from 'zod';

import { runCli } from '../support/cli.ts';
import { freshDatabase } from '../support/database.ts';
import { freshFolder } from '../support/folder.ts';

const Report = z.object({
  ok: z.boolean(),
  checks: z.array(z.object({ id: z.string(), status: z.string(), message: z.string() })),
});

function reportOf(stdout: string) {
  const { ok, checks } = Report.parse(JSON.parse(stdout));
  return { ok, by: new Map(checks.map(({ id, ...rest }) => [id, rest])), checks };
}

test('ends with 0 on a fresh home, and shows each check in one line', async () => {
  await using folder = await freshFolder();

  const { code, stdout } = await runCli(['doctor', '--home', path.join(folder.path, 'none')]);

  expect(code).toBe(0);
  expect(stdout).toMatch(/^ok {4}node +Node \d+/m);
  expect(stdout).toMatch(/^warn {2}daemon +no daemon runs\n +-> run nightshift service install/m);
  expect(stdout).toMatch(/\d+ ok, \d+ to look at, 0 wrong, \d+ left out\n$/);
});

test('sees a database whole: reach, version, schema, roles, clock', async () => {
  await using db = await freshDatabase();
  await using home = await freshFolder();
  const env = { DATABASE_URL: db.adminUrl };

  const { code, stdout } = await runCli(['doctor', '--json', '--home', home.path], { env });

  const { ok, by } = reportOf(stdout);
  expect({ code, ok }).toEqual({ code: 0, ok: true });
  expect(by.get('database')?.status).toBe('ok');
  expect(by.get('database-version')).toMatchObject({
    status: 'ok',
    message: expect.stringMatching(/^PostgreSQL 17/),
  });
  expect(by.get('schema')?.status).toBe('ok');
  expect(by.get('clock')?.status).toBe('ok');
  expect(by.get('stuck-work')?.status).toBe('ok');
  // The login of the tests is the owner of everything.
  expect(by.get('roles')).toMatchObject({
    status: 'warn',
    message: expect.stringMatching(/is a superuser/),
  });
});

test('names missing migrations, and runs that nobody works on', async () => {
  await using behind = await freshDatabase();
  await behind.sql(
    `delete from supabase_migrations.schema_migrations
     where version = (select max(version) from supabase_migrations.schema_migrations)`,
  );
  await behind.sql(`select public.register_agents('[{"name": "vision", "title": "Vision", "wave": 1,
    "hash": "x", "enabled": true, "required": false, "timeoutSeconds": 60}]')`);
  await behind.sql(`insert into public.tasks (title) values ('Nobody comes')`);
  await using home = await freshFolder();
  const env = { DATABASE_URL: behind.adminUrl };

  const { code, stdout } = await runCli(['doctor', '--json', '--home', home.path], { env });

  const { by } = reportOf(stdout);
  expect(code).toBe(1);
  expect(by.get('schema')).toMatchObject({
    status: 'fail',
    message: expect.stringMatching(/1 migrations are missing/),
  });
  expect(by.get('stuck-work')).toMatchObject({
    status: 'fail',
    message: expect.stringMatching(/no worker lives/),
  });
});

test('a database that does not answer is told without its password', async () => {
  await using home = await freshFolder();
  const env = { DATABASE_URL: 'postgres://me:planted-word@127.0.0.1:1/nightshift' };

  const { code, stdout, stderr } = await runCli(['doctor', '--json', '--home', home.path], { env });

  const { by } = reportOf(stdout);
  expect(code).toBe(1);
  expect(by.get('database')).toMatchObject({
    status: 'fail',
    message: expect.stringMatching(/127\.0\.0\.1 \(ECONNREFUSED\)/),
  });
  expect(by.get('schema')?.status).toBe('skip');
  expect(stdout + stderr).not.toContain('planted-word');
});

test('a broken configuration is one finding of many', async () => {
  await using home = await freshFolder();
  await writeFile(path.join(home.path, 'config.yaml'), 'poll: { minutes: often }');

  const { code, stdout } = await runCli(['doctor', '--json', '--home', home.path]);

  const { by } = reportOf(stdout);
  expect(code).toBe(1);
  expect(by.get('config')).toMatchObject({
    status: 'fail',
    message: expect.stringMatching(/poll\.minutes = often/),
  });
  expect(by.get('node')?.status).toBe('ok');
});

test('mends what it can when asked to, and says so', async () => {
  await using folder = await freshFolder();
  const home = path.join(folder.path, 'home');
  await mkdir(home, { mode: 0o755 });
  const envFile = path.join(home, '.env');
  await writeFile(envFile, '', { mode: 0o644 });

  const { code, stdout } = await runCli(['doctor', '--fix', '--home', home]);

  expect(code).toBe(0);
  expect(stdout).toContain(`fixed: closed ${home} to others`);
  expect(stdout).toContain(`fixed: closed ${envFile} to others`);
  expect((await stat(envFile)).mode & 0o777).toBe(0o600);
});
