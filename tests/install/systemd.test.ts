// The daemon under systemd: what is written, what systemctl is asked, and systemd's own opinion of the unit.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { createRunCommand } from '../../src/install/commands.ts';
import { createUnit } from '../../src/install/create-unit.ts';
import type { UnitOptions } from '../../src/install/unit.ts';
import { fakePrograms, systemctl, type Programs } from './programs.ts';
import { unitOptions } from './units.ts';

const analyse = ['/usr/bin/systemd-analyze', '/bin/systemd-analyze'].find(existsSync);

async function onLinux(given: Partial<UnitOptions> = {}, linger = 'yes') {
  const programs = await fakePrograms({
    systemctl,
    loginctl: `echo Linger=${linger}`,
    ...(analyse === undefined ? {} : { 'systemd-analyze': `exec ${analyse} "$@"` }),
  });
  const options = unitOptions(programs, given);

  return { programs, options, unit: createUnit('linux', options) };
}

const verbs = (programs: Programs) =>
  programs.calls('systemctl').filter((call) => !call.includes('show'));

test('installs a unit of the user, starts it, and asks for it to be started by itself', async () => {
  const { programs, options, unit } = await onLinux();
  await using _ = programs;

  const { changed, notes } = await unit.install();

  const { file, ...status } = await unit.status();
  const text = await readFile(file, 'utf8');
  expect({ changed, notes }).toEqual({ changed: true, notes: [] });
  expect(file).toBe(`${options.account.homeFolder}/.config/systemd/user/nightshift.service`);
  expect(text).toContain(
    `ExecStart="/bin/sh" "${path.resolve('bin/main.mjs')}" start --no-sample --supervised --home "${options.home}"\n`,
  );
  expect(text).toContain('Restart=on-failure\nRestartSec=10\nRestartPreventExitStatus=78\n');
  expect(text).not.toMatch(/\{\{|Environment|User=/);
  expect(verbs(programs)).toEqual([
    '--user daemon-reload',
    '--user enable nightshift.service',
    '--user restart nightshift.service',
  ]);
  expect(status).toMatchObject({ running: true, pid: 4242, unchanged: true });
});

test('a second install changes nothing, and starts nothing anew', async () => {
  const { programs, unit } = await onLinux();
  await using _ = programs;
  await unit.install();
  const before = verbs(programs);

  expect(await unit.install()).toMatchObject({ changed: false });

  expect(verbs(programs)).toEqual(before);
});

test('says that a unit of a user who does not linger ends with the session', async () => {
  const { programs, unit } = await onLinux({}, 'no');
  await using _ = programs;

  const { notes } = await unit.install();

  expect(notes.join()).toContain('loginctl enable-linger sam');
});

test('sees that a unit was changed by hand, and puts it right', async () => {
  const { programs, unit } = await onLinux();
  await using _ = programs;
  await unit.install();
  const { file } = await unit.status();
  await writeFile(file, `${await readFile(file, 'utf8')}\n# mine\n`);
  expect(await unit.status()).toMatchObject({ unchanged: false });

  await unit.install();

  expect(await unit.status()).toMatchObject({ unchanged: true });
});

test('uninstalls what is there, twice without complaint', async () => {
  const { programs, unit } = await onLinux();
  await using _ = programs;
  await unit.install();

  const both = [await unit.uninstall(), await unit.uninstall()];

  expect(both.map(({ changed }) => changed)).toEqual([true, false]);
  expect(verbs(programs)).toContain('--user disable --now nightshift.service');
  expect(await unit.status()).toMatchObject({ installed: false, running: false });
});

test('without a session it says how to get one', async () => {
  const { programs, unit } = await onLinux();
  await using _ = programs;
  await programs.set('no-bus', '');

  await expect(unit.install()).rejects.toThrow(
    /Failed to connect to bus.*Log in as sam.*loginctl enable-linger sam/,
  );
});

test('refuses a home that no unit can hold', async () => {
  const { programs, unit } = await onLinux({ home: '/tmp/nightshift-one\nUser=root' });
  await using _ = programs;

  await expect(unit.install()).rejects.toThrow(/characters that no unit can hold/);
});

test.skipIf(analyse === undefined).for(['user', 'system'] as const)(
  'systemd has nothing to say against the unit of a %s, whatever the home is called',
  async (scope) => {
    const probe = await onLinux();
    await using programs = probe.programs;
    const home = path.join(programs.folder, `50% of $HOME's "best"\\ folder`);
    const account = { ...probe.options.account, name: 'root' };
    const options = { ...probe.options, scope, home, account };
    await createUnit('linux', options).install();
    const { file } = await createUnit('linux', options).status();

    const { stderr } = await createRunCommand()(analyse ?? '', ['verify', file]);

    expect(stderr.split('\n').filter((line) => line.includes('nightshift'))).toEqual([]);
  },
);

test('names with signs of systemd in them arrive as they are', async () => {
  const odd = await onLinux();
  await using programs = odd.programs;
  const home = path.join(programs.folder, '50% of $HOME');
  const passing = path.join(programs.folder, 'node_modules', 'node');
  await mkdir(path.dirname(passing));
  await copyFile('/bin/true', passing);
  const node = { path: passing, version: 'v24.0.0', candidates: [] };
  const unit = createUnit('linux', { ...odd.options, home, node });

  await unit.install();

  const text = await readFile((await unit.status()).file, 'utf8');
  const line = /^ExecStart=(.*)$/m.exec(text)?.[1] ?? '';
  const escaped = `${programs.folder}/50%% of $HOME`;
  // Variables are replaced behind the program only.
  expect(line.startsWith(`"${escaped}/bin/node" `)).toBe(true);
  expect(line.endsWith(` --home "${escaped.replace('$', () => '$$')}"`)).toBe(true);
});

test.skipIf(analyse === undefined)('does not install what systemd refuses', async () => {
  const { programs, unit } = await onLinux({
    node: { path: '/nowhere/node', version: 'v24.0.0', candidates: [] },
  });
  await using _ = programs;

  await expect(unit.install()).rejects.toThrow(/systemd does not take the unit.*not executable/);

  expect(await unit.status()).toMatchObject({ installed: false });
  expect(verbs(programs)).toEqual([]);
});
