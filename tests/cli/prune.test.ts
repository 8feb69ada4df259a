// The command `prune`, and what the other commands say of what it took away.
import { expect, test } from 'vitest';

import { runCli } from '../support/cli.ts';
import { completed, deliverAll, freshQueue, type TestQueue } from '../support/queue.ts';
import { spawnNode } from '../support/spawned.ts';
import { until } from '../support/until.ts';

const day = 86_400;

test('removes what is older than a number of days, and says what', async () => {
  await using given = await freshQueue();
  const old = await endedTask(given, 'Old');
  await given.db.advance({ seconds: 31 * day });
  await endedTask(given, 'Young');

  const counted = await prune(given, '--older-than', '30', '--dry-run');
  const removed = await prune(given, '--older-than', '30');
  const again = await prune(given, '--older-than', '30');

  expect(counted).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Would remove:$/m) });
  expect(removed).toMatchObject({ code: 0, stderr: '' });
  expect(removed.stdout).toMatch(/^Removed:$/m);
  expect(removed.stdout).toMatch(/^ {2}1 +tasks, with all that belongs to them$/m);
  expect(again.stdout).toBe('Nothing is old enough to go.\n');
  expect(await given.queue.readTask(old)).toBeNull();
  expect(await given.db.sql('select title from tasks')).toEqual([{ title: 'Young' }]);
});

test('without an age it does what the settings say: by default no task and no file goes', async () => {
  await using given = await freshQueue();
  const id = await endedTask(given);
  await given.db.advance({ seconds: 1_000 * day });
  const before = await given.queue.readTask(id);

  const { code, stdout } = await prune(given, '--json');

  const removed = { steps: 1, progress: 2, attempts: 2, workers: 1 };
  expect({ code, ...JSON.parse(stdout) }).toEqual({ code: 0, dry_run: false, removed });
  expect(await given.queue.readTask(id)).toEqual(before);
});

test('counts as JSON what would go', async () => {
  await using given = await freshQueue();
  await endedTask(given);
  await given.db.advance({ seconds: 100 * day });

  const { stdout } = await prune(given, '--dry-run', '--json', '--set', 'retention.steps_days=off');

  expect(JSON.parse(stdout)).toEqual({
    dry_run: true,
    removed: { progress: 2, attempts: 2, workers: 1 },
  });
  expect(await given.db.sql('select from delivery_attempts')).toHaveLength(2);
});

test.each([
  [['--older-than', 'soon'], 'write a number of days, such as --older-than 90'],
  [['--older-than=-1'], 'write a number of days, such as --older-than 90'],
  [keepAllFlags(), 'the settings keep everything for ever'],
])('refuses %j', async (args, reason) => {
  await using given = await freshQueue();

  const { code, stderr } = await prune(given, ...args);

  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(reason) });
});

test('once contents are gone, results and status say where the files are', async () => {
  await using given = await freshQueue();
  const id = await endedTask(given);
  await given.db.advance({ seconds: 8 * day });
  const env = { DATABASE_URL: given.db.adminUrl };

  await prune(given, '--set', 'retention.contents_days=7');
  const results = await runCli(['results', id], { env });
  const status = await runCli(['status', id], { env });
  const listed = await runCli(['list'], { env });
  const note =
    /kept only where they were published; the database let go of them on \d{4}-\d\d-\d\d$/m;

  expect(results.stdout).toMatch(/^\/results$/m);
  expect(results.stdout).toMatch(/^ {2}echo\/echo\.md +echo$/m);
  expect(results.stdout).toMatch(note);
  expect(status.stdout).toMatch(note);
  expect(listed.stdout).toMatch(/complete +1\/1 .* Spring sale/);
});

test('once its progress is gone, a task still says how it ended', async () => {
  await using given = await freshQueue();
  const id = await endedTask(given);
  await given.db.advance({ seconds: 100 * day });
  const env = { DATABASE_URL: given.db.adminUrl };

  await prune(given);
  const logs = await runCli(['logs', id], { env });
  const watched = await runCli(['watch', id], { env });

  expect(logs.stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d .*complete/m);
  expect(watched).toMatchObject({ code: 0, stderr: expect.stringContaining('is complete') });
});

test('Ctrl-C ends it after the page under way, and the same command goes on', async () => {
  await using given = await freshQueue();
  await endedTask(given);
  await given.db.advance({ seconds: 31 * day });
  const holder = await given.db.admin.connect();
  await holder.query(`select pg_advisory_lock(hashtextextended('nightshift.prune', 0))`);
  await using child = spawnNode(['bin/nightshift.mjs', 'prune', '--older-than', '30'], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', DATABASE_URL: given.db.adminUrl },
    cwd: process.cwd(),
  });
  await until(async () => (await given.db.sql(waiting)).length > 0);

  child.kill('SIGINT');
  await holder.query('select pg_advisory_unlock_all()');
  holder.release();

  expect(await child.ended).toBe(130);
  expect(child.stdout()).toMatch(/^Removed:\n +1 +recorded model calls\n$/);
  expect(await given.db.sql('select from tasks')).toHaveLength(1);
  expect((await prune(given, '--older-than', '30')).stdout).toMatch(/^ +1 +tasks/m);
});

const waiting = `select from pg_locks where locktype = 'advisory' and not granted
  and database = (select oid from pg_database where datname = current_database())`;

function prune({ db }: TestQueue, ...args: string[]) {
  return runCli(['prune', ...args], { env: { DATABASE_URL: db.adminUrl } });
}

function keepAllFlags(): string[] {
  const kinds = ['steps', 'progress', 'polls'];
  return kinds.flatMap((kind) => ['--set', `retention.${kind}_days=0`]);
}

/** One agent, one step, one file, published and told; its worker has retired. */
async function endedTask(given: TestQueue, title = 'Spring sale'): Promise<string> {
  const worker = await given.worker();
  const { id } = await given.submit({ title, agents: ['echo'] });
  const runs = await worker.claim();
  await given.queue.recordSteps(
    runs.map((run) => ({
      runId: run.id,
      attempt: run.attempt,
      seq: 1,
      messages: [],
      usage: { calls: 1, tokensIn: 0, tokensOut: 0, tokensCached: 0, costUsd: 0, model: null },
      progress: { label: 'thinking', percent: 50, aiMessage: null },
    })),
  );
  await worker.settle(...runs.map(completed));
  await deliverAll(given, worker);

  return id;
}
