// What the command line says to wrong arguments, wrong settings and absent daemons, and how it ends.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { runCli } from '../support/cli.ts';
import { freshFolder } from '../support/folder.ts';

test('shows help with examples on stdout', async () => {
  const { code, stdout, stderr } = await runCli(['submit', '--help']);

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/--attach <file>.*--home <folder>.*Examples:/s);
});

test.each([
  [['sbmit'], /unknown command 'sbmit'\n\(Did you mean submit\?\)/],
  [['list', '--statsu', 'x'], /unknown option '--statsu'\n\(Did you mean --status\?\)/],
  [['watch'], /missing required argument 'task'/],
  [['submit'], /give a title and a text, or a file/],
  [['poll'], /poll --once/],
  [['list', '--set', 'poll'], /--set poll: write it as poll.minutes=5/],
])('refuses %j as wrong usage', async (args, message) => {
  const { code, stdout, stderr } = await runCli(args);

  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
});

test('reports every fault of the configuration and ends with 78', async () => {
  await using home = await freshFolder();
  await writeFile(path.join(home.path, 'config.yaml'), 'concurrency: { runs: 0 }');
  await writeFile(path.join(home.path, '.env'), 'NIGHTSHIFT_LOG_LEVL=info', { mode: 0o600 });

  const { code, stderr } = await runCli(['list', '--home', home.path], {
    env: { NIGHTSHIFT_POLL_MINUTES: 'often' },
  });

  expect(code).toBe(78);
  expect(stderr).toContain('concurrency.runs = 0 (config.yaml)');
  expect(stderr).toContain('did you mean NIGHTSHIFT_LOG_LEVEL?');
  expect(stderr).toContain('NIGHTSHIFT_POLL_MINUTES = often (environment)');
});

test('warns of an .env that others can read', async () => {
  await using home = await freshFolder();
  await writeFile(path.join(home.path, '.env'), '', { mode: 0o644 });

  const { stderr } = await runCli(['agents', '--home', home.path]);

  expect(stderr).toContain(`run chmod 600 ${home.path}/.env`);
});

test('says that no daemon runs, and where it looked', async () => {
  await using home = await freshFolder();

  const { code, stderr } = await runCli(['list', '--home', home.path]);

  expect(code).toBe(1);
  expect(stderr).toMatch(/No daemon runs on this home: start one with `nightshift start`/);
  expect(stderr).toContain(home.path);
});

test('gives errors as JSON on request, and leaves stdout to results', async () => {
  await using home = await freshFolder();

  const { stdout, stderr } = await runCli(['list', '--json', '--home', home.path]);

  expect(stdout).toBe('');
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'daemon_absent' } });
});

test('lists the agents without a daemon', async () => {
  const { code, stdout } = await runCli(['agents', '--json']);

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ name: 'vision', wave: 1 }));
});

test('says that the daemon migrates its own database', async () => {
  const { code, stdout } = await runCli(['migrate']);

  expect(code).toBe(0);
  expect(stdout).toContain('the daemon migrates its own database');
});

test.each([
  ['the home is a file', 'home', /the home .*home cannot be used: it is no folder/],
  ['a file stands above the home', 'home/below/it', /home is no folder/],
])('ends with 78 and one message where %s', async (_, place, message) => {
  await using folder = await freshFolder();
  await writeFile(path.join(folder.path, 'home'), '');
  const home = path.join(folder.path, place);

  const { code, stderr } = await runCli(['poll', '--once', '--home', home]);

  expect(code).toBe(78);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

// Node's recursive mkdir never returns there.
test.runIf(existsSync('/proc/self'))('ends with 78 where no folder can be made', async () => {
  const { code, stderr } = await runCli(['poll', '--once', '--home', '/proc/nightshift/home']);

  expect(code).toBe(78);
  expect(stderr).toContain('the home /proc/nightshift/home cannot be used');
});
