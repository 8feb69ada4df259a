// Decides what of a task goes to Drive, under which name, and as which kind of file.
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';

import type { DeliverableSummary, DeliveredTask } from '../../core/delivery.ts';
import { briefDocument } from '../brief-document.ts';
import { planFiles } from '../folder/plan.ts';
import { markdownDocument } from './html.ts';
import { documentType, type Form, type Mark, type Media, noAgent, sheetType } from './item.ts';
import { summaryDocument } from './summary.ts';

/** One file of a task on its way to Drive. */
export type Paper = {
  /** The subfolder; `noAgent` for the task's own folder. */
  agent: string;
  name: string;
  mediaType: string;
  sha256: string;
  /** What it can become, the best first. */
  forms: readonly Form[];
  source: { type: 'text'; text: string } | { type: 'deliverable'; deliverable: DeliverableSummary };
};

const converted: Record<string, Exclude<Form, 'file'>> = {
  'text/markdown': 'document',
  'text/html': 'document',
  'text/csv': 'sheet',
};
/** Google Docs end at about a million characters; what is larger is kept as it is. */
const maxBytes: Record<Form, number> = {
  document: 1_000_000,
  sheet: 20_000_000,
  file: Number.POSITIVE_INFINITY,
};

/** The summary, the brief, and every deliverable under the names that it has on disk. Pure. */
export function papersOf(task: DeliveredTask): Paper[] {
  const files = planFiles(task, () => []).map(({ deliverable, folder, name }) => ({
    ...paper(folder, name, plainType(deliverable.mediaType)),
    forms: formsOf(deliverable),
    sha256: deliverable.sha256.toLowerCase(),
    source: { type: 'deliverable' as const, deliverable },
  }));

  return [
    ownPaper('Summary.html', 'text/html', summaryDocument(task)),
    ownPaper('Brief.md', 'text/markdown', briefDocument(task)),
    ...files,
  ];
}

export function markOf({ agent, name }: Paper, form: Form): Mark {
  return { type: 'file', agent, name, form };
}

/** How the file is called in Drive, where a document or sheet has no extension. */
export function shownName({ name }: Paper, form: Form): string {
  return form === 'file' ? name : name.replace(/(?<=.)\.(md|markdown|html?|csv)$/i, '');
}

/** What the file is in Drive. */
export function typeIn({ mediaType }: Paper, form: Form): string {
  switch (form) {
    case 'document':
      return documentType;
    case 'sheet':
      return sheetType;
    case 'file':
      return mediaType;
  }
}

/** The forms that this content can take: only texts can be converted. */
export function possibleForms({ forms }: Paper, content: Uint8Array): readonly Form[] {
  return isUtf8(content) ? forms : ['file'];
}

/** The bytes to send. */
export function mediaOf(paperToSend: Paper, form: Form, content: Uint8Array): Media {
  const { mediaType, name, sha256 } = paperToSend;
  if (form !== 'document' || mediaType !== 'text/markdown') return { content, mediaType, sha256 };

  const html = markdownDocument(new TextDecoder().decode(content), name);
  return { content: Buffer.from(html), mediaType: 'text/html', sha256 };
}

function ownPaper(name: string, mediaType: string, text: string): Paper {
  return {
    ...paper(noAgent, name, mediaType),
    forms: ['document', 'file'],
    sha256: createHash('sha256').update(text).digest('hex'),
    source: { type: 'text', text },
  };
}

function paper(agent: string, name: string, mediaType: string) {
  return { agent, name, mediaType };
}

function formsOf({ mediaType, bytes }: DeliverableSummary): readonly Form[] {
  const form = converted[plainType(mediaType)];

  return form === undefined || bytes > maxBytes[form] ? ['file'] : [form, 'file'];
}

function plainType(mediaType: string): string {
  const type = mediaType.replace(/;.*$/s, '').trim().toLowerCase();

  return /^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : 'application/octet-stream';
}
