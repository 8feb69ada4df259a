// The mark of a restore that has begun and not ended: as long as it lies in a home, no daemon starts there.
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { appError } from '../core/errors.ts';

const Mark = z.object({
  backup_id: z.uuid(),
  file: z.string(),
  /** ISO 8601. */
  started_at: z.string(),
});
export type Mark = z.infer<typeof Mark>;

/** Survives a power cut once this resolves. */
export async function writeMark(home: string, mark: Mark): Promise<void> {
  const path = pathOf(home);

  await writeFile(`${path}.new`, `${JSON.stringify(mark, null, 2)}\n`, {
    mode: 0o600,
    flush: true,
  });
  await rename(`${path}.new`, path);
  await syncFolder(home);
}

export async function removeMark(home: string): Promise<void> {
  await rm(pathOf(home), { force: true });
  await syncFolder(home);
}

/** Throws `restore_unfinished` where a restore was begun and has not ended. */
export async function assertRestored(home: string): Promise<void> {
  const text = await readFile(pathOf(home), 'utf8').catch(() => null);
  if (text === null) return;

  // One that cannot be read says enough by being there.
  const file = parse(text)?.file ?? 'FILE';
  throw appError('restore_unfinished', {
    detail: `repeat nightshift restore ${file} (or, to begin with nothing, remove ${pathOf(home)})`,
  });
}

/** The backup that a restore was begun with; null where none is unfinished. */
export async function readMark(home: string): Promise<Mark | null> {
  const text = await readFile(pathOf(home), 'utf8').catch(() => null);

  return text === null ? null : (parse(text) ?? null);
}

function parse(text: string): Mark | undefined {
  try {
    return Mark.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function pathOf(home: string): string {
  return join(home, 'restore.json');
}

async function syncFolder(home: string): Promise<void> {
  await using handle = await open(home, 'r');
  await handle.sync();
}
