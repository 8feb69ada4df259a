// Where a backup is written to: a file that is either whole or not there, or the standard output.
import { randomBytes } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { link, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';

import { appError, messageOf } from '../../core/errors.ts';

export type Target = AsyncDisposable & {
  stream: Writable;
  /** Puts the written file in place. Throws `file_exists` where another took the name meanwhile. */
  keep(): Promise<void>;
};

/**
 * Opens a draft beside `file`, for its owner only; disposing removes it unless it was kept. Throws `file_exists` without
 * `force`, or `file_not_writable`.
 */
export async function openTarget(file: string, force: boolean): Promise<Target> {
  if (existsSync(file) && (!force || !(await stat(file)).isFile())) throw taken(file);
  const draft = join(dirname(file), `.${basename(file)}.${randomBytes(4).toString('hex')}.partial`);
  const handle = await open(draft, 'wx', 0o600).catch((cause: unknown) => {
    throw appError('file_not_writable', { detail: `${file} (${messageOf(cause)})` }, { cause });
  });

  const stream = createWriteStream(draft, { fd: handle, flush: true });

  return {
    stream,
    async keep() {
      if (force) await rename(draft, file);
      else await moveOver(draft, file);
      await syncFolder(dirname(file));
    },
    async [Symbol.asyncDispose]() {
      stream.destroy();
      await rm(draft, { force: true });
    },
  };
}

// Unlike a rename, a link never takes a name that is in use.
async function moveOver(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file);
  } catch (error) {
    if (existsSync(file)) throw taken(file, error);
    // Disks for exchange know no links.
    await rename(draft, file);
  }
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  // Some network disks cannot: the file itself is safe by then.
  await handle.sync().catch(() => undefined);
}

function taken(file: string, cause?: unknown): Error {
  return appError('file_exists', { detail: file }, { cause });
}
