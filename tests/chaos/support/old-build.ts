// The build before: the last commit with the migrations of the release, as an installation of its own beside ours.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { scratchFolder } from '../../support/cluster.ts';
import { releasedMigrations } from '../../support/released.ts';

export type OldBuild = AsyncDisposable & { root: string };
export type OldCommit = { type: 'found'; commit: string } | { type: 'absent'; reason: string };

const ours = fileURLToPath(new URL('../../../', import.meta.url));
const folder = 'supabase/migrations';
const run = promisify(execFile);

/** The last commit before the migrations went beyond the release; absent where there is no history, as in shallow clones. */
export async function findOldCommit(): Promise<OldCommit> {
  try {
    const first = await firstBeyond();
    const commit = await git('rev-parse', '--verify', first === undefined ? 'HEAD' : `${first}^`);
    return { type: 'found', commit };
  } catch {
    return { type: 'absent', reason: 'no history of git reaches back to the release' };
  }
}

/** The oldest commit on the way to the release that has migrations which are not of it. */
async function firstBeyond(): Promise<string | undefined> {
  const commits = (await git('rev-list', '--first-parent', 'HEAD', '--', folder)).split('\n');
  let first: string | undefined;

  for (const commit of commits) {
    const files = (await git('ls-tree', '--name-only', `${commit}:${folder}`)).split('\n');
    if (files.every((file) => file in releasedMigrations)) return first;
    first = commit;
  }

  return first;
}

/** Puts that commit into a temporary folder, with the packages of ours. */
export async function unpackOldBuild(commit: string): Promise<OldBuild> {
  const root = await mkdtemp(path.join(await scratchFolder(), 'nightshift-old-'));
  const archive = path.join(root, 'archive.tar');
  await git('archive', '--output', archive, commit);
  await run('tar', ['-xf', archive, '-C', root]);
  await rm(archive);
  await symlink(path.join(ours, 'node_modules'), path.join(root, 'node_modules'));

  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

async function git(...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd: ours });

  return stdout.trim();
}
