// The tool `read_table`: the profile of a CSV that came with the brief.
import { z } from 'zod';

import type { Attachment, Brief } from '../core/brief.ts';
import type { Tool } from '../core/ports.ts';
import { oneLine } from './text.ts';
import { inThread } from './thread.ts';
import { defineTool, failed } from './tool.ts';

const TableInput = z.strictObject({
  file: z.string().min(1).max(255).describe('The name of an attached CSV file, such as sales.csv'),
});

/** Figures are of whole rows only: broken rows are counted, named by line, and left out. */
export function createReadTable(): Tool {
  return defineTool({
    name: 'read_table',
    description:
      'Profiles a CSV file attached to the brief: rows, broken rows, and per column type, range, sum, mean and examples, plus the date range and missing days. Figures are computed, quote them as they are. E-mail addresses and phone numbers are hidden.',
    input: TableInput,
    async run({ file }, { brief, signal }) {
      const attachment = findAttachment(brief, file);
      if (attachment?.text === undefined) return failed(unknownFile(brief, file));

      const profile = await inThread('read_table', { text: attachment.text }, { signal });
      return { ok: true, value: { file: attachment.name, ...profile } };
    },
  });
}

function tablesOf(brief: Brief): Attachment[] {
  return brief.attachments.filter(({ kind, text }) => kind === 'csv' && text !== undefined);
}

function findAttachment(brief: Brief, file: string): Attachment | undefined {
  const tables = tablesOf(brief);

  return (
    tables.find(({ name }) => name === file) ??
    tables.find(({ name }) => name.toLowerCase() === file.trim().toLowerCase())
  );
}

function unknownFile(brief: Brief, file: string): string {
  const names = tablesOf(brief).map(({ name }) => oneLine(name, 255));
  if (names.length === 0)
    return 'The brief came with no CSV file: go on without figures and say so';

  return `There is no CSV file "${oneLine(file, 255)}" with the brief. There is: ${names.join(', ')}`;
}
