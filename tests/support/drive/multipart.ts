// Takes an upload of metadata and content (`multipart/related`) apart, as strictly as its RFC is written.

export type Parts = { metadata: unknown; mediaType: string; content: Buffer };

/** Throws a plain Error for anything but two well-formed parts, JSON first. */
export function parseRelated(contentType: string, body: Buffer): Parts {
  const boundary = /^multipart\/related; boundary=([\w-]+)$/.exec(contentType)?.[1];
  if (boundary === undefined) throw new Error(`not multipart/related: ${contentType}`);

  const text = body.toString('latin1');
  const pieces = text.split(`--${boundary}`);
  if (pieces.length !== 4 || pieces[0] !== '' || pieces[3]?.trim() !== '--') {
    throw new Error('multipart/related must hold two parts');
  }
  const [json, media] = [partOf(pieces[1] ?? ''), partOf(pieces[2] ?? '')];
  if (!json.type.startsWith('application/json')) throw new Error('the first part must be JSON');
  return {
    metadata: JSON.parse(json.content.toString()),
    mediaType: media.type,
    content: media.content,
  };
}

function partOf(piece: string): { type: string; content: Buffer } {
  const match = /^\r\ncontent-type: ([^\r\n]+)\r\n\r\n([\s\S]*)\r\n$/i.exec(piece);
  if (match === null) throw new Error('a part is not well formed');
  return { type: match[1] ?? '', content: Buffer.from(match[2] ?? '', 'latin1') };
}
