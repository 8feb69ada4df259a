// Two machines' worth of daemons on one database, and two daemons that meet on one home.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';

import { readReadyFile } from '../../src/daemon/ready-file.ts';
import { temporaryHome } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import { taskFolders } from './folders.ts';

test('two daemons with homes of their own share 40 tasks, and no run is done twice', async () => {
  await using db = await freshDatabase();
  // Fewer slots than tasks, so that neither can take them all at once.
  const settings = { DATABASE_URL: db.adminUrl, NIGHTSHIFT_CONCURRENCY_RUNS: '2' };
  await using left = await temporaryHome(settings);
  await using right = await temporaryHome(settings);
  const daemons = await Promise.all([left, right].map((home) => home.start({ args: quiet })));

  await db.sql(`
    insert into tasks (title, description, agents)
    select 'Task ' || number, 'Announce our refill subscription.', '{echo}'
    from generate_series(1, 40) as number`);
  const open = () => db.sql('select from tasks where completed_at is null');
  await until(async () => (await open()).length === 0, { boundMs: 60_000 });

  const runs = await db.sql(`
    select status, attempt, count(*)::int, count(distinct worker_id)::int as workers
    from agent_runs group by status, attempt`);
  expect(runs).toEqual([{ status: 'complete', attempt: 1, count: 40, workers: 2 }]);
  const files = await db.sql(`
    select count(*)::int from deliverables group by run_id, name having count(*) > 1`);
  expect(files).toEqual([]);
  const folders = [...(await taskFolders(left.path)), ...(await taskFolders(right.path))];
  const names = await db.sql('select folder_name from tasks order by folder_name collate "C"');
  expect(folders.toSorted()).toEqual(names.map(({ folder_name: name }) => name));
  const ends = await Promise.all(daemons.map((daemon) => daemon.stop()));
  expect(ends).toEqual([0, 0]);
}, 120_000);

test('a second daemon on a home names the first, leaves it alone and exits 0', async () => {
  await using db = await freshDatabase();
  await using home = await temporaryHome({ DATABASE_URL: db.adminUrl });
  const first = await home.start({ args: quiet });

  const second = await home.run('start');
  const asJson = await home.json('start');

  expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining(`pid ${first.pid}`) });
  expect(asJson).toMatchObject({ type: 'taken', owner: { pid: first.pid } });
  expect(await readReadyFile(home.path)).toEqual(first.ready);
  expect(first.hasEnded()).toBe(false);
  expect(await first.stop()).toBe(0);
});

test('the ready file of a dead daemon is no hindrance', async () => {
  await using db = await freshDatabase();
  await using home = await temporaryHome({ DATABASE_URL: db.adminUrl });
  const dead = await home.start({ args: quiet });
  await dead.murder();
  expect(await readReadyFile(home.path)).toEqual(dead.ready);

  const daemon = await home.start({ args: quiet });

  expect(daemon.ready.pid).not.toBe(dead.pid);
  expect(await daemon.stop()).toBe(0);
  expect(await readReadyFile(home.path)).toBeUndefined();
});

test('a ready file that is garbage, or names a pid that is now a stranger, is no hindrance', async () => {
  await using db = await freshDatabase();
  await using home = await temporaryHome({ DATABASE_URL: db.adminUrl });
  const file = path.join(home.path, 'run', 'daemon.json');
  await mkdir(path.dirname(file), { recursive: true });

  for (const left of ['{"pid":', JSON.stringify(readyFileOf(process.pid))]) {
    await writeFile(file, left);
    const daemon = await home.start({ args: quiet });
    expect(await daemon.stop()).toBe(0);
  }

  expect(await readReadyFile(home.path)).toBeUndefined();
});

const quiet = ['--no-sample'];

function readyFileOf(pid: number) {
  const worker = crypto.randomUUID();
  const since = '2026-11-22T22:00:00.000Z';

  return { pid, worker_id: worker, version: '0.0.1', profile: 'embedded', started_at: since };
}
