// A file or folder of Drive as we mark and recognise it: by properties that only this app can see.
import { createHash } from 'node:crypto';

import { z } from 'zod';

export const folderType = 'application/vnd.google-apps.folder';
export const documentType = 'application/vnd.google-apps.document';
export const sheetType = 'application/vnd.google-apps.spreadsheet';

/** What we ask Drive to tell of a file. */
export const itemFields = 'id,name,mimeType,createdTime,parents,appProperties,webViewLink';

export const Item = z.object({
  id: z.string().min(1),
  name: z.string(),
  mimeType: z.string(),
  createdTime: z.string(),
  parents: z.array(z.string()).default([]),
  appProperties: z.record(z.string(), z.string()).default({}),
  webViewLink: z.url({ protocol: /^https?$/ }).optional(),
});
export type Item = z.infer<typeof Item>;

/** Bytes on their way to Drive, what they are, and the hash of the file that they stand for. */
export type Media = { content: Uint8Array; mediaType: string; sha256: string };

/** How a file is kept: converted to Google's own kinds, or as it is. */
export type Form = 'document' | 'sheet' | 'file';

/** What a file or folder is for. The same mark is never made twice in one task. */
export type Mark =
  | { type: 'task' }
  | { type: 'agent'; agent: string }
  | { type: 'file'; agent: string; name: string; form: Form };

/** `agent` of the files that lie in the task's folder itself. */
export const noAgent = '-';

export const taskProperty = 'nightshiftTask';
const typeProperty = 'nightshiftType';
const agentProperty = 'nightshiftAgent';
const nameProperty = 'nightshiftName';
const hashProperty = 'nightshiftSha256';

export function propertiesOf(taskId: string, mark: Mark): Record<string, string> {
  const base = { [taskProperty]: taskId, [typeProperty]: mark.type };

  switch (mark.type) {
    case 'task':
      return base;
    case 'agent':
      return { ...base, [agentProperty]: fitting(mark.agent) };
    case 'file':
      return { ...base, [agentProperty]: fitting(mark.agent), [nameProperty]: fitting(mark.name) };
  }
}

export function hashProperties(sha256: string): Record<string, string> {
  return { [hashProperty]: sha256 };
}

export function hashOf(item: Item): string | undefined {
  return item.appProperties[hashProperty];
}

/** Equal for marks that mean the same thing. */
export function keyOf(mark: Mark): string {
  switch (mark.type) {
    case 'task':
      return keyFrom(['task']);
    case 'agent':
      return keyFrom(['agent', fitting(mark.agent)]);
    case 'file':
      return keyFrom(['file', fitting(mark.agent), fitting(mark.name), mark.form]);
  }
}

/** What an item was made for; undefined for what we did not make. */
export function identityOf(item: Item): { type: Mark['type']; key: string } | undefined {
  const { [typeProperty]: type, [agentProperty]: agent, [nameProperty]: name } = item.appProperties;
  const isFolder = item.mimeType === folderType;

  if (type === 'task' && isFolder) return { type, key: keyFrom([type]) };
  if (type === 'agent' && isFolder && agent) return { type, key: keyFrom([type, agent]) };
  if (type === 'file' && agent && name) {
    return { type, key: keyFrom([type, agent, name, formOf(item.mimeType)]) };
  }
  return undefined;
}

function formOf(mimeType: string): Form {
  if (mimeType === documentType) return 'document';
  return mimeType === sheetType ? 'sheet' : 'file';
}

function keyFrom(parts: string[]): string {
  return JSON.stringify(parts);
}

/** Drive takes 124 bytes of UTF-8 for a property's name and value together. */
const maxValueBytes = 100;

function fitting(value: string): string {
  if (Buffer.byteLength(value) <= maxValueBytes) return value;
  return createHash('sha256').update(value).digest('hex');
}
