// Publishes a task's files: all of them are written beside the folder first, then put in place.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { DeliveredTask } from '../../core/delivery.ts';
import type { SinkContext } from '../../core/ports.ts';
import { briefDocument } from '../brief-document.ts';
import { readChecked } from '../deliverable.ts';
import { indexPage, type PageFile } from '../index-page.ts';
import { previewOf } from '../page/preview.ts';
import { ensureFolder, putInPlace, removeOwn, syncFolder, writeNew } from './disk.ts';
import { findHome, type Home, occupiedIn } from './home.ts';
import { type Manifest, manifestOf, ownFiles } from './manifest.ts';
import { briefName, indexName, manifestName, type PlannedFile, planFiles } from './plan.ts';

type Published = { path: string; files: number; bytes: number };

/** Throws an AppError or an error of the file system; rejects with the signal's reason when aborted. */
export async function publishTask(
  root: string,
  task: DeliveredTask,
  context: SinkContext,
): Promise<Published> {
  context.signal.throwIfAborted();
  await mkdir(root, { recursive: true, mode: 0o700 });
  const home = await findHome(root, task);
  const plan = planFiles(task, await occupiedIn(home));
  await using draft = await openDraft(root, home.name, task.id);

  await writeDraft(draft.path, task, { plan, context });
  context.signal.throwIfAborted();
  const manifest = manifestOf(task, plan);
  if (home.former === null) await moveIn(draft.path, home, manifest);
  else await update(draft.path, home, { former: home.former, next: manifest });
  await syncFolder(root);

  const bytes = plan.reduce((sum, file) => sum + file.deliverable.bytes, 0);
  return { path: home.path, files: plan.length, bytes };
}

type Draft = AsyncDisposable & { path: string };

/** A hidden folder beside the place, gone when disposed of; what a former try of this task left is removed. */
async function openDraft(root: string, name: string, taskId: string): Promise<Draft> {
  const mark = `.${taskId}-`;
  const leftovers = (await readdir(root)).filter(
    (entry) => entry.startsWith('.') && entry.includes(mark) && entry.endsWith('.partial'),
  );
  for (const leftover of leftovers) await removeTree(join(root, leftover));

  const path = join(root, `.${name}${mark}${randomBytes(4).toString('hex')}.partial`);
  await mkdir(path, { mode: 0o700 });
  return { path, [Symbol.asyncDispose]: () => removeTree(path) };
}

async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

type Work = { plan: PlannedFile[]; context: SinkContext };

async function writeDraft(draft: string, task: DeliveredTask, work: Work): Promise<void> {
  const { plan, context } = work;
  const shown: PageFile[] = [];

  for (const file of plan) {
    const content = await readChecked(file.deliverable, context);
    await ensureFolder(join(draft, file.folder));
    await writeNew(join(draft, file.path), content);
    const siblings = plan.filter((other) => other.folder === file.folder);
    shown.push({ ...file, preview: previewOf({ ...file, content, siblings }) });
  }
  await writeNew(join(draft, briefName), briefDocument(task));
  await writeNew(join(draft, indexName), indexPage(task, shown));
  for (const folder of foldersOf(plan)) await syncFolder(join(draft, folder));
}

async function moveIn(draft: string, home: Home, manifest: Manifest): Promise<void> {
  await writeNew(join(draft, manifestName), asText(manifest));
  await syncFolder(draft);
  await rename(draft, home.path);
}

/**
 * Replaces file by file, since people may keep files of their own in the folder. Until the last step the manifest
 * says that the folder is not whole, and which files are ours, before and after.
 */
async function update(
  draft: string,
  home: Home,
  { former, next }: { former: Manifest; next: Manifest },
): Promise<void> {
  const before = ownFiles(former);
  const kept = new Set(next.files.map((file) => file.path));
  const gone = before.filter((file) => !kept.has(file.path));
  await putManifest(draft, home, { ...next, published: false, former: before });

  // Removed first: where case is ignored, `A.md` that goes and `a.md` that comes are one file.
  for (const { path } of gone) {
    const hashes = gone.filter((file) => file.path === path).map((file) => file.sha256);
    await removeOwn(join(home.path, path), hashes);
  }
  for (const path of [...kept, briefName, indexName]) {
    await putInPlace(join(draft, path), join(home.path, path));
  }
  for (const folder of foldersOf(next.files)) await syncFolder(join(home.path, folder));
  await syncFolder(home.path);
  await putManifest(draft, home, next);
}

async function putManifest(draft: string, home: Home, manifest: Manifest): Promise<void> {
  await writeNew(join(draft, manifestName), asText(manifest));
  await putInPlace(join(draft, manifestName), join(home.path, manifestName));
  await syncFolder(home.path);
}

function asText(manifest: Manifest): string {
  const json = JSON.stringify(manifest, null, 2);

  // JSON leaves these as they are, and some terminals take them for commands.
  return `${json.replace(/[\u007f-\u009f\u2028\u2029]/g, unicodeEscape)}\n`;
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function foldersOf(files: readonly { path: string }[]): string[] {
  return [...new Set(files.map((file) => file.path.slice(0, file.path.indexOf('/'))))];
}
