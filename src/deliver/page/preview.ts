// Shows one delivered file within the page: a document, a sheet, a picture or plain text.
import { isUtf8 } from 'node:buffer';

import type { DeliverableSummary } from '../../core/delivery.ts';
import { type Markup, markup, nothing } from './markup.ts';
import { renderMarkdown } from './markdown.ts';
import { tableOf } from './table.ts';

/** Beyond these a page gets too slow to open; the file itself is always linked. */
const maxRenderedBytes = 3_000_000;
const maxShownCharacters = 200_000;
const maxInlineImageBytes = 500_000;
const documentLevel = 4;

const imageTypes = [
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/svg+xml',
];
const textTypes = [/^text\//, /[/+](json|xml|yaml|x-yaml|x-subrip|x-ndjson)$/];

export type Preview = {
  type: 'document' | 'sheet' | 'image' | 'text' | 'none';
  /** What to show; empty for files that only a program of their own can open. */
  content: Markup;
};

type PreviewInput = {
  deliverable: DeliverableSummary;
  /** Below the page's folder, such as `vision/map.png`. */
  path: string;
  content: Uint8Array;
  /** The files of the same agent: documents may show their pictures. */
  siblings: readonly { deliverable: DeliverableSummary; path: string }[];
};

export function previewOf(input: PreviewInput): Preview {
  const { deliverable, content } = input;
  const mediaType = plainType(deliverable.mediaType);

  if (imageTypes.includes(mediaType)) return { type: 'image', content: imageOf(input) };
  if (!textTypes.some((pattern) => pattern.test(mediaType)) || !isUtf8(content)) {
    return { type: 'none', content: nothing };
  }
  const text = new TextDecoder().decode(content);
  if (content.byteLength > maxRenderedBytes) return { type: 'text', content: plainText(text) };
  return richText(text, mediaType, input);
}

/** A path below the page as a relative address. */
export function addressOf(path: string): string {
  // `./` keeps a first segment with a colon from being read as a protocol.
  return `./${path.split('/').map(encodeURIComponent).join('/')}`;
}

function richText(text: string, mediaType: string, input: PreviewInput): Preview {
  const { title } = input.deliverable;

  try {
    if (mediaType === 'text/markdown') {
      const options = { topLevel: documentLevel, title, picture: pictureAmong(input.siblings) };
      const document = renderMarkdown(text, options);
      if (document !== null) return { type: 'document', content: document };
    }
    if (mediaType === 'text/csv') return { type: 'sheet', content: tableOf(text, title) };
  } catch {
    // What cannot be parsed can still be read.
  }
  return { type: 'text', content: plainText(text) };
}

function pictureAmong(siblings: PreviewInput['siblings']): (href: string) => string | null {
  const pictures = siblings.filter(({ deliverable }) =>
    imageTypes.includes(plainType(deliverable.mediaType)),
  );

  return (href) => {
    const name = href.replace(/^\.\//, '');
    const found = pictures.find(({ deliverable }) => deliverable.name === name);
    return found === undefined ? null : addressOf(found.path);
  };
}

function imageOf({ deliverable, path, content }: PreviewInput): Markup {
  // Inline, because some browsers count no file beside the page as its own.
  const source =
    content.byteLength > maxInlineImageBytes
      ? addressOf(path)
      : `data:${plainType(deliverable.mediaType)};base64,${Buffer.from(content).toString('base64')}`;

  return markup`<img src="${source}" alt="${deliverable.title}">`;
}

function plainText(text: string): Markup {
  const note =
    text.length > maxShownCharacters
      ? markup`<p class="note">Shown are the first ${maxShownCharacters} characters: open the file for the rest.</p>`
      : nothing;

  return markup`<pre tabindex="0">${text.slice(0, maxShownCharacters)}</pre>${note}`;
}

function plainType(mediaType: string): string {
  return mediaType.replace(/;.*$/s, '').trim().toLowerCase();
}
