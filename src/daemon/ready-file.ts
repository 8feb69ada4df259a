// The ready file `run/daemon.json`: there while the daemon serves, it tells others how to reach it.
import { readFileSync, rmSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

export const ReadyFile = z.looseObject({
  pid: z.number().int(),
  worker_id: z.uuid(),
  version: z.string(),
  profile: z.enum(['embedded', 'supabase']),
  /** ISO 8601. */
  started_at: z.string(),
  api_url: z.string().nullish(),
  token_file: z.string().nullish(),
  /** In the embedded profile only. */
  database: z
    .looseObject({
      host: z.string(),
      port: z.number().int(),
      name: z.string(),
      user: z.string(),
      password_file: z.string(),
    })
    .nullish(),
});
export type ReadyFile = z.infer<typeof ReadyFile>;

const pathOf = (home: string): string => join(home, 'run', 'daemon.json');
// A dead daemon's file, kept until the next one serves: a boot that dies half-way must not lose its predecessor's name.
const lastPathOf = (home: string): string => join(home, 'run', 'daemon.last.json');

/** Writes the whole file or nothing, readable by its owner only. Whoever was before is then replaced. */
export async function writeReadyFile(home: string, facts: ReadyFile): Promise<void> {
  const path = pathOf(home);
  const draft = `${path}.${facts.pid}`;

  await mkdir(join(home, 'run'), { recursive: true, mode: 0o700 });
  await writeFile(draft, `${JSON.stringify(facts, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, path);
  await rm(lastPathOf(home), { force: true });
}

/** The ready file, or undefined when there is none that can be read. After kill -9 it is a dead daemon's: see `readOwner`. */
export async function readReadyFile(home: string): Promise<ReadyFile | undefined> {
  return await read(pathOf(home));
}

/** Takes away what a dead daemon left and returns it. To be called by the holder of the home's lock only. */
export async function setAsideReadyFile(home: string): Promise<ReadyFile | undefined> {
  // Most of the time there is none: then an earlier boot may have set one aside.
  await rename(pathOf(home), lastPathOf(home)).catch(() => undefined);

  return await read(lastPathOf(home));
}

/** Removes the file if it is this worker's. Synchronous, so that exit hooks can call it; never throws. */
export function removeReadyFile(home: string, workerId: string): void {
  try {
    const path = pathOf(home);
    if (parse(readFileSync(path, 'utf8'))?.worker_id === workerId) rmSync(path);
  } catch {
    // No file, or none that can be read: nothing of ours to remove.
  }
}

async function read(path: string): Promise<ReadyFile | undefined> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function parse(text: string): ReadyFile | undefined {
  return ReadyFile.safeParse(JSON.parse(text)).data;
}
