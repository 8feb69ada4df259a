// The folder of published results, into a backup and out of it.
import type { Dirent } from 'node:fs';
import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';

import { damaged, type Entry } from './tar.ts';

export const outputsPrefix = 'outputs/';

/** What the local folder sink is still writing ends in this. */
const draftSuffix = '.partial';

export type OutputFile = AsyncDisposable & {
  /** Relative to the folder, with slashes. */
  name: string;
  size: number;
  mode: number;
  content: AsyncIterable<Buffer>;
};

/** Plain files only: links lead elsewhere, and drafts are no results. A file that goes away meanwhile is left out. */
export async function* outputFiles(folder: string): AsyncGenerator<OutputFile> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);

  for (const path of found.filter(isResult).map((entry) => join(entry.parentPath, entry.name))) {
    const name = relative(folder, path).split(sep).join('/');
    if (name.split('/').some((part) => part.endsWith(draftSuffix))) continue;

    const handle = await open(path, 'r').catch(() => undefined);
    if (handle === undefined) continue;
    const { size, mode } = await handle.stat();
    yield {
      name,
      size,
      mode: mode & 0o777,
      content: exactly(handle, size, path),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  }
}

function isResult(entry: Dirent): boolean {
  return entry.isFile();
}

// The size stands before the content: what a file grows by meanwhile stays out, and one that shrinks cannot be kept.
async function* exactly(handle: FileHandle, size: number, path: string): AsyncGenerator<Buffer> {
  if (size === 0) return;
  let left = size;

  for await (const chunk of handle.createReadStream({ end: size - 1, autoClose: false })) {
    left -= chunk.length;
    yield chunk;
  }
  if (left !== 0) throw new Error(`${path} became shorter while it was read`);
}

/** True where nothing lies in the folder, or it does not exist. */
export async function isEmptyFolder(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length === 0;
}

/** Writes one entry back, through to the disk. Throws `backup_invalid` for a name that leads out of the folder. */
export async function writeOutput(folder: string, { name, mode, content }: Entry): Promise<void> {
  const parts = name.slice(outputsPrefix.length).split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) {
    throw damaged('a name in it leads out of the folder');
  }
  const path = join(folder, ...parts);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });

  await using file = await open(path, 'w', mode & 0o777);
  for await (const chunk of content) await file.writeFile(chunk);
  await file.sync();
}
