// A scratch folder for the folder sink, and the tree below it as a plain object.
import { lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import { createFolderSink } from '../../src/deliver/folder.ts';
import type { SinkAtWork } from '../contracts/sinks.ts';
import { silentLog } from './deliveries.ts';

/** `outside` is a sibling of the sink's root that nothing may ever reach. */
export type FolderAtWork = SinkAtWork & { root: string; outside: string };

export async function folderAtWork(): Promise<FolderAtWork> {
  const scratch = await mkdtemp(join(tmpdir(), 'nightshift-folder-'));
  const root = join(scratch, 'outputs');

  return {
    sink: createFolderSink({ root, log: silentLog }),
    root,
    outside: join(scratch, 'outside'),
    shown: () => treeOf(scratch, root),
    [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true }),
  };
}

/** Every file below `folder` with its text, hidden ones too; paths relative to `base`. */
export async function treeOf(
  folder: string,
  base: string = folder,
): Promise<Record<string, string>> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  const tree = files.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const text = entry.isFile() ? await readFile(path, 'utf8') : 'a link';
    return [relative(base, path), text] as const;
  });

  return Object.fromEntries((await Promise.all(tree)).toSorted());
}

export async function modeOf(path: string): Promise<string> {
  return ((await lstat(path)).mode & 0o777).toString(8);
}
