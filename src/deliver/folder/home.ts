// Finds the folder of a task under the root: its own from an earlier try, or a free name.
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { DeliveredTask } from '../../core/delivery.ts';
import { appError } from '../../core/errors.ts';
import { look, refuse } from './disk.ts';
import { type Manifest, ownFiles, readManifest } from './manifest.ts';
import { safeName, sameNameKey } from './names.ts';
import { briefName, indexName, manifestName, type Occupied } from './plan.ts';

/** Leaves room for an id and the marks of a draft below 255 bytes. */
const maxFolderBytes = 120;

/** `former` is the manifest of an earlier try in this very folder; null when the folder is still to be made. */
export type Home = { name: string; path: string; former: Manifest | null };

/**
 * The folder that is already the task's, else the first free of `<folder name>`, `<folder name>-<8 of the id>`,
 * `<folder name>-<id>`. Throws `folder_refused` where a link sits in the place.
 */
export async function findHome(root: string, task: DeliveredTask): Promise<Home> {
  const name = safeName(task.folderName, 'task', maxFolderBytes);
  const id = safeName(task.id, 'id', 40);
  const free: Home[] = [];

  for (const candidate of [name, `${name}-${id.slice(0, 8)}`, `${name}-${id}`]) {
    const path = join(root, candidate);
    const state = await stateOf(path, task.id);

    if (state.type === 'own') return { name: candidate, path, former: state.manifest };
    if (state.type === 'free') free.push({ name: candidate, path, former: null });
  }
  const [first] = free;
  if (first !== undefined) return first;

  throw appError('folder_refused', {
    detail: `every name for it in ${root} is in use; move ${name} away, then retry`,
  });
}

/** What people keep in the folder beside our own files. */
export async function occupiedIn(home: Home): Promise<Occupied> {
  const { former } = home;
  if (former === null) return () => [];

  const own = new Set([manifestName, indexName, briefName].map(sameNameKey));
  for (const file of ownFiles(former)) own.add(sameNameKey(file.path));
  const names = new Map<string, string[]>();
  const top = await readdir(home.path, { withFileTypes: true });
  // A link in place of a folder must be refused where the folder is made, not stepped around.
  names.set(
    '',
    namesOf(top, (entry) => !entry.isDirectory() && !entry.isSymbolicLink(), own),
  );

  for (const folder of top.filter((entry) => entry.isDirectory())) {
    const entries = await readdir(join(home.path, folder.name), { withFileTypes: true });
    const foreign = entries.filter(
      (entry) => !own.has(sameNameKey(`${folder.name}/${entry.name}`)),
    );
    names.set(
      sameNameKey(folder.name),
      foreign.map((entry) => entry.name),
    );
  }
  return (folder) => names.get(sameNameKey(folder)) ?? [];
}

function namesOf(
  entries: Dirent[],
  isKept: (entry: Dirent) => boolean,
  own: ReadonlySet<string>,
): string[] {
  return entries
    .filter((entry) => isKept(entry) && !own.has(sameNameKey(entry.name)))
    .map((entry) => entry.name);
}

type State = { type: 'own'; manifest: Manifest } | { type: 'free' } | { type: 'foreign' };

async function stateOf(path: string, taskId: string): Promise<State> {
  const found = await look(path);
  if (found === null) return { type: 'free' };
  if (found.isSymbolicLink()) refuse(path);
  if (!found.isDirectory()) return { type: 'foreign' };

  const manifest = await readManifest(path);
  if (manifest?.task.id === taskId) return { type: 'own', manifest };
  // A rename takes the place of an empty folder in one step.
  if (manifest === null && (await readdir(path)).length === 0) return { type: 'free' };
  return { type: 'foreign' };
}
