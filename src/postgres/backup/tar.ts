// Entries of a tar archive, to be written and read one after the other. The library knows the headers; the stream is
// ours, so that whoever takes the next entry also sets the pace, and memory stays flat.
import { Header, Pax } from 'tar';

import { appError } from '../../core/errors.ts';

export type EntryFacts = { name: string; size: number; mode: number };

/** `content` must be read before the next entry is asked for; what is left of it is passed over. */
export type Entry = EntryFacts & { content: AsyncIterable<Buffer> };

const blockBytes = 512;
const mostPaxBytes = 64 * 1024;

/** What precedes an entry's content. */
export function headerOf({ name, size, mode }: EntryFacts): Buffer {
  const facts = { path: name, size, mode, type: 'File' as const };
  const header = new Header(facts);
  const needsPax = header.encode();
  const block = header.block ?? Buffer.alloc(blockBytes);

  // A header has no room for long names and large sizes: they stand before it.
  return needsPax ? Buffer.concat([new Pax({ path: name, size }).encode(), block]) : block;
}

/** What follows an entry's content. */
export function paddingOf(size: number): Buffer {
  return Buffer.alloc(paddingBytes(size));
}

/** What ends an archive. */
export function endOfArchive(): Buffer {
  return Buffer.alloc(2 * blockBytes);
}

/** Reads plain files only: nothing else is ever in a backup. Throws `backup_invalid`. */
export async function* readEntries(source: AsyncIterable<Buffer>): AsyncGenerator<Entry> {
  await using bytes = createByteReader(source);

  for (;;) {
    const header = await readHeader(bytes);
    if (header === null) break;

    let left = header.size;
    async function* content(): AsyncGenerator<Buffer> {
      while (left > 0) {
        const chunk = await bytes.some(left);
        left -= chunk.length;
        yield chunk;
      }
    }
    yield { ...header, content: content() };
    while (left > 0) left -= (await bytes.some(left)).length;
    await bytes.exactly(paddingBytes(header.size));
  }
  // To the very end: only there can the compression tell that all of it was right.
  await bytes.drain();
}

async function readHeader(bytes: ByteReader): Promise<EntryFacts | null> {
  const first = new Header(await bytes.exactly(blockBytes));
  if (first.nullBlock) return null;
  if (!first.cksumValid) throw damaged('a header in it is not right');
  if (first.type !== 'ExtendedHeader') return factsOf(first);

  const size = first.size ?? 0;
  if (size > mostPaxBytes) throw damaged('a header in it is too long');
  const body = await bytes.exactly(size);
  await bytes.exactly(paddingBytes(size));
  const facts = factsOf(new Header(await bytes.exactly(blockBytes)));
  const { path, size: realSize } = readPax(body);
  return { ...facts, name: path ?? facts.name, size: Number(realSize ?? facts.size) };
}

function factsOf({ cksumValid, path, size, mode, type }: Header): EntryFacts {
  if (!cksumValid || path === undefined || type !== 'File') {
    throw damaged('it holds what no backup holds');
  }

  return { name: path, size: size ?? 0, mode: mode ?? 0o600 };
}

// Records such as `12 size=1234\n`, the length first. The library splits them at line ends, which names may hold.
function readPax(body: Buffer): { path?: string; size?: string } {
  const fields = new Map<string, string>();

  for (let start = 0; start < body.length;) {
    const length = Number.parseInt(body.toString('latin1', start, start + 12), 10);
    const record = body.toString('utf8', start, start + length - 1);
    const [, key, value] = /^\d+ ([^=]+)=([^]*)$/.exec(record) ?? [];
    if (key === undefined || value === undefined) throw damaged('a header in it is not right');
    fields.set(key, value);
    start += length;
  }
  const [path, size] = [fields.get('path'), fields.get('size')];

  return { ...(path !== undefined && { path }), ...(size !== undefined && { size }) };
}

type ByteReader = AsyncDisposable & {
  /** At least one byte, at most `most`. */
  some(most: number): Promise<Buffer>;
  exactly(count: number): Promise<Buffer>;
  drain(): Promise<void>;
};

function createByteReader(source: AsyncIterable<Buffer>): ByteReader {
  const chunks = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);

  async function some(most: number): Promise<Buffer> {
    while (held.length === 0) {
      const next = await chunks.next();
      if (next.done === true) throw damaged('it ends in the middle');
      held = next.value;
    }
    const taken = held.subarray(0, most);
    held = held.subarray(taken.length);
    return taken;
  }

  return {
    some,
    async exactly(count) {
      const parts: Buffer[] = [];
      for (let left = count; left > 0;) {
        const part = await some(left);
        parts.push(part);
        left -= part.length;
      }
      return Buffer.concat(parts);
    },
    async drain() {
      while ((await chunks.next()).done !== true);
    },
    async [Symbol.asyncDispose]() {
      await chunks.return?.();
    },
  };
}

function paddingBytes(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

export function damaged(detail: string, cause?: unknown): Error {
  return appError('backup_invalid', { detail }, { cause });
}
