// Decodes the bytes of a page: by byte order mark, header, what the page says of itself, or by looking.

const declared =
  /<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]{2,40})|encoding\s*=\s*["']([\w-]{2,40})["']/i;

/** The text of `bytes`. Never throws: unknown character sets and broken sequences are read as well as can be. */
export function decodePage(bytes: Uint8Array, contentTypeHeader: string): string {
  const label =
    markedSet(bytes) ??
    knownSet(/charset\s*=\s*["']?\s*([^\s"';]+)/i.exec(contentTypeHeader)?.[1]) ??
    knownSet(declaredSet(bytes)) ??
    setBySight(bytes);

  return new TextDecoder(label).decode(bytes);
}

function markedSet([first, second, third]: Uint8Array): string | null {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';

  return null;
}

function knownSet(label: string | undefined): string | null {
  if (label === undefined) return null;
  try {
    return new TextDecoder(label).encoding;
  } catch {
    // A label that nobody knows: what the server says is garbage, so look further.
    return null;
  }
}

function declaredSet(bytes: Uint8Array): string | undefined {
  const match = declared.exec(Buffer.from(bytes.subarray(0, 2_048)).toString('latin1'));
  const label = match?.[1] ?? match?.[2];

  // A declaration that could be read byte by byte cannot be of a 16-bit set.
  return label !== undefined && /^utf-?16/i.test(label) ? 'utf-8' : label;
}

/** Whatever is valid UTF-8 is UTF-8; the rest of the web is Windows-1252. */
function setBySight(bytes: Uint8Array): string {
  // A page that was cut may end within a character.
  const mayBeCut = bytes.length > 100_000;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: mayBeCut });
    return 'utf-8';
  } catch {
    return 'windows-1252';
  }
}
