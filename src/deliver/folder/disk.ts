// Files and folders on disk: private, never through a link, and synced before anyone counts on them.
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, mkdir, open, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { appError } from '../../core/errors.ts';

const folderMode = 0o700;
const fileMode = 0o600;

/** What is at `path` itself, links not followed; null when nothing is. */
export async function look(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Makes sure that a real folder is at `path`. Throws `folder_refused` for a link or a file. */
export async function ensureFolder(path: string): Promise<void> {
  const found = await look(path);

  if (found === null) {
    await mkdir(path, { mode: folderMode });
    return;
  }
  if (!found.isDirectory()) refuse(path);
}

/** Writes a file that must not exist yet, and has it on disk when it returns. */
export async function writeNew(path: string, content: string | Uint8Array): Promise<void> {
  await using file = await open(path, 'wx', fileMode);
  await file.writeFile(content);
  await file.sync();
}

/** Has the entries of a folder on disk: without it a rename may be lost with the power. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

/** Puts a file in place of what is there. A link there is replaced, not followed. */
export async function putInPlace(from: string, to: string): Promise<void> {
  await ensureFolder(dirname(to));
  await rename(from, to);
}

/** Removes a file only while it is what we wrote, and its folder when that left it empty. */
export async function removeOwn(path: string, hashes: readonly string[]): Promise<void> {
  const parent = await look(dirname(path));
  if (parent === null) return;
  if (!parent.isDirectory()) refuse(dirname(path));

  const found = await look(path);
  if (found?.isFile() && hashes.includes(sha256Of(await readFile(path)))) {
    await rm(path, { force: true });
    await removeIfEmpty(dirname(path));
  }
}

export function sha256Of(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Throws `folder_refused`: a link could lead our files, or our deletions, anywhere. */
export function refuse(path: string): never {
  throw appError('folder_refused', {
    detail: `${path} is a link or a file where a folder should be. Remove or rename it, then retry`,
    path,
  });
}

async function removeIfEmpty(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    // People may keep files of their own beside ours; macOS says EEXIST where Linux says ENOTEMPTY.
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
