// The daemon under launchd: what is written, what launchctl is asked, and how it copes with launchctl's answers.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { parse } from 'plist';
import { expect, test } from 'vitest';

import { createUnit } from '../../src/install/create-unit.ts';
import type { UnitOptions } from '../../src/install/unit.ts';
import { fakePrograms, launchctl, type Programs } from './programs.ts';
import { unitOptions } from './units.ts';

async function onMac(domains: string, given: Partial<UnitOptions> = {}) {
  const programs = await fakePrograms({ launchctl, fdesetup: 'echo "FileVault is Off."' });
  await programs.set('domains', domains);
  const options = unitOptions(programs, given);

  return { programs, options, unit: createUnit('darwin', options) };
}

const atScreen = 'gui/501\nuser/501\nsystem\n';
const overSsh = 'user/501\nsystem\n';
const verbs = (programs: Programs) =>
  programs
    .calls('launchctl')
    .filter((call) => !call.startsWith('print'))
    .map((call) => call.split(' ').slice(0, 2).join(' '));

test('installs a LaunchAgent that comes back after a crash, and not after an end on purpose', async () => {
  const { programs, options, unit } = await onMac(atScreen);
  await using _ = programs;

  const { changed } = await unit.install();

  const { file } = await unit.status();
  expect(changed).toBe(true);
  expect(file).toBe(
    `${options.account.homeFolder}/Library/LaunchAgents/dev.nightshift.daemon.plist`,
  );
  expect(parse(await readFile(file, 'utf8'))).toEqual({
    Label: 'dev.nightshift.daemon',
    ProgramArguments: [
      '/bin/sh',
      path.resolve('bin/main.mjs'),
      'start',
      '--no-sample',
      '--supervised',
      '--home',
      options.home,
    ],
    WorkingDirectory: options.home,
    LimitLoadToSessionType: 'Aqua',
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 10,
    ExitTimeOut: 45,
    ProcessType: 'Standard',
    Umask: 0o077,
    StandardOutPath: `${options.home}/logs/service.log`,
    StandardErrorPath: `${options.home}/logs/service.log`,
  });
  expect(verbs(programs)).toEqual(['enable gui/501/dev.nightshift.daemon', 'bootstrap gui/501']);
  // launchd makes the file, but no folder.
  expect(existsSync(`${options.home}/logs`)).toBe(true);
});

test('a second install changes nothing, and starts nothing anew', async () => {
  const { programs, unit } = await onMac(atScreen);
  await using _ = programs;
  await unit.install();
  const before = verbs(programs);

  const again = await unit.install();

  expect(again.changed).toBe(false);
  expect(verbs(programs)).toEqual(before);
  expect(await unit.status()).toMatchObject({ running: true, pid: 4242, unchanged: true });
});

test('replaces a unit that differs, and waits until launchd has let go of the old one', async () => {
  const { programs, unit } = await onMac(atScreen);
  await using _ = programs;
  await unit.install();
  const { file } = await unit.status();
  await writeFile(file, (await readFile(file, 'utf8')).replace('<integer>10<', '<integer>1<'));
  await programs.set('slow', '3');
  await programs.set('busy', '2');
  expect(await unit.status()).toMatchObject({ installed: true, unchanged: false });

  const { changed } = await unit.install();

  expect(changed).toBe(true);
  expect(await unit.status()).toMatchObject({ running: true, unchanged: true });
  expect(verbs(programs).slice(2)).toEqual([
    'bootout gui/501/dev.nightshift.daemon',
    'enable gui/501/dev.nightshift.daemon',
    ...Array.from({ length: 3 }, () => 'bootstrap gui/501'),
  ]);
});

test('over SSH it goes into the domain of the user, and says what that means', async () => {
  const { programs, unit } = await onMac(overSsh);
  await using _ = programs;

  const { notes } = await unit.install();

  const { file, running, unchanged } = await unit.status();
  expect({ running, unchanged }).toEqual({ running: true, unchanged: true });
  expect(parse(await readFile(file, 'utf8'))).toMatchObject({
    LimitLoadToSessionType: 'Background',
  });
  expect(notes.join()).toContain('not logged in at the screen');
});

