// The way into a clone: what is missing gets installed, and the command then runs as if nothing had been in between.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { freshFolder, type TestFolder } from '../support/folder.ts';

const lock = { packages: { '': {}, 'node_modules/one': { version: '2.0.0' } } };
const args = `console.log(JSON.stringify(process.argv.slice(2)));`;

/** A clone with our own bin/, one dependency, a command that prints its arguments, and an npm that installs by `script`. */
async function clone(script: string): Promise<TestFolder> {
  const folder = await freshFolder();
  const at = (...parts: string[]) => path.join(folder.path, ...parts);
  await cp('bin', at('bin'), { recursive: true });
  await mkdir(at('src', 'cli'), { recursive: true });
  await writeFile(at('package.json'), '{"type": "module"}');
  await writeFile(at('package-lock.json'), JSON.stringify(lock));
  await writeFile(at('src', 'cli', 'main.ts'), args);
  await writeFile(at('npm'), `#!/bin/sh\necho "$@" >> npm.calls\n${script}\n`);
  await chmod(at('npm'), 0o755);

  return folder;
}

const install = `mkdir -p node_modules/one; cp package-lock.json node_modules/.package-lock.json; echo noise`;

function run(folder: TestFolder, ...given: string[]): ChildProcess {
  const PATH = `${folder.path}:${process.env.PATH}`;
  return spawn(process.execPath, given, { cwd: folder.path, env: { ...process.env, PATH } });
}

async function ended(child: ChildProcess) {
  const result = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (result.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (result.stderr += chunk.toString()));
  const [code, signal] = await once(child, 'close');

  return { ...result, code, signal };
}

test('installs what is missing, once, and keeps stdout for the command', async () => {
  await using folder = await clone(install);

  const first = await ended(run(folder, 'bin/nightshift.mjs', 'list', '--json'));
  const second = await ended(run(folder, 'bin/nightshift.mjs', 'list'));

  expect(first).toMatchObject({ code: 0, stdout: '["list","--json"]\n' });
  expect(first.stderr).toMatch(/installing dependencies \(one is missing.*noise.*are installed/s);
  expect(second).toMatchObject({ code: 0, stderr: '' });
  const calls = await readFile(path.join(folder.path, 'npm.calls'), 'utf8');
  expect(calls.trim().split('\n')).toHaveLength(1);
});

test('installs again when the lockfile asks for another version', async () => {
  await using folder = await clone(install);
  await ended(run(folder, 'bin/nightshift.mjs'));
  const newer = { packages: { ...lock.packages, 'node_modules/one': { version: '2.1.0' } } };
  await writeFile(path.join(folder.path, 'package-lock.json'), JSON.stringify(newer));

  const { stderr } = await ended(run(folder, 'bin/nightshift.mjs'));

  expect(stderr).toMatch(/one is missing or of another version/);
});

test('two commands at once install once', async () => {
  await using folder = await clone(install);

  const results = await Promise.all(
    ['a', 'b'].map((name) => ended(run(folder, 'bin/nightshift.mjs', name))),
  );

  expect(results.map(({ stdout }) => stdout)).toEqual(['["a"]\n', '["b"]\n']);
  const calls = await readFile(path.join(folder.path, 'npm.calls'), 'utf8');
  expect(calls.trim().split('\n')).toHaveLength(1);
});

test('a failed installation ends the command with its code and a word of advice', async () => {
  await using folder = await clone('echo "no network" >&2; exit 7');

  const { code, stdout, stderr } = await ended(run(folder, 'bin/nightshift.mjs'));

  expect({ code, stdout }).toEqual({ code: 7, stdout: '' });
  expect(stderr).toMatch(/no network.*npm ci failed: mend what it reports/s);
});

test('a child that stands in passes arguments, exit codes and signals on', async () => {
  await using folder = await clone(install);
  const wait = `process.on('SIGTERM', () => process.exit(5)); console.log('up'); setInterval(() => {}, 1e6);`;
  await writeFile(path.join(folder.path, 'src', 'wait.mjs'), wait);
  await writeFile(
    path.join(folder.path, 'src', 'die.mjs'),
    `process.kill(process.pid, 'SIGKILL');`,
  );

  const child = run(folder, 'bin/run.mjs', 'src/wait.mjs');
  const end = ended(child);
  child.stdout?.once('data', () => child.kill('SIGTERM'));

  expect(await end).toMatchObject({ code: 5, stdout: 'up\n' });
  expect(await ended(run(folder, 'bin/run.mjs', 'src/die.mjs'))).toMatchObject({
    signal: 'SIGKILL',
  });
});
