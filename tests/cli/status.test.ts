// The command `status` without a task: the daemon, its queue, who works on what, and what went wrong last.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { runCli } from '../support/cli.ts';
import { freshFolder } from '../support/folder.ts';
import { freshQueue } from '../support/queue.ts';

async function busyQueue() {
  const opened = await freshQueue();
  await opened.db.sql(`select public.register_agents('[
    {"name": "vision", "title": "Vision", "wave": 1, "hash": "x", "enabled": true, "required": false, "timeoutSeconds": 60},
    {"name": "echo", "title": "Echo", "wave": 1, "hash": "x", "enabled": true, "required": false, "timeoutSeconds": 60}
  ]')`);
  await opened.submit({ title: 'Spring launch', agents: ['vision', 'echo'] });
  await opened.db.advance({ seconds: 125 });
  const worker = await opened.worker({ name: 'mini' });
  const [run] = await worker.claim(1);

  return { ...opened, run };
}

async function homeWithError() {
  const home = await freshFolder();
  await mkdir(path.join(home.path, 'logs'));
  const line = {
    level: 'error',
    time: '2026-11-22T05:01:00.000Z',
    msg: 'a poll failed',
    error: 'no',
  };
  await writeFile(path.join(home.path, 'logs', 'nightshift.log'), `${JSON.stringify(line)}\n`);

  return home;
}

test('shows depth and age of the queue, workers, running agents and the last error', async () => {
  const { db, run, ...queue } = await busyQueue();
  await using _ = queue;
  await using home = await homeWithError();

  const { code, stdout } = await runCli(['status', '--home', home.path], {
    env: { DATABASE_URL: db.adminUrl },
  });

  expect(code).toBe(0);
  expect(stdout).toMatch(/^Daemon +none on this home$/m);
  expect(stdout).toMatch(/^Runs +1 running, 1 waiting, the oldest for 2m/m);
  expect(stdout).toMatch(/^Last error +2026-11-2\d \d\d:01 {2}a poll failed: no$/m);
  expect(stdout).toMatch(/ mini +alive +1 /);
  expect(stdout).toMatch(new RegExp(`^${run?.agent} +\\S.*Spring launch$`, 'm'));
});

test('gives the same as JSON', async () => {
  const { db, run, ...queue } = await busyQueue();
  await using _ = queue;
  await using home = await homeWithError();

  const { stdout } = await runCli(['status', '--json', '--home', home.path], {
    env: { DATABASE_URL: db.adminUrl },
  });

  expect(JSON.parse(stdout)).toMatchObject({
    daemon: { pid: null, lastError: { message: 'a poll failed: no' } },
    runsWaiting: 1,
    runningAgents: [{ agent: run?.agent, taskId: run?.taskId, title: 'Spring launch' }],
    workers: [{ name: 'mini', alive: true }],
  });
});
