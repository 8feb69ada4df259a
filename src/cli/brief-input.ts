// Puts a submission together from what stands on the command line: a title and text, a brief file, attachments.
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';

import { type Document, parseDocument } from 'yaml';
import { z } from 'zod';

import { appError, messageOf } from '../core/errors.ts';

/** The flags of `submit` that say something about the brief or its task. */
export const SubmitOptions = z.object({
  file: z.string().optional(),
  attach: z.array(z.string()).default([]),
  agents: z.string().optional(),
  profile: z.string().optional(),
  priority: z.string().optional(),
  idempotencyKey: z.string().optional(),
  after: z.array(z.string()).default([]),
  at: z.string().optional(),
  timeout: z.string().optional(),
  maxRetries: z.string().optional(),
});
export type SubmitOptions = z.infer<typeof SubmitOptions>;

type InputFault = { path: string; problem: string; example: string | null };

/** What `submit` is to check, with the faults of files that could not be taken. */
export type BriefInput = { input: Record<string, unknown>; faults: InputFault[] };

const BriefFile = z.record(z.string(), z.unknown());
const Attachments = z.array(z.unknown());

const maxBriefBytes = 20_000_000;
const maxAttachmentBytes = 5_000_000;
const kindsByExtension: Record<string, 'csv' | 'doc'> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.txt': 'doc',
  '.md': 'doc',
  '.markdown': 'doc',
  '.json': 'doc',
  '.yaml': 'doc',
  '.yml': 'doc',
};

/** Flags win over the file. Throws `usage` or `file_not_readable` where there is no brief to check at all. */
export function readBriefInput(
  title: string | undefined,
  text: string | undefined,
  options: SubmitOptions,
): BriefInput {
  if (title === undefined && options.file === undefined) {
    throw appError('usage', {
      detail:
        'give a title and a text, or a file: nightshift submit "Title" "What the work is for"',
    });
  }
  const fromFile = options.file === undefined ? {} : readBriefFile(options.file);
  const attached = options.attach.map(readAttachment);
  const kept = Attachments.safeParse(fromFile.attachments).data ?? [];
  const taken = attached.flatMap(({ attachment }) => attachment ?? []);
  // A title alone is its own description, as it is for a plain SQL insert.
  const described =
    text === '-' ? readStdin() : (text ?? (options.file === undefined ? title : undefined));

  const input = {
    ...fromFile,
    ...(title !== undefined && { title }),
    ...(described !== undefined && { description: described }),
    ...(taken.length > 0 && { attachments: [...kept, ...taken] }),
    ...taskOptions(options),
  };
  return { input, faults: attached.flatMap(({ fault }) => fault ?? []) };
}

function taskOptions(options: SubmitOptions): Record<string, unknown> {
  const { agents, profile, priority, idempotencyKey, after, at, timeout, maxRetries } = options;

  return {
    ...(agents !== undefined && { agents: list(agents) }),
    ...(profile !== undefined && { profile }),
    ...(priority !== undefined && { priority }),
    ...(idempotencyKey !== undefined && { idempotency_key: idempotencyKey }),
    ...(after.length > 0 && { depends_on: after.flatMap(list) }),
    ...(at !== undefined && { scheduled_for: pointInTime(at, new Date()) }),
    ...(timeout !== undefined && { timeout_seconds: numberOrText(timeout) }),
    ...(maxRetries !== undefined && { max_retries: numberOrText(maxRetries) }),
  };
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

// What is no number stays as it is, so that the message can show it.
function numberOrText(text: string): number | string {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** ISO 8601 in UTC from a time as people write it: `22:00` (the next such), or a date and time, local if without zone. */
export function pointInTime(text: string, now: Date): string {
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim());
  if (clock === null) {
    const at = /^\d{4}-\d\d-\d\d[T ]\d/.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(at) ? text : new Date(at).toISOString();
  }

  const next = new Date(now);
  next.setHours(Number(clock[1]), Number(clock[2]), 0, 0);
  if (next <= now) next.setDate(next.getDate() + 1);
  return next.toISOString();
}

function readBriefFile(file: string): Record<string, unknown> {
  const text = file === '-' ? readStdin() : decode(readBytes(file, maxBriefBytes), file);
  // YAML holds JSON too; unlike a parser of either alone, it names line and column.
  const document = parseDocument(text, { prettyErrors: true });
  const [first] = document.errors;
  if (first !== undefined) {
    throw appError('brief_invalid', {
      detail: `${file} is neither YAML nor JSON: ${first.message}`,
    });
  }

  const parsed = BriefFile.safeParse(valueOf(document, file));
  if (parsed.success) return parsed.data;
  throw appError('brief_invalid', {
    detail: `${file} must hold keys such as title and description (see config/sample-brief.yaml)`,
  });
}

// An alias can name nothing, or stand for so much that it would fill the memory: both are told here only.
function valueOf(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    const detail = `${file} cannot be used as YAML: ${messageOf(cause)}`;
    throw appError('brief_invalid', { detail }, { cause });
  }
}

function readStdin(): string {
  try {
    return decode(readFileSync(0), 'the input');
  } catch (cause) {
    throw appError('file_not_readable', { detail: `the input (${messageOf(cause)})` }, { cause });
  }
}

function readBytes(file: string, maxBytes: number): Buffer {
  try {
    // Without waiting: a pipe that nobody writes to would hold the opening up for ever.
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return readRegular(fd, maxBytes);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw appError('file_not_readable', { detail: `${file} (${messageOf(cause)})` }, { cause });
  }
}

function readRegular(fd: number, maxBytes: number): Buffer {
  const stat = fstatSync(fd);
  if (stat.isDirectory()) throw new Error('it is a folder');
  if (!stat.isFile()) throw new Error('it is no regular file');
  if (stat.size > maxBytes) {
    throw new Error(`it has ${stat.size} bytes, at most ${maxBytes} are taken`);
  }
  // The size is not to be trusted: files of the system say 0, and others grow meanwhile.
  const pieces: Buffer[] = [];
  for (let total = 0; total <= maxBytes;) {
    const piece = Buffer.alloc(64 * 1024);
    const read = readSync(fd, piece);
    if (read === 0) return Buffer.concat(pieces);
    pieces.push(piece.subarray(0, read));
    total += read;
  }
  throw new Error(`it has more than ${maxBytes} bytes`);
}

function decode(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw appError('file_not_readable', { detail: `${file} is not text in UTF-8` }, { cause });
  }
}

function readAttachment(file: string): {
  attachment?: Record<string, unknown>;
  fault?: InputFault;
} {
  const kind = kindsByExtension[path.extname(file).toLowerCase()];

  if (kind === undefined) {
    const known = Object.keys(kindsByExtension).join(', ');
    const problem = `this kind of file cannot be attached yet: take one of ${known}`;
    return { fault: { path: `--attach ${file}`, problem, example: null } };
  }
  try {
    const text = decode(readBytes(file, maxAttachmentBytes), file);
    return { attachment: { name: path.basename(file), kind, text } };
  } catch (error) {
    return { fault: { path: `--attach ${file}`, problem: messageOf(error), example: null } };
  }
}
