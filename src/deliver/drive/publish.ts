// Publishes an ended task to Drive: looks what is there, adds what is missing, replaces what has changed.
import pLimit from 'p-limit';

import type { DeliveredTask } from '../../core/delivery.ts';
import { appError, isAppError } from '../../core/errors.ts';
import type { SinkContext } from '../../core/ports.ts';
import { readChecked } from '../deliverable.ts';
import { safeName } from '../folder/names.ts';
import { findPlace, type Place } from './calls.ts';
import { folderType, hashOf, type Item, noAgent } from './item.ts';
import {
  markOf,
  mediaOf,
  type Paper,
  papersOf,
  possibleForms,
  shownName,
  typeIn,
} from './papers.ts';
import type { Session } from './session.ts';
import { createShelf, type Shelf } from './shelf.ts';
import type { Stock } from './stock.ts';

export type Published = {
  folderId: string;
  folderUrl: string;
  /** The ids in Drive by the ids of the deliverables. */
  fileIds: Record<string, string>;
};

/** As many documents are converted side by side; more would run into the limits per user. */
const callsAtOnce = 4;
/** As on disk. */
const maxFolderBytes = 120;
/** One round publishes, the next finds nothing to do; more are needed only where others work on the same task. */
const maxRounds = 4;

/** Throws an AppError; rejects with the signal's reason when aborted. What it has done by then, a repeat builds on. */
export async function publishToDrive(
  session: Session,
  task: DeliveredTask,
  { parentId, context }: { parentId: string | null; context: SinkContext },
): Promise<Published> {
  const place: Place =
    parentId === null ? { id: null, driveId: null } : await findPlace(session, parentId);
  const papers = papersOf(task);
  const shelf = createShelf(session, { taskId: task.id, place });
  const contents = new Map<Paper, Uint8Array>();

  for (let round = 0; round < maxRounds; round += 1) {
    const stock = await shelf.look();
    const due = papers.filter((paper) => currentItem(stock, paper) === undefined);
    const folder = stock.find({ type: 'task' });
    if (due.length === 0 && folder !== undefined) return publishedOf(folder, papers, stock);

    // All of it before anything is made: a folder by halves is worse than none.
    for (const paper of due) {
      if (!contents.has(paper)) contents.set(paper, await contentOf(paper.source, context));
    }
    const folders = await prepareFolders(shelf, { task, place, due, stock });
    await forEachOf(due, (paper) =>
      upload(shelf, { paper, folders, content: contents.get(paper) ?? Buffer.alloc(0) }),
    );
  }
  throw appError('drive_unavailable', { detail: 'the folder of the task kept changing' });
}

/** The item that holds exactly this paper, in whichever form. */
function currentItem(stock: Stock, paper: Paper): Item | undefined {
  return paper.forms
    .map((form) => stock.find(markOf(paper, form)))
    .find((item) => item !== undefined && hashOf(item) === paper.sha256);
}

type Folders = { stock: Stock; top: Item };
type Work = { task: DeliveredTask; place: Place; due: readonly Paper[]; stock: Stock };

/** Level by level, and looked at again after each: others may make the same, and the oldest counts. */
async function prepareFolders(shelf: Shelf, work: Work): Promise<Folders> {
  const { task, place, due } = work;
  let { stock } = work;

  if (stock.find({ type: 'task' }) === undefined) {
    const name = safeName(task.folderName, 'task', maxFolderBytes);
    await shelf.create({ mark: { type: 'task' }, name, mimeType: folderType, parent: place.id });
    stock = await shelf.look();
  }
  const top = stock.find({ type: 'task' });
  if (top === undefined) throw vanished();

  const agents = new Set(due.map((paper) => paper.agent).filter((agent) => agent !== noAgent));
  const missing = [...agents].filter((agent) => stock.find({ type: 'agent', agent }) === undefined);
  if (missing.length === 0) return { stock, top };

  await forEachOf(missing, (agent) =>
    shelf.create({
      mark: { type: 'agent', agent },
      name: agent,
      mimeType: folderType,
      parent: top.id,
    }),
  );
  return { stock: await shelf.look(), top };
}

type Load = { paper: Paper; content: Uint8Array; folders: Folders };

async function upload(shelf: Shelf, { paper, content, folders }: Load): Promise<void> {
  const { stock, top } = folders;
  const { agent } = paper;
  const folder = agent === noAgent ? top : stock.find({ type: 'agent', agent });
  if (folder === undefined) throw vanished();

  const forms = possibleForms(paper, content);
  for (const [index, form] of forms.entries()) {
    const media = mediaOf(paper, form, content);
    const mark = markOf(paper, form);
    const item = stock.find(mark);

    try {
      if (item !== undefined) return await shelf.update(item, media);
      const name = shownName(paper, form);
      return await shelf.create(
        { mark, name, mimeType: typeIn(paper, form), parent: folder.id },
        media,
      );
    } catch (error) {
      const isLast = index === forms.length - 1;
      if (isLast || !isUnconvertible(error)) throw error;
    }
  }
}

/** Google could not turn the content into its own kind of file, which is no reason to leave it out. */
function isUnconvertible(error: unknown): boolean {
  return (
    isAppError(error) &&
    error.code === 'drive_refused' &&
    [400, 413, 415, 422].some((status) => status === error.facts['status'])
  );
}

/** Some at a time. After the first failure none is begun; it is thrown when those at work have ended. */
async function forEachOf<Value>(
  values: readonly Value[],
  work: (value: Value) => Promise<void>,
): Promise<void> {
  const limit = pLimit(callsAtOnce);
  let hasFailed = false;
  const ended = await Promise.allSettled(
    values.map((value) =>
      limit(async () => {
        if (hasFailed) return;
        await work(value).catch((error: unknown) => {
          hasFailed = true;
          throw error;
        });
      }),
    ),
  );

  const failure = ended.find((one) => one.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

function publishedOf(folder: Item, papers: readonly Paper[], stock: Stock): Published {
  const fileIds = papers.flatMap((paper) => {
    const item = currentItem(stock, paper);
    return item !== undefined && paper.source.type === 'deliverable'
      ? [[paper.source.deliverable.id, item.id] as const]
      : [];
  });

  return {
    folderId: folder.id,
    folderUrl: folder.webViewLink ?? `https://drive.google.com/drive/folders/${folder.id}`,
    fileIds: Object.fromEntries(fileIds),
  };
}

function vanished(): Error {
  return appError('drive_gone');
}

async function contentOf(source: Paper['source'], context: SinkContext): Promise<Uint8Array> {
  return source.type === 'text'
    ? Buffer.from(source.text)
    : await readChecked(source.deliverable, context);
}
