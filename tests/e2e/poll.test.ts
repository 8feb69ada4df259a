// Work that nobody submitted through us: plain SQL, found by the wake-up, or by one poll cycle without a daemon.
import { expect, test } from 'vitest';

import { readReadyFile } from '../../src/daemon/ready-file.ts';
import { temporaryHome } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import { readTaskFolder, taskFolders } from './folders.ts';

const insert = `insert into tasks (title, description) values ('Autumn', 'Sell the last refills.')`;

test('a plain SQL insert wakes a daemon that would poll once an hour', async () => {
  await using db = await freshDatabase();
  await using home = await temporaryHome({ DATABASE_URL: db.adminUrl, ...hourly });
  const daemon = await home.start({ args: ['--no-sample'] });

  await db.sql(insert);
  const ended = () => db.sql('select status, folder_url from tasks where completed_at is not null');
  const why = () => `the task ends; the daemon says: ${daemon.stderr()}`;
  const [task] = await until(async () => (await ended()).length > 0 && ended(), { why });

  expect(task).toMatchObject({ status: 'complete' });
  const { manifest } = await readTaskFolder(String(task?.folder_url));
  expect(new Set(manifest.files.map((file) => file.agent)).size).toBe(7);
  const polls = await db.sql(`select trigger from poll_runs where trigger <> 'start'`);
  expect(polls).toEqual([]);
});

test('poll --once works off what is due, says what came of it as JSON, and exits 0', async () => {
  await using db = await freshDatabase();
  await using home = await temporaryHome({ DATABASE_URL: db.adminUrl });
  await db.sql(insert);

  const { code, stdout, stderr } = await home.run('poll', '--once');

  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ claimed: expect.any(Number) });
  expect(await db.sql('select status from tasks')).toEqual([{ status: 'complete' }]);
  expect(await taskFolders(home.path)).toHaveLength(1);
  expect(await readReadyFile(home.path)).toBeUndefined();
  expect(await db.sql('select trigger from poll_runs')).toEqual([{ trigger: 'once' }]);
});

test('poll --once on a home with a daemon refuses, and names it', async () => {
  await using db = await freshDatabase();
  await using home = await temporaryHome({ DATABASE_URL: db.adminUrl });
  const daemon = await home.start({ args: ['--no-sample'] });

  const { code, stderr } = await home.run('poll', '--once');

  expect(code).toBe(1);
  expect(stderr).toContain(`pid ${daemon.pid}`);
});

const hourly = { NIGHTSHIFT_POLL_MINUTES: '60' };
