// The fake Drive's calls: strict about what they are asked, true to Drive in what they do.
import { z } from 'zod';

import { parseFields, pick } from './fields.ts';
import { bodyFaults, fileFields, listFields, queryFaults } from './oracle.ts';
import { parseQuery } from './query.ts';
import { type Reply, refusal } from './reply.ts';
import { type DriveFile, folderType, type Store } from './store.ts';
import { driveScope, fileScope } from './tokens.ts';

/** A call as it came in, with its token already checked. */
export type ApiCall = {
  /** As Google names it, such as `Create`. */
  method: 'List' | 'Get' | 'Create' | 'Update' | 'Delete';
  id?: string;
  query: URLSearchParams;
  metadata: Metadata;
  media?: { content: Buffer; mediaType: string };
  scope: string;
};

export const Metadata = z.looseObject({
  id: z.string().optional(),
  name: z.string().optional(),
  mimeType: z.string().optional(),
  parents: z.array(z.string()).optional(),
  trashed: z.boolean().optional(),
  appProperties: z.record(z.string(), z.string()).optional(),
});
export type Metadata = z.infer<typeof Metadata>;

/** Every reason why Drive, or our strictness, would not take the call. */
export function callFaults({ method, query, metadata }: ApiCall): string[] {
  const faults = [...queryFaults(method, query), ...bodyFaults(metadata)];
  if (query.get('supportsAllDrives') !== 'true') faults.push('supportsAllDrives is missing');
  if (method === 'List' && query.get('includeItemsFromAllDrives') !== 'true') {
    faults.push('includeItemsFromAllDrives is missing');
  }
  if (query.get('corpora') === 'drive' && !query.has('driveId')) faults.push('driveId is missing');

  try {
    const known = method === 'List' ? listFields : fileFields;
    const mask = parseFields(query.get('fields') ?? 'id');
    faults.push(...unknownIn(mask, known));
    faults.push(...unknownIn(mask.get('files') ?? new Map(), fileFields));
    if (method === 'List') parseQuery(query.get('q') ?? '');
  } catch (error) {
    faults.push(String(error));
  }
  return faults;
}

function unknownIn(mask: Map<string, unknown>, known: Map<string, unknown>): string[] {
  return [...mask.keys()].filter((name) => !known.has(name)).map((name) => `no field ${name}`);
}

/** Does the call. */
export function answerCall(store: Store, call: ApiCall): Reply {
  if (call.method === 'List') return list(store, call);
  if (call.method === 'Create') return create(store, call);

  const file = store.files.get(call.id ?? '');
  if (file === undefined || !isSeen(file, call.scope)) return notFound(call.id);
  if (call.method === 'Delete') {
    store.files.delete(file.id);
    return { status: 204 };
  }
  return call.method === 'Update' ? update(file, call) : found(file, call);
}

function list(store: Store, { query, scope }: ApiCall): Reply {
  const test = parseQuery(query.get('q') ?? '');
  const driveId =
    query.get('corpora') === 'drive' ? (query.get('driveId') ?? undefined) : undefined;
  const matching = [...store.files.values()]
    .filter((file) => isSeen(file, scope) && file.driveId === driveId)
    .filter((file) => test(file, store.isTrashed(file)))
    // The newest first, as Drive does without an order: nobody may rely on another.
    .toReversed();
  const start = Number(query.get('pageToken') ?? 0);
  const size = Math.min(Number(query.get('pageSize') ?? 100), store.pageSize);
  const isMore = start + size < matching.length;
  const page = {
    files: matching.slice(start, start + size).map(shown),
    ...(isMore && { nextPageToken: String(start + size) }),
  };

  return { status: 200, body: pick(page, parseFields(query.get('fields') ?? 'files(id,name)')) };
}

function create(store: Store, call: ApiCall): Reply {
  const { metadata, media, scope } = call;
  const parents = (metadata.parents ?? []).map((id) => store.files.get(id));
  const [parent] = parents;
  const hidden = parents.findIndex((file) => file === undefined || !isSeen(file, scope));

  if (hidden !== -1) return notFound(metadata.parents?.[hidden]);
  if (parents.length > 1) return refusal(403, 'cannotAddParent');
  if (parent?.mimeType !== undefined && parent.mimeType !== folderType)
    return refusal(403, 'parentNotAFolder');
  if (scope === driveScope && media !== undefined && parent?.driveId === undefined) {
    return refusal(403, 'storageQuotaExceeded', 'Service Accounts do not have storage quota.');
  }
  if (media !== undefined && !isConvertible(metadata.mimeType, media.mediaType)) {
    return refusal(400, 'badRequest', 'Bad Request');
  }
  const { name = 'Untitled', mimeType = media?.mediaType ?? 'application/octet-stream' } = metadata;
  const { parents: parentIds, appProperties = {} } = metadata;
  const file = store.add({
    name,
    mimeType,
    appProperties,
    maker: 'program',
    ...(parentIds && { parents: parentIds }),
  });
  if (media !== undefined) file.versions.push(media);
  return found(file, call);
}

function update(file: DriveFile, call: ApiCall): Reply {
  const { metadata, media } = call;
  if (media !== undefined && !isConvertible(file.mimeType, media.mediaType)) {
    return refusal(400, 'badRequest', 'Bad Request');
  }

  file.name = metadata.name ?? file.name;
  file.trashed = metadata.trashed ?? file.trashed;
  Object.assign(file.appProperties, metadata.appProperties);
  if (media !== undefined) file.versions.push(media);
  return found(file, call);
}

function found(file: DriveFile, { query }: ApiCall): Reply {
  const fields = query.get('fields') ?? 'id,name,mimeType';
  return { status: 200, body: pick(shown(file), parseFields(fields)) };
}

/** What Drive turns into its own kinds; other content keeps the type that it is given. */
const imports: Record<string, string[]> = {
  'application/vnd.google-apps.document': ['text/html', 'text/plain'],
  'application/vnd.google-apps.spreadsheet': ['text/csv'],
};

function isConvertible(target: string | undefined, mediaType: string): boolean {
  if (!target?.startsWith('application/vnd.google-apps.')) return true;
  return imports[target]?.includes(mediaType) ?? false;
}

/** A user's consent shows a program only what it made; a service account sees what is shared with it. */
function isSeen(file: DriveFile, scope: string): boolean {
  return file.maker === 'program' || (scope !== fileScope && file.isShared);
}

function shown(file: DriveFile): Record<string, unknown> {
  const { versions: _versions, maker: _maker, isShared: _isShared, ...rest } = file;
  return { kind: 'drive#file', ...rest };
}

function notFound(id: string | undefined): Reply {
  return refusal(404, 'notFound', `File not found: ${id}.`);
}
