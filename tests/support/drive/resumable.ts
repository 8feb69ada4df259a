// Uploads in parts on the fake Drive: sessions that remember how much has arrived, in whole pieces of 256 KiB.
import { randomBytes } from 'node:crypto';

import type { ApiCall } from './api.ts';
import { type Reply, refusal } from './reply.ts';

type Session = { call: ApiCall; type: string; size: number; received: Buffer; done?: Reply };

export type Uploads = {
  start(call: ApiCall, headers: Record<string, string | string[] | undefined>): Reply;
  /** A part, or a question; `isCut` when the connection broke within it. */
  put(address: URL, range: string | undefined, part: { content: Buffer; isCut: boolean }): Reply;
  /** Forgets all sessions, as Drive may. */
  forget(): void;
};

const pieceBytes = 256 * 1_024;

/** `finish` does the call once all content is there. */
export function createUploads(root: () => string, finish: (call: ApiCall) => Reply): Uploads {
  const sessions = new Map<string, Session>();

  return {
    forget: () => sessions.clear(),
    start(call, headers) {
      const size = Number(headers['x-upload-content-length']);
      const type = headers['x-upload-content-type'];
      if (!Number.isInteger(size) || typeof type !== 'string') return refusal(400, 'badRequest');

      const id = randomBytes(12).toString('base64url');
      sessions.set(id, { call, type, size, received: Buffer.alloc(0) });
      const location = `${root()}/upload/drive/v3/files?uploadType=resumable&upload_id=${id}`;
      return { status: 200, headers: { location } };
    },
    put(address, range = '', { content, isCut }) {
      const session = sessions.get(address.searchParams.get('upload_id') ?? '');
      if (session === undefined)
        return refusal(404, 'notFound', 'The upload session is not known.');
      if (session.done !== undefined) return session.done;
      if (range === `bytes */${session.size}`) return soFar(session);

      const [, from, to, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range)?.map(Number) ?? [];
      if (from === undefined || to === undefined || size !== session.size) {
        return refusal(400, 'badRequest', `content-range ${range}`);
      }
      if (from !== session.received.length)
        return refusal(400, 'badRequest', 'not where it stopped');
      const isLast = to + 1 === size;
      if (!isCut && content.length !== to - from + 1) return refusal(400, 'badRequest', 'length');
      if (!isLast && (to - from + 1) % pieceBytes !== 0)
        return refusal(400, 'badRequest', 'pieces');

      const kept = isCut ? content.length - (content.length % pieceBytes) : content.length;
      session.received = Buffer.concat([session.received, content.subarray(0, kept)]);
      if (isCut || !isLast) return soFar(session);
      const media = { content: session.received, mediaType: session.type };
      session.done = finish({ ...session.call, media });
      return session.done;
    },
  };
}

function soFar({ received }: Session): Reply {
  return received.length === 0
    ? { status: 308 }
    : { status: 308, headers: { range: `bytes=0-${received.length - 1}` } };
}
