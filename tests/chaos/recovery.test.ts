// Under a supervisor that starts it again and again: after a few failures the daemon stays, says why, and comes back by itself.
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test, vi } from 'vitest';

import { crashStreak, recordCrash } from '../../src/daemon/crashes.ts';
import { readReadyFile } from '../../src/daemon/ready-file.ts';
import { readRecovery } from '../../src/daemon/recovery-file.ts';
import { readTroubles } from '../../src/daemon/trouble-file.ts';
import { type Home, temporaryHome } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { scaled } from './support/scale.ts';
import { type Supervisor, supervise } from './support/supervisor.ts';

// For a machine that has much else to do.
const boundMs = 100_000;
vi.setConfig({ testTimeout: scaled(2 * boundMs, 3_600_000) });

const soon = { NIGHTSHIFT_RECOVERY_FIRST_PAUSE_SECONDS: '0.3' };
// So that nothing but a changed file can have ended the pause.
const late = {
  NIGHTSHIFT_RECOVERY_FIRST_PAUSE_SECONDS: '3600',
  NIGHTSHIFT_RECOVERY_LONGEST_PAUSE_SECONDS: '86400',
};

const inRecovery = (home: Home, under: Supervisor) =>
  until(() => readRecovery(home.path) ?? undefined, { boundMs, why: under.said });
const serving = (home: Home, under: Supervisor) =>
  until(
    async () => {
      const ready = await readReadyFile(home.path);
      return ready?.pid === under.pid() ? ready : undefined;
    },
    { boundMs, why: under.said },
  );

/** As after so many failures in a row. */
async function failed(home: Home, kind: 'failed' | 'died', times: number): Promise<void> {
  await mkdir(path.join(home.path, 'run'), { recursive: true, mode: 0o700 });
  for (let left = times; left > 0; left -= 1) {
    recordCrash(home.path, {
      at: new Date().toISOString(),
      kind,
      code: 'unexpected',
      message: 'x',
    });
  }
}

test('a wrong configuration: few starts, few lines, then one process that says why until it is mended', async () => {
  await using db = await freshDatabase();
  await using home = await temporaryHome({ DATABASE_URL: db.adminUrl });
  await mkdir(home.path, { mode: 0o700 });
  const file = path.join(home.path, 'config.yaml');
  await writeFile(file, 'poll:\n  minutes: often\n');
  await using under = supervise(home, { env: { DATABASE_URL: db.adminUrl, ...soon } });

  await inRecovery(home, under);
  await until(() => (readRecovery(home.path)?.failures ?? 0) > 5, { boundMs });
  const asked = await Promise.all([
    home.run('status'),
    home.run('status', '--json'),
    home.run('start'),
  ]);
  const workers = await db.sql('select from workers');
  const exits = [...under.exits];
  const log = await readFile(path.join(home.path, 'logs', 'nightshift.log'), 'utf8');
  await writeFile(file, 'poll:\n  minutes: 15\n');
  const ready = await serving(home, under);

  expect({ exits, workers }).toEqual({ exits: [78, 78, 78], workers: [] });
  expect(log.trim().split('\n').length).toBeLessThan(5);
  const [people, json, second] = asked;
  expect(people).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^Daemon +recovery mode since/),
  });
  expect(people.stdout).toMatch(/^Reason +.*poll\.minutes = often \(config\.yaml\)/m);
  expect(people.stdout).toMatch(/^What to do +Mend it in config\.yaml/m);
  expect(JSON.parse(json.stdout)).toMatchObject({
    daemon: { recovery: { pid: ready.pid, code: 'config_invalid' } },
  });
  expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining(`pid ${ready.pid}`) });
  expect({ after: readRecovery(home.path), exits: under.exits }).toEqual({ after: null, exits });
  expect(crashStreak(home.path, Date.now())).toEqual([]);
  expect(await under.stop()).toBe(0);
});

test('a broken agent file is noticed the moment that it is mended, however long the pause', async () => {
  await using db = await freshDatabase();
  await using home = await temporaryHome();
  await failed(home, 'failed', 3);
  const agents = path.join(path.dirname(home.path), 'agents');
  await cp('agents', agents, { recursive: true });
  const echo = path.join(agents, 'echo.md');
  const text = await readFile(echo, 'utf8');
  await writeFile(echo, text.replace('name: echo', 'name: 7'));
  const env = { DATABASE_URL: db.adminUrl, NIGHTSHIFT_AGENTS_FOLDER: agents, ...late };
  await using under = supervise(home, { env });

  const recovery = await inRecovery(home, under);
  await writeFile(echo, text);
  await serving(home, under);

  expect(recovery).toMatchObject({ code: 'agent_definition_invalid', failures: 4 });
  expect(under.exits).toEqual([]);
});

