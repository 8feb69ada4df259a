// Reads a backup from beginning to end, and knows at the end whether it is whole and as it was written.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

import { appError, messageOf } from '../../core/errors.ts';
import { type Manifest, manifestName, parseManifest } from './manifest.ts';
import { createSums, type Sums, sumsName } from './sums.ts';
import { damaged, type Entry, readEntries } from './tar.ts';

export type ReadOptions = {
  file: string;
  signal: AbortSignal;
  /** Called with the bytes of the file that were read since the last call. */
  onBytes?(count: number): void;
};

const mostManifestBytes = 4_000_000;

/**
 * The entries without the last, which is checked here: only a reader that came to the end without an error has read
 * what was written. Throws `backup_invalid`, `backup_newer` or `file_not_readable`.
 */
export async function* readBackup(options: ReadOptions): AsyncGenerator<Entry> {
  const sums = createSums();
  let isSummed = false;

  for await (const entry of readEntries(decompressed(options))) {
    if (isSummed) throw damaged('something follows its sums');
    if (entry.name === sumsName) {
      await compare(entry, sums);
      isSummed = true;
      continue;
    }

    const hash = createHash('sha256');
    const content = hashed(entry.content, hash);
    yield { ...entry, content };
    for await (const _chunk of content);
    sums.add(entry.name, hash.digest('hex'));
  }
  if (!isSummed) throw damaged('it ends without its sums');
}

async function compare(entry: Entry, sums: Sums): Promise<void> {
  const written = await textOf(entry, Number.POSITIVE_INFINITY);
  if (written !== sums.text()) throw damaged('its contents are not those that were written');
}

/** Reads the file once and changes nothing. Throws as `readBackup`. */
export async function checkBackup(options: ReadOptions): Promise<Manifest> {
  let manifest: Manifest | undefined;

  for await (const entry of readBackup(options)) {
    manifest ??= await readManifest(entry);
  }
  if (manifest === undefined) throw damaged('it is empty');
  return manifest;
}

/** Takes the first entry. */
export async function readManifest(entry: Entry): Promise<Manifest> {
  if (entry.name !== manifestName) throw damaged('it does not begin with a manifest');

  return parseManifest(await textOf(entry, mostManifestBytes));
}

async function* decompressed({ file, signal, onBytes }: ReadOptions): AsyncGenerator<Buffer> {
  const source = createReadStream(file, { signal });
  const gunzip = createGunzip();
  if (onBytes !== undefined) source.on('data', (chunk) => onBytes(chunk.length));
  source.once('error', (error) => gunzip.destroy(error));
  source.pipe(gunzip);

  try {
    yield* gunzip;
  } catch (error) {
    // Here, at the source: whoever reads an entry's content meets it too.
    throw asFault(error, { file, signal });
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

// A generator that is left early ends what it reads from; here the rest is still to be read.
async function* hashed(
  content: AsyncIterable<Buffer>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Buffer> {
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
}

async function textOf({ size, content }: Entry, mostBytes: number): Promise<string> {
  if (size > mostBytes) throw damaged('an entry of it is too large');
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);

  return Buffer.concat(chunks).toString();
}

function asFault(error: unknown, { file, signal }: Pick<ReadOptions, 'file' | 'signal'>): unknown {
  if (signal.aborted) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('Z_')) return damaged('it is cut off or was changed', error);

  return appError(
    'file_not_readable',
    { detail: `${file} (${messageOf(error)})` },
    { cause: error },
  );
}
