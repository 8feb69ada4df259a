// The commands `service …` as people meet them, with a systemd that is a script.
import { randomUUID } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { takeHome } from '../../src/daemon/lock.ts';
import { writeReadyFile } from '../../src/daemon/ready-file.ts';
import { fakePrograms, type Programs, systemctl } from '../install/programs.ts';
import { runCli } from '../support/cli.ts';

const planted = 'sk-planted-0123456789';
const scripts = { systemctl, loginctl: 'echo Linger=no' };
const isLinux = process.platform === 'linux';

function service(programs: Programs, ...args: string[]) {
  const home = path.join(programs.folder, 'home');
  const env = { HOME: programs.folder, PATH: programs.path, OPENAI_API_KEY: planted };

  return runCli(['service', ...args, '--home', home], { env });
}

test.skipIf(!isLinux)(
  'installs, shows, restarts and removes the service, and no secret gets into it',
  async () => {
    await using programs = await fakePrograms(scripts);
    const unit = path.join(programs.folder, '.config/systemd/user/nightshift.service');

    const installed = await service(programs, 'install');
    const again = await service(programs, 'install');
    const text = await readFile(unit, 'utf8');
    const status = await service(programs, 'status');
    const restarted = await service(programs, 'restart', '--json');
    const removed = await service(programs, 'uninstall');
    const after = await service(programs, 'status', '--json');

    expect(installed).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`Installed ${unit}`),
    });
    expect(installed.stderr).toContain('loginctl enable-linger');
    expect(again.stdout).toContain('installed already');
    expect(text).not.toContain(planted);
    expect(status).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Running +yes, pid 4242/),
    });
    expect(JSON.parse(restarted.stdout)).toMatchObject({ status: { running: true } });
    expect(removed).toMatchObject({ code: 0, stdout: expect.stringContaining(`Removed ${unit}`) });
    expect(after.code).toBe(1);
    expect(JSON.parse(after.stdout)).toMatchObject({
      installed: false,
      running: false,
      unchanged: null,
    });
  },
);

test.skipIf(!isLinux)(
  'starts the service with a Node that stays when dependencies are installed anew',
  async () => {
    await using programs = await fakePrograms(scripts);
    await service(programs, 'install');
    const unit = path.join(programs.folder, '.config/systemd/user/nightshift.service');

    const [, node = ''] = /ExecStart="([^"]+)"/.exec(await readFile(unit, 'utf8')) ?? [];

    expect(node).not.toContain('node_modules');
    expect((await stat(node)).mode & 0o777).toBe(0o755);
  },
);

test.skipIf(!isLinux)('says what systemd said when it fails, and ends with 1', async () => {
  await using programs = await fakePrograms(scripts);
  await programs.set('no-bus', '');

  const { code, stderr } = await service(programs, 'install');

  expect(code).toBe(1);
  expect(stderr).toContain('Failed to connect to bus');
});

test.skipIf(!isLinux)('can be removed where the configuration is broken', async () => {
  await using programs = await fakePrograms(scripts);
  await service(programs, 'install');
  await writeFile(path.join(programs.folder, 'home', 'config.yaml'), 'poll: { minutes: often }');

  const { code } = await service(programs, 'uninstall');

  expect(code).toBe(0);
});

test.skipIf(!isLinux)('under sudo it wants to know whose home it is', async () => {
  await using programs = await fakePrograms(scripts);
  const env = {
    HOME: '/root',
    PATH: programs.path,
    SUDO_USER: 'sam',
    SUDO_UID: '501',
    SUDO_GID: '20',
  };

  const { code, stderr } = await runCli(['service', 'install', '--system'], { env });

  expect(code).toBe(2);
  // Whoever runs the tests as another user is refused for that.
  expect(stderr).toMatch(/--home ~sam\/\.nightshift|put sudo before it/);
});

test.skipIf(!isLinux)('says that a daemon in a terminal is in its way', async () => {
  await using programs = await fakePrograms(scripts);
  const home = path.join(programs.folder, 'home');
  const taken = await takeHome(home);
  const { pid } = process;
  const started = new Date().toISOString();
  const ready = { pid, worker_id: randomUUID(), version: '0', started_at: started };
  await writeReadyFile(home, { ...ready, profile: 'embedded' });

  const { stderr } = await service(programs, 'install');

  if (taken.type === 'held') taken.lock.release();
  expect(stderr).toContain(`another daemon has this home (pid ${pid})`);
});
