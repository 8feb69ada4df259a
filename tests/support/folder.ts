// A folder of its own for one test, gone afterwards.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export type TestFolder = AsyncDisposable & { path: string };

export async function freshFolder(): Promise<TestFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightshift-folder-'));

  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
