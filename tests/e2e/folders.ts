// What is published in the folder of a task, read back from the disk.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Manifest } from '../../src/deliver/folder/manifest.ts';

export type TaskFolder = {
  path: string;
  manifest: Manifest;
  /** Every file by its path below the folder. */
  files: string[];
  read(file: string): Promise<string>;
};

export async function readTaskFolder(address: string): Promise<TaskFolder> {
  const folder = address.startsWith('file:') ? fileURLToPath(address) : address;
  const read = (file: string): Promise<string> => readFile(path.join(folder, file), 'utf8');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.flatMap((entry) =>
    entry.isFile() ? [path.relative(folder, path.join(entry.parentPath, entry.name))] : [],
  );

  return {
    path: folder,
    manifest: Manifest.parse(JSON.parse(await read('manifest.json'))),
    files: files.toSorted(),
    read,
  };
}

/** Names of the folders of tasks on a home; drafts that are not in place yet do not count. */
export async function taskFolders(home: string): Promise<string[]> {
  const names = await readdir(path.join(home, 'outputs')).catch(() => []);

  return names.filter((name) => name.startsWith('task-'));
}

export async function sha256Of(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}