test('a database out of reach: it waits for it, and serves when it is there', async () => {
  await using db = await freshDatabase();
  await using proxy = await startProxy(db.adminUrl);
  proxy.cut();
  await using home = await temporaryHome();
  await failed(home, 'failed', 3);
  await using under = supervise(home, { env: { DATABASE_URL: proxy.url(db.adminUrl), ...soon } });

  const recovery = await inRecovery(home, under);
  proxy.restore();
  await serving(home, under);

  expect(recovery).toMatchObject({ code: 'database_unavailable' });
  expect(under.exits).toEqual([]);
});

test('told to end, it ends well', async () => {
  await using home = await temporaryHome();
  await failed(home, 'failed', 3);
  await using under = supervise(home, { env: { NIGHTSHIFT_POLL_MINUTES: 'often', ...late } });
  await inRecovery(home, under);

  const end = await under.stop();

  expect({ end, exits: under.exits, recovery: readRecovery(home.path) }).toEqual({
    end: 0,
    exits: [0],
    recovery: null,
  });
});

test('a daemon that dies of its own errors pauses before the next start, and keeps the secrets', async () => {
  await using db = await freshDatabase();
  await using home = await temporaryHome();
  await failed(home, 'died', 1);
  const dies = await home.write('dies', '');
  const key = 'sk-planted-in-an-error-0123456789';
  const env = { DATABASE_URL: db.adminUrl, DIES: dies, OPENAI_API_KEY: key, ...soon };
  await using under = supervise(home, {
    env,
    imports: [path.resolve('tests/chaos/children/dies-while-serving.ts')],
  });

  const recovery = await inRecovery(home, under);
  const exits = [...under.exits];
  const record = await readFile(path.join(home.path, 'run', 'crashes.json'), 'utf8');
  await rm(dies);
  const ready = await serving(home, under);

  expect(exits).toEqual([1, 1]);
  expect(recovery).toMatchObject({ code: 'unexpected', failures: 3 });
  expect(recovery.reason).toContain('a part broke, and quoted');
  expect(record + recovery.reason + under.said()).not.toContain(key);
  expect(ready.pid).toBe(under.pid());
  expect(await under.stop()).toBe(0);
});

test('a daemon whose database vanishes stays, and `status` says since when and why', async () => {
  await using db = await freshDatabase();
  await using proxy = await startProxy(db.adminUrl);
  await using home = await temporaryHome({ DATABASE_URL: proxy.url(db.adminUrl) });
  await using daemon = await home.start({
    args: ['--no-sample'],
    env: { NIGHTSHIFT_QUEUE_LEASE_SECONDS: '1' },
  });
  const troubles = () => readTroubles(home.path, daemon.pid).map(({ kind }) => kind);

  proxy.cut();
  await until(() => troubles().includes('database'));
  const [people, json] = [await home.run('status'), await home.run('status', '--json')];
  proxy.restore();
  await until(() => troubles().length === 0);
  const after = await home.run('status');

  expect(people).toMatchObject({ code: 1, stdout: expect.stringContaining(`pid ${daemon.pid}`) });
  expect(people.stdout).toMatch(/^Database +since .*The database does not answer/m);
  expect(JSON.parse(json.stdout)).toMatchObject({
    daemon: { pid: daemon.pid, troubles: [{ kind: 'database' }] },
    error: { code: 'database_unavailable' },
  });
  expect(after).toMatchObject({ code: 0, stdout: expect.not.stringMatching(/^Database/m) });
  expect(await daemon.stop()).toBe(0);
});

test('kills leave no record, and never lead to recovery mode', async () => {
  await using db = await freshDatabase();
  await using home = await temporaryHome();
  await using under = supervise(home, { env: { DATABASE_URL: db.adminUrl, ...late } });
  const times = scaled(4, 40);

  for (let left = times; left > 0; left -= 1) {
    const { pid } = await serving(home, under);
    process.kill(pid, 'SIGKILL');
    await until(() => under.pid() !== pid, { boundMs });
  }
  await serving(home, under);

  expect(under.exits).toEqual(Array(times).fill('SIGKILL'));
  expect(crashStreak(home.path, Date.now())).toEqual([]);
});
