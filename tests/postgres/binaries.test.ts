// The programs of PostgreSQL as npm leaves them: with and without install scripts, and not at all.
import { execFile } from 'node:child_process';
import { cp, lstat, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

import { findBinaries, nativeFolder, restoreLinks } from '../../src/postgres/binaries.ts';

const run = promisify(execFile);

test('makes the links that blocked install scripts left out, and leaves those alone that are there', async () => {
  await using copy = await copyWithoutLinks();
  const postgres = join(copy.path, 'native', 'bin', 'postgres');
  const [link = ''] = await linksOf(copy.path);

  await restoreLinks(copy.path);
  const { ino } = await lstat(link);
  await restoreLinks(copy.path);

  const { stdout } = await run(postgres, ['--version'], { env: {} });
  expect(stdout).toContain('PostgreSQL) 17.');
  expect((await lstat(link)).ino).toBe(ino);
});

test('says what to do where there is no package', async () => {
  await expect(findBinaries('plan9', 'mips')).rejects.toMatchObject({
    code: 'postgres_failed',
    message: expect.stringMatching(/plan9-mips.*DATABASE_URL/),
  });
});

// Not in memory: programs may be barred from running there.
async function copyWithoutLinks(): Promise<AsyncDisposable & { path: string }> {
  const native = nativeFolder(await findBinaries());
  const path = await mkdtemp(join(tmpdir(), 'nightshift-package-'));
  for (const part of ['bin/postgres', 'lib', 'pg-symlinks.json']) {
    const target = join(path, 'native', part);
    await cp(join(native, part), target, { recursive: true, verbatimSymlinks: true });
  }
  for (const link of await linksOf(path)) await rm(link, { force: true });

  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function linksOf(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8');
  const links: { target: string }[] = JSON.parse(text);

  return links.map(({ target }) => join(folder, target));
}
