// Uploads large content in parts: after a cut it goes on where Google says that it stopped.
import { z } from 'zod';

import { appError, isAppError } from '../../core/errors.ts';
import { Item, itemFields, type Media } from './item.ts';
import { googleRootUrl } from './route.ts';
import { ask, checked, type Session } from './session.ts';

/** Google asks for parts above 5 MB. */
export const maxAtOnceBytes = 5_000_000;
/** Must be a multiple of 256 KiB. */
const partBytes = 8 * 2 ** 20;
const maxStarts = 3;
const unfinished = 308;

export type PartsTarget = {
  media: Media;
  metadata: Record<string, unknown>;
} & (
  | { method: 'POST'; find(signal: AbortSignal): Promise<Item | undefined> }
  | { method: 'PATCH'; id: string }
);

/** How far an upload has come. */
const Progress = z.discriminatedUnion('type', [
  z.object({ type: z.literal('sent'), offset: z.number() }),
  z.object({ type: z.literal('done'), item: Item }),
]);
type Progress = z.infer<typeof Progress>;

/** Resolves with the file once all of it is there. Rejects as `ask` does. */
export async function uploadInParts(session: Session, target: PartsTarget): Promise<Item> {
  for (let starts = 1; ; starts += 1) {
    const place = await start(session, target);
    if ('item' in place) return place.item;

    try {
      return await sendAll(session, place.address, target.media);
    } catch (error) {
      // Google forgets uploads after a week, and sometimes at once; then it all begins anew.
      if (!isAppError(error) || error.code !== 'drive_gone' || starts >= maxStarts) throw error;
    }
  }
}

const Started = z.union([z.object({ address: z.url() }), z.object({ item: Item })]);

async function start(session: Session, target: PartsTarget): Promise<z.infer<typeof Started>> {
  const { media, metadata, method } = target;
  const path = method === 'POST' ? '' : `/${encodeURIComponent(target.id)}`;
  const params = { uploadType: 'resumable', supportsAllDrives: true, fields: itemFields };
  const headers = {
    'x-upload-content-type': media.mediaType,
    'x-upload-content-length': String(media.content.byteLength),
  };

  return await ask(session, {
    name: 'upload.start',
    shape: Started,
    async send(signal) {
      // Looked for at the very first start too: it may be the start after an upload that was forgotten.
      const item = method === 'POST' ? await target.find(signal) : undefined;
      if (item !== undefined) return { data: { item } };

      const reply = await session.client.auth.request({
        url: `${googleRootUrl}/upload/drive/v3/files${path}`,
        method,
        params,
        headers,
        data: metadata,
        signal,
        retry: false,
      });
      return { data: { address: reply.headers.get('location') } };
    },
  });
}

async function sendAll(session: Session, address: string, media: Media): Promise<Item> {
  let offset = 0;

  for (;;) {
    const progress = await sendPart(session, { address, media, offset });
    if (progress.type === 'done') return progress.item;

    if (progress.offset <= offset) {
      throw appError('drive_garbled', { detail: 'an upload does not move on' });
    }
    offset = progress.offset;
  }
}

type Part = { address: string; media: Media; offset: number };

async function sendPart(session: Session, { address, media, offset }: Part): Promise<Progress> {
  const size = media.content.byteLength;

  return await ask(session, {
    name: 'upload.part',
    shape: Progress,
    bytes: Math.min(partBytes, size),
    async send(signal, tryNumber) {
      const put = (range: string, data?: Uint8Array): Promise<Progress> =>
        putRange(session, { address, range, signal, ...(data && { data }) });
      // After a cut only Google knows how much has arrived; asking is a request without content.
      const known: Progress =
        tryNumber === 0 ? { type: 'sent', offset } : await put(`bytes */${size}`);
      if (known.type === 'done' || known.offset > offset) return { data: known };

      const end = Math.min(known.offset + partBytes, size);
      const range = `bytes ${known.offset}-${end - 1}/${size}`;
      return { data: await put(range, media.content.subarray(known.offset, end)) };
    },
  });
}

type Put = { address: string; range: string; signal: AbortSignal; data?: Uint8Array };

async function putRange(
  session: Session,
  { address, range, signal, data }: Put,
): Promise<Progress> {
  const reply = await session.client.auth.request({
    url: address,
    method: 'PUT',
    headers: { 'content-range': range },
    ...(data && { data }),
    signal,
    retry: false,
    validateStatus: (status) => status === unfinished || (status >= 200 && status < 300),
  });
  if (reply.status !== unfinished) {
    return { type: 'done', item: checked(Item, reply.data, 'upload.part') };
  }

  // Without the header nothing has arrived yet.
  const last = /^bytes=0-(\d+)$/.exec(reply.headers.get('range') ?? '')?.[1];
  return { type: 'sent', offset: last === undefined ? 0 : Number(last) + 1 };
}
