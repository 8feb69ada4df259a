// The doctor on a machine in good order, and on machines where one thing is wrong.
import { chmod, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';

import { expect, test } from 'vitest';

import { runDoctor } from '../../src/install/doctor.ts';
import type { DatabaseFacts } from '../../src/install/ports.ts';
import {
  check,
  configWith,
  databaseFacts,
  healthyMachine,
  homeFacts,
  spoolFacts,
  idleState,
  resultOf,
  serviceRole,
  unitWith,
} from './doctor-ports.ts';
import { fakePrograms } from './programs.ts';

test('finds nothing on a machine in good order, and leaves out what is not set up', async () => {
  await using machine = await healthyMachine();

  const results = await runDoctor(machine.ports, { fix: false });

  const by = (status: string) => results.filter((one) => one.status === status).map(({ id }) => id);
  expect({ warn: by('warn'), fail: by('fail') }).toEqual({ warn: [], fail: [] });
  expect(by('skip')).toEqual([
    'pooler',
    'supabase-keys',
    'model',
    'clock',
    'drive',
    'telegram',
    'telegram-poller',
    'telegram-chats',
  ]);
  expect(by('ok')).toEqual([
    'node',
    'disk',
    'sleep',
    'filevault',
    'home',
    'config',
    'secrets',
    'ports',
    'daemon',
    'spool',
    'install-scripts',
    'database',
    'database-version',
    'schema',
    'roles',
    'stuck-work',
    'service',
  ]);
});

test('every finding that is not good says what to do', async () => {
  await using machine = await healthyMachine({
    database: () => Promise.reject(new Error('down')),
    homeFacts: async () => ({ owner: null, left: null, isTaken: false }),
    units: [],
  });

  const results = await runDoctor(machine.ports, { fix: false });

  const bad = results.filter(({ status }) => status === 'warn' || status === 'fail');
  expect(bad.map(({ id }) => id)).toEqual(['daemon', 'database', 'service']);
  expect(bad.filter(({ mend }) => mend === null)).toEqual([]);
});

test('a check that hangs or throws is a finding, and holds no other up', async () => {
  const never = new Promise<DatabaseFacts>(() => undefined);

  const hung = await check('database', { database: () => never }, { limitMs: 200 });
  const thrown = await check('secrets', { homeFacts: () => Promise.reject(new Error('odd')) });
  const other = await check('node', { database: () => never }, { limitMs: 200 });

  expect(hung).toMatchObject({ status: 'fail', message: 'no answer within 0.2 s' });
  expect(thrown).toMatchObject({ status: 'fail', message: 'the check itself failed: odd' });
  expect(other.status).toBe('ok');
});

test('closes a home and its secrets that others can read, when asked to', async () => {
  await using machine = await healthyMachine();
  const envFile = path.join(machine.home, '.env');
  await writeFile(envFile, '');
  await chmod(envFile, 0o640);
  await chmod(machine.home, 0o755);
  const before = await runDoctor(machine.ports, { fix: false });

  const after = await runDoctor(machine.ports, { fix: true });

  expect(resultOf('home', before)).toMatchObject({ status: 'fail', fixed: null });
  expect(resultOf('secrets', before).message).toContain(envFile);
  expect(resultOf('home', after)).toMatchObject({
    status: 'ok',
    fixed: `closed ${machine.home} to others`,
  });
  expect(resultOf('secrets', after)).toMatchObject({ status: 'ok' });
  expect((await stat(machine.home)).mode & 0o066).toBe(0);
  expect((await stat(envFile)).mode & 0o777).toBe(0o600);
});

test('puts the ready file of a dead daemon aside, when asked to', async () => {
  let left: typeof homeFacts.owner = homeFacts.owner;
  const given = {
    homeFacts: async () => ({ owner: null, left, isTaken: false }),
    setAside: async () => void (left = null),
  };

  const seen = await check('daemon', given);
  const mended = await check('daemon', given, { fix: true });

  expect(seen).toMatchObject({ status: 'warn', message: expect.stringContaining('pid 4242') });
  expect(mended).toMatchObject({ message: 'no daemon runs', fixed: 'put its ready file aside' });
});

test('makes the library links that npm did not, when asked to', async () => {
  let missingLinks = ['native/lib/libpq.so.5'];
  const programs = async () => ({ postgres: '/bin/true', missingLinks });
  const given = { programs, restoreLinks: async () => void (missingLinks = []) };

  const seen = await check('install-scripts', given);
  const mended = await check('install-scripts', given, { fix: true });

  expect(seen).toMatchObject({
    status: 'fail',
    message: expect.stringContaining('install scripts'),
  });
  expect(mended).toMatchObject({ status: 'ok', fixed: 'made 1 library links' });
});

test('a PostgreSQL that does not run is told with its own words', async () => {
  await using programs = await fakePrograms({ broken: 'echo "dyld: no libpq" >&2; exit 6' });
  const postgres = path.join(programs.folder, 'bin', 'broken');

  const found = await check('install-scripts', {
    programs: async () => ({ postgres, missingLinks: [] }),
  });

  expect(found).toMatchObject({
    status: 'fail',
    message: 'PostgreSQL does not run (dyld: no libpq)',
  });
});

const superuser = {
  login: { name: 'postgres', isSuperuser: true },
  role: { name: 'postgres', isSuperuser: true, ownsTables: true },
};
const waiting = { ...idleState, runsWaiting: 2, oldestWaitingSeconds: 60 };
const findings: [string, Partial<DatabaseFacts>, string, RegExp][] = [
  ['schema', { pending: ['20261122000100_clock.sql'] }, 'fail', /1 migrations are missing/],
  ['schema', { newer: 'it has 2030' }, 'fail', /it has 2030/],
  ['schema', { edited: ['20261122000100_clock.sql'] }, 'warn', /changed after .*_clock.sql/],
  ['database-version', { serverVersion: 140_012 }, 'fail', /PostgreSQL 14.12 is too old/],
  ['database-version', { serverVersion: 160_002 }, 'warn', /PostgreSQL 16.2/],
  ['roles', { roles: superuser }, 'fail', /done as postgres, who is a superuser/],
  [
    'roles',
    { roles: { ...superuser, role: serviceRole } },
    'warn',
    /the login postgres is a superuser/,
  ],
  [
    'stuck-work',
    { failing: [{ sink: 'drive', count: 3, error: 'full' }] },
    'warn',
    /drive fail: full/,
  ],
  ['stuck-work', { state: waiting }, 'fail', /2 runs wait, and no worker lives/],
];

test.for(findings)('%s: %j is a finding', async ([id, facts, status, message]) => {
  const found = await check(id, { database: async () => ({ ...databaseFacts, ...facts }) });

  expect(found.status).toBe(status);
  expect(found.message).toMatch(message);
});

test('the transaction pooler of Supabase is refused as a database', async () => {
  const url = 'postgres://me:secret-word@db.example.com:6543/postgres';

  const found = await check('pooler', { config: configWith({ DATABASE_URL: url }) });

  expect(found.status).toBe('fail');
  expect(JSON.stringify(found)).not.toContain('secret-word');
});

test('a broken configuration is told in one line, and the rest is still looked at', async () => {
  await using machine = await healthyMachine({
    config: null,
    configProblem: 'The configuration is not valid:\n  poll.minutes = often',
  });

  const results = await runDoctor(machine.ports, { fix: false });

  expect(resultOf('config', results)).toMatchObject({
    status: 'fail',
    message: 'The configuration is not valid: poll.minutes = often',
  });
  expect(resultOf('database', results).status).toBe('skip');
  expect(resultOf('disk', results).status).toBe('ok');
});

test('a Mac that falls asleep, or stays off after a power cut, does no work', async () => {
  await using sleepy = await fakePrograms({ pmset: `printf ' sleep\\t\\t10\\n'` });
  await using off = await fakePrograms({ pmset: `printf ' sleep 0\\n autorestart 0\\n'` });

  expect(await check('sleep', { run: sleepy.run })).toMatchObject({
    status: 'warn',
    mend: 'run sudo pmset -a sleep 0',
  });
  expect(await check('sleep', { run: off.run })).toMatchObject({
    mend: 'run sudo pmset -a autorestart 1',
  });
  expect(await check('sleep', { platform: 'linux' })).toMatchObject({ status: 'skip' });
});

test('FileVault, or a login item without a login, keep the daemon down after a power cut', async () => {
  await using vault = await fakePrograms({ fdesetup: 'echo "FileVault is On."' });
  const noLogin = { fdesetup: 'echo "FileVault is Off."', defaults: 'exit 1' };
  await using manual = await fakePrograms(noLogin);
  const system = [unitWith({ scope: 'system' })];

  const findings = await Promise.all([
    check('filevault', { run: vault.run }),
    check('filevault', { run: manual.run }),
    check('filevault', { run: manual.run, units: system }),
  ]);

  expect(findings.map(({ status }) => status)).toEqual(['warn', 'warn', 'ok']);
  expect(findings[1].mend).toContain('service install --system');
});

test.for([
  [{ installed: false, running: false }, /not installed/],
  [{ running: false, pid: null, lastExit: '78' }, /not running \(last exit: 78\)/],
  [{ unchanged: false }, /not what this version would install/],
] as const)('the service: %j is a finding', async ([status, message]) => {
  const found = await check('service', { units: [unitWith(status)] });

  expect(found.status).toBe('warn');
  expect(found.message).toMatch(message);
});

test('a daemon of another version is to be restarted', async () => {
  expect(await check('daemon', { version: '1.2.4' })).toMatchObject({
    status: 'warn',
    mend: 'restart it: nightshift service restart',
  });
});

test('a port that another program has is named', async () => {
  await using server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const config = configWith();
  const api = { port };
  Object.assign(config.settings, { api });

  const found = await check('ports', {
    config,
    homeFacts: async () => ({ owner: null, left: null, isTaken: false }),
  });

  expect(found).toMatchObject({
    status: 'fail',
    message: `port ${port} is taken by another program`,
  });
});

test.each([
  [{}, 'ok', /nothing waits/],
  [{ tasks: 1, steps: 3 }, 'warn', /1 briefs, 0 outcomes and 3 steps wait on the disk/],
  [{ late: 2, steps: 3 }, 'warn', /2 finished too late to count \(\S+spool\/late\)/],
  [{ refused: 1 }, 'warn', /1 refused by the database or unreadable \(\S+spool\/refused\)/],
])('says of a spool with %j: %s', async (change, status, message) => {
  const found = await check('spool', { spoolFacts: async () => ({ ...spoolFacts, ...change }) });

  expect(found).toMatchObject({ status, message: expect.stringMatching(message) });
});

test('a daemon in recovery mode, and one that serves but cannot work, are failures that say why', async () => {
  const recovery = {
    pid: 77,
    since: '2026-11-22T05:00:00.000Z',
    code: 'config_invalid',
    reason: 'no:\n  port',
  };
  const troubles = [{ message: 'only 3 MB free' }];

  const recovering = await check('daemon', {
    homeFacts: async () => ({ owner: null, left: null, isTaken: true, recovery }),
  });
  const waiting = await check('daemon', {
    homeFacts: async () => ({ ...homeFacts, troubles }),
  });

  expect(recovering).toMatchObject({
    status: 'fail',
    message: expect.stringMatching(/in recovery mode since .* \(pid 77\): no: port$/),
    mend: expect.stringContaining('config.yaml'),
  });
  expect(waiting).toMatchObject({
    status: 'fail',
    message: expect.stringContaining('only 3 MB free'),
  });
});
