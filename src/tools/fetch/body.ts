// Reads the body of a response up to a size, unpacking it on the way, so that no page can fill the memory.
import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

import { appError } from '../../core/errors.ts';

export type Body = { bytes: Uint8Array; truncated: boolean };

export const acceptedEncodings = 'gzip, deflate, br';

/** Reads at most `maxBytes` unpacked bytes, then stops reading. Throws what the stream throws. */
export async function readBody(
  stream: Readable,
  encoding: string | undefined,
  maxBytes: number,
): Promise<Body> {
  const decoder = decoderOf(encoding);
  const chunks: Buffer[] = [];
  let size = 0;

  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) return;
    }
  };
  try {
    await (decoder === null ? pipeline(stream, collect) : pipeline(stream, decoder, collect));
  } catch (error) {
    // Having read enough cuts the stream short, which the pipeline reports as a fault.
    if (size <= maxBytes) throw error;
  }

  return { bytes: Buffer.concat(chunks, Math.min(size, maxBytes)), truncated: size > maxBytes };
}

function decoderOf(encoding: string | undefined): Transform | null {
  switch (encoding?.trim().toLowerCase() ?? '') {
    case '':
    case 'identity':
      return null;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
  }

  throw appError('fetch_failed', {
    detail: 'the page is packed in a way that was not asked for: use another page',
  });
}
