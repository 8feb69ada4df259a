// The command `logs` without a task: what the daemon says of itself.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { runCli } from '../support/cli.ts';
import { freshFolder } from '../support/folder.ts';

const lines = [
  { level: 'info', time: '2026-11-22T05:00:00.000Z', msg: 'the daemon serves', workerId: 'w1' },
  { level: 'error', time: '2026-11-22T05:01:00.000Z', msg: 'a poll failed', error: 'no' },
].map((line) => JSON.stringify(line));

async function homeWithLog() {
  const home = await freshFolder();
  await mkdir(path.join(home.path, 'logs'));
  await writeFile(path.join(home.path, 'logs', 'nightshift.log'), `${lines.join('\n')}\n`);
  return home;
}

test('shows the log of the daemon in lines for people', async () => {
  await using home = await homeWithLog();

  const { code, stdout } = await runCli(['logs', '--home', home.path]);

  expect(code).toBe(0);
  expect(stdout).toMatch(/^2026-11-2\d \d\d:00 {2}info: the daemon serves workerId="w1"$/m);
  expect(stdout).toMatch(/error: a poll failed error="no"\n$/);
});

test('shows the last lines only, and as they are on request', async () => {
  await using home = await homeWithLog();

  const { stdout } = await runCli(['logs', '--json', '--lines', '1', '--home', home.path]);

  expect(stdout).toBe(`${lines[1]}\n`);
});

test('says where there is no log yet, and refuses odd numbers', async () => {
  await using home = await freshFolder();

  const none = await runCli(['logs', '--home', home.path]);
  const odd = await runCli(['logs', '--lines', 'few', '--home', home.path]);

  expect(none).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('no log yet'),
  });
  expect(odd).toMatchObject({ code: 2, stderr: expect.stringContaining('--lines few') });
});
