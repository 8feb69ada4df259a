// Tells HTML, other text and binary content apart.
import type { FetchedPage } from '../safe-fetch.ts';

export type PageForm = 'html' | 'text' | 'binary';

const htmlTypes = ['text/html', 'application/xhtml+xml'];
const textTypes = /^text\/|[/+](json|xml|yaml)$|^application\/(javascript|ld\+json|x-ndjson)$/;

/** By content type, but never against the bytes: servers call anything anything. */
export function formOf(page: FetchedPage): PageForm {
  const start = page.body.subarray(0, 1_024);
  const is16Bit =
    (start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff);
  const isUtf16 = is16Bit || /charset\s*=\s*["']?utf-?16/i.test(page.headers['content-type'] ?? '');
  if (start.includes(0) && !isUtf16) return 'binary';

  if (htmlTypes.includes(page.contentType)) return 'html';
  if (textTypes.test(page.contentType)) return 'text';
  if (page.contentType !== '') return page.body.length === 0 ? 'text' : 'binary';

  return /^\s*</.test(Buffer.from(start).toString('latin1')) ? 'html' : 'text';
}