test('for the system it is a LaunchDaemon under the name of its user', async () => {
  const { programs, options, unit } = await onMac(overSsh, { scope: 'system' });
  await using _ = programs;

  await unit.install();

  const file = path.join(options.root, 'Library/LaunchDaemons/dev.nightshift.daemon.plist');
  const written = parse(await readFile(file, 'utf8'));
  expect(written).toMatchObject({ UserName: 'sam' });
  expect(written).not.toHaveProperty('LimitLoadToSessionType');
  expect(verbs(programs)).toEqual(['enable system/dev.nightshift.daemon', 'bootstrap system']);
});

test('uninstalls what is there, twice without complaint, and leaves the home alone', async () => {
  const { programs, options, unit } = await onMac(atScreen);
  await using _ = programs;
  await unit.install();

  const first = await unit.uninstall();
  const second = await unit.uninstall();

  expect([first.changed, second.changed]).toEqual([true, false]);
  expect(await unit.status()).toMatchObject({ installed: false, running: false, unchanged: null });
  expect(existsSync(options.home)).toBe(true);
});

test('restarts a loaded job, loads one that is not, and names what is missing', async () => {
  const { programs, unit } = await onMac(atScreen);
  await using _ = programs;
  await expect(unit.restart()).rejects.toThrow(
    'it is not installed: run nightshift service install',
  );
  await unit.install();

  await unit.restart();

  expect(verbs(programs).at(-1)).toBe('kickstart -k');
  expect(await unit.status()).toMatchObject({ pid: 4343 });
});

test('says in full what launchctl refuses', async () => {
  const { programs, unit } = await onMac(atScreen);
  await using _ = programs;
  await programs.set('busy', '1000');

  await expect(unit.install()).rejects.toThrow(
    /launchctl bootstrap gui\/501 .*Bootstrap failed: 37: Operation already in progress \(37\)/,
  );
});

test('copies a Node that the next upgrade would take away, and takes a new one over', async () => {
  const { programs, options } = await onMac(atScreen);
  await using _ = programs;
  const cellar = path.join(programs.folder, 'Cellar', 'node@24', '24.21.0', 'bin', 'node');
  await mkdir(path.dirname(cellar), { recursive: true });
  await writeFile(cellar, 'one', { mode: 0o755 });
  const at = (version: string) =>
    createUnit('darwin', { ...options, node: { path: cellar, version, candidates: [] } });
  await at('v24.21.0').install();
  const copy = path.join(options.home, 'bin', 'node');
  expect(parse(await readFile((await at('v24.21.0').status()).file, 'utf8'))).toMatchObject({
    ProgramArguments: expect.arrayContaining([copy]),
  });

  await writeFile(cellar, 'two', { mode: 0o755 });
  const stale = await at('v24.22.0').status();
  const { changed } = await at('v24.22.0').install();

  expect({ stale: stale.unchanged, changed }).toEqual({ stale: false, changed: true });
  expect(await readFile(copy, 'utf8')).toBe('two');
  expect(await readFile(`${copy}.version`, 'utf8')).toBe('v24.22.0\n');
});

test('prefers a Node under a name that stays to a copy, if it is new enough', async () => {
  const { programs, options } = await onMac(atScreen);
  await using _ = programs;
  const nodes = await Promise.all(
    ['v22.1.0', 'v24.3.0'].map(async (version) => {
      const file = path.join(programs.folder, version);
      await writeFile(file, `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
      return file;
    }),
  );
  const passing = '/opt/homebrew/Cellar/node@24/24.3.0/bin/node';
  const node = { path: passing, version: 'v24.3.0', candidates: ['/nowhere/node', ...nodes] };

  await createUnit('darwin', { ...options, node }).install();

  const { file } = await createUnit('darwin', { ...options, node }).status();
  const program: unknown = parse(await readFile(file, 'utf8'));
  expect(program).toMatchObject({ ProgramArguments: expect.arrayContaining([nodes[1]]) });
  expect(existsSync(path.join(options.home, 'bin'))).toBe(false);
});
