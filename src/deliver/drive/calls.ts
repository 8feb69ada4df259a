// The calls that publishing needs, each safe to repeat.
import { Readable } from 'node:stream';

import { z } from 'zod';

import { appError, isAppError } from '../../core/errors.ts';
import {
  folderType,
  hashProperties,
  Item,
  itemFields,
  type Mark,
  type Media,
  propertiesOf,
  taskProperty,
} from './item.ts';
import { maxAtOnceBytes, uploadInParts } from './parts.ts';
import { ask, checked, type Session } from './session.ts';
import { takeStock } from './stock.ts';

/** Where tasks' folders go. `id` is null for the top of My Drive, `driveId` is set on a shared drive. */
export type Place = { id: string | null; driveId: string | null };

/** A file or folder to be made. */
export type Wanted = {
  taskId: string;
  place: Place;
  mark: Mark;
  name: string;
  mimeType: string;
  parent: string | null;
};

const Folder = z.object({
  id: z.string().min(1),
  mimeType: z.string(),
  trashed: z.boolean().default(false),
  driveId: z.string().optional(),
  capabilities: z.object({ canAddChildren: z.boolean().optional() }).default({}),
});
const folderFields = 'id,mimeType,trashed,driveId,capabilities(canAddChildren)';
const Page = z.object({ files: z.array(Item), nextPageToken: z.string().optional() });
const pageSize = 1_000;
// Needed wherever the file is: without it Drive denies that shared drives exist.
const everywhere = { supportsAllDrives: true } as const;

/** Looks at the folder that people chose. Throws `drive_parent_missing`. */
export async function findPlace(session: Session, parentId: string): Promise<Place> {
  const { files } = session.client;
  const folder = await ask(session, {
    name: 'files.get',
    shape: Folder,
    send: (signal) =>
      files.get(
        { ...everywhere, fileId: parentId, fields: folderFields },
        { signal, retry: false },
      ),
  }).catch((error: unknown) => {
    if (isAppError(error) && error.code === 'drive_gone') throw parentMissing(session);
    throw error;
  });

  if (folder.mimeType !== folderType) throw unusableParent('it is not a folder');
  if (folder.trashed) throw unusableParent('it is in the bin: restore it, then retry');
  if (folder.capabilities.canAddChildren === false) {
    throw unusableParent('the account may not add to it: give it the right to, then retry');
  }
  return { id: folder.id, driveId: folder.driveId ?? null };
}

/** Everything of a task that is not in the bin. */
export async function listTask(session: Session, taskId: string, place: Place): Promise<Item[]> {
  return await ask(session, {
    name: 'files.list',
    shape: z.array(Item),
    send: async (signal) => ({ data: await listPages(session, { taskId, place, signal }) }),
  });
}

/** Makes a folder, or a file with its content. A further try looks first: a lost reply may have been a yes. */
export async function createItem(session: Session, wanted: Wanted, media?: Media): Promise<Item> {
  const { client } = session;
  const { taskId, place, mark, name, mimeType, parent } = wanted;
  const requestBody = {
    name,
    mimeType,
    ...(parent !== null && { parents: [parent] }),
    appProperties: { ...propertiesOf(taskId, mark), ...(media && hashProperties(media.sha256)) },
  };
  const find = async (signal: AbortSignal): Promise<Item | undefined> =>
    takeStock(await listPages(session, { taskId, place, signal })).find(mark);

  if (media !== undefined && media.content.byteLength > maxAtOnceBytes) {
    return await uploadInParts(session, { method: 'POST', metadata: requestBody, media, find });
  }
  return await ask(session, {
    name: 'files.create',
    shape: Item,
    bytes: media?.content.byteLength ?? 0,
    async send(signal, tryNumber) {
      const found = tryNumber === 0 ? undefined : await find(signal);
      if (found !== undefined) return { data: found };

      const parts = media === undefined ? {} : { media: bodyOf(media) };
      return await client.files.create(
        { ...everywhere, fields: itemFields, requestBody, ...parts },
        { signal, retry: false },
      );
    },
  });
}

/** Puts a new version of the content into the same file. */
export async function updateItem(session: Session, id: string, media: Media): Promise<Item> {
  const { client } = session;
  const requestBody = { appProperties: hashProperties(media.sha256) };

  if (media.content.byteLength > maxAtOnceBytes) {
    return await uploadInParts(session, { method: 'PATCH', id, metadata: requestBody, media });
  }
  return await ask(session, {
    name: 'files.update',
    shape: Item,
    bytes: media.content.byteLength,
    send: (signal) =>
      client.files.update(
        { ...everywhere, fileId: id, fields: itemFields, requestBody, media: bodyOf(media) },
        { signal, retry: false },
      ),
  });
}

/** Puts a file or folder into the bin, where people find it for thirty days. */
export async function binItem(session: Session, id: string): Promise<void> {
  const { files } = session.client;

  await ask(session, {
    name: 'files.update',
    shape: z.object({ id: z.string() }),
    send: (signal) =>
      files.update(
        { ...everywhere, fileId: id, fields: 'id', requestBody: { trashed: true } },
        { signal, retry: false },
      ),
  });
}

type Search = { taskId: string; place: Place; signal: AbortSignal };

async function listPages({ client }: Session, { taskId, place, signal }: Search): Promise<Item[]> {
  const items: Item[] = [];
  const shared = place.driveId === null ? {} : { corpora: 'drive', driveId: place.driveId };
  const q = `appProperties has { key='${taskProperty}' and value='${quoted(taskId)}' } and trashed = false`;
  const query = { ...everywhere, includeItemsFromAllDrives: true, ...shared, q, pageSize };
  let pageToken: string | undefined;

  do {
    const { data } = await client.files.list(
      { ...query, fields: `nextPageToken,files(${itemFields})`, ...(pageToken && { pageToken }) },
      { signal, retry: false },
    );
    const page = checked(Page, data, 'files.list');
    items.push(...page.files);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return items;
}

/** Made anew for every try: a stream can be read only once. */
function bodyOf({ content, mediaType }: Media): { mimeType: string; body: Readable } {
  return { mimeType: mediaType, body: Readable.from([Buffer.from(content)]) };
}

function quoted(text: string): string {
  return text.replace(/['\\]/g, '\\$&');
}

function parentMissing({ circumstances }: Session): Error {
  return unusableParent(
    circumstances.account === 'oauth'
      ? 'there is none with this id that Nightshift may see. With a user’s sign-in it sees only folders that it made itself: leave GOOGLE_DRIVE_PARENT_ID empty, and move the folders in Drive as you like'
      : 'there is none with this id that the service account may see: check the id, and share the folder or its shared drive with the address of the service account',
  );
}

function unusableParent(detail: string): Error {
  return appError('drive_parent_missing', { detail });
}
