// The disk spool: folders of JSON entries in order, whole or not there at all, whenever the power fails.
import { randomBytes } from 'node:crypto';
import { watch } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { messageOf } from '../core/errors.ts';
import {
  LateOutcome,
  RefusedEntry,
  type Spool,
  SpooledOutcome,
  SpooledStep,
  SpooledTask,
  type SpoolFolder,
} from '../core/spool.ts';

const suffix = '.json';
const folders = ['steps', 'outcomes', 'tasks', 'late', 'refused'] as const;

export type SpoolOptions = {
  /** Leaves what makes no sense where it is: for those who only look. */
  isReadOnly?: boolean;
};

/** The spool in the folder `root`, which is made when something is put into it. Looks at nothing yet. */
export function openSpool(root: string, { isReadOnly = false }: SpoolOptions = {}): Spool {
  const now = Date.now;
  const refused = createFolder(path.join(root, 'refused'), { schema: RefusedEntry, now });
  const folder = <Entry>(name: string, schema: z.ZodType<Entry>): SpoolFolder<Entry> =>
    createFolder(path.join(root, name), { schema, now, ...(!isReadOnly && { refused }) });

  return {
    steps: folder('steps', SpooledStep),
    outcomes: folder('outcomes', SpooledOutcome),
    tasks: folder('tasks', SpooledTask),
    late: folder('late', LateOutcome),
    refused,
    async sweep() {
      for (const name of folders) await sweepFolder(path.join(root, name));
    },
  };
}

export type FolderOptions<Entry> = {
  /** Entries are encoded by it, and decoded. */
  schema: z.ZodType<Entry>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Takes what makes no sense; without it, that is left where it is. */
  refused?: SpoolFolder<RefusedEntry>;
};

/** One folder of entries. */
export function createFolder<Entry>(
  root: string,
  { schema, now, refused }: FolderOptions<Entry>,
): SpoolFolder<Entry> {
  const fileOf = (name: string): string => path.join(root, name);
  const nextName = createNames(root, now);

  async function put(name: string, entry: Entry): Promise<void> {
    await makeFolder(root);
    await writeWhole(fileOf(name), JSON.stringify(z.encode(schema, entry), null, 2));
  }

  async function refuse(name: string, reason: string): Promise<void> {
    const bytes = await readFile(fileOf(name)).catch(unlessAbsent);
    if (refused === undefined || bytes === undefined) return;

    const from = `${path.basename(root)}/${name}`;
    const at = new Date(now()).toISOString();
    const entry = parse(bytes);
    // Always the same name: a crash before the removal leaves one refusal, not two.
    await refused.put(from.replace('/', '-'), { status: 'refused', at, reason, from, entry });
    await rm(fileOf(name), { force: true });
  }

  return {
    put,
    refuse,
    names: () => namesIn(root),
    remove: (name) => rm(fileOf(name), { force: true }),
    watch: (heard, deaf) => watchFolder(root, heard, deaf),

    async add(entry) {
      const name = await nextName();
      await put(name, entry);
      return name;
    },

    async read(name) {
      const bytes = await readFile(fileOf(name)).catch(unlessAbsent);
      if (bytes === undefined) return undefined;

      try {
        return z.decode(schema, JSON.parse(bytes.toString('utf8')));
      } catch (error) {
        await refuse(name, `It makes no sense: ${messageOf(error)}`);
        return undefined;
      }
    },
  };
}

/** Names behind that of every entry that is there, also when the clock was set back. */
function createNames(root: string, now: () => number): () => Promise<string> {
  let newest: Promise<number> | undefined;
  let last = 0;

  return async () => {
    newest ??= namesIn(root).then((all) => Number.parseInt(all.at(-1) ?? '0', 10) || 0);
    // What cannot be looked at now may be another time.
    newest.catch(() => (newest = undefined));
    const before = await newest;
    last = Math.max(now(), last + 1, before + 1);

    return `${String(last).padStart(15, '0')}-${randomBytes(4).toString('hex')}${suffix}`;
  };
}

async function namesIn(root: string): Promise<string[]> {
  const found = await readdir(root).catch(unlessAbsent);

  return (found ?? []).filter((name) => isEntry(name)).toSorted();
}

function watchFolder(root: string, heard: () => void, deaf: (error: unknown) => void): Disposable {
  const stop = new AbortController();
  const listening = makeFolder(root).then(() => {
    if (stop.signal.aborted) return;
    watch(root, { persistent: false, signal: stop.signal }, heard).on('error', deaf);
    // What came before the watch began.
    heard();
  });
  listening.catch(deaf);

  return { [Symbol.dispose]: () => stop.abort() };
}

function isEntry(name: string): boolean {
  return name.endsWith(suffix) && !name.startsWith('.');
}

/** What the bytes hold, or the bytes themselves as a text that loses none of them. */
function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    const text = bytes.toString('utf8');
    return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') };
  }
}

/** A rename is all or nothing, and lasts once its folder is written. */
async function writeWhole(file: string, text: string): Promise<void> {
  const folder = path.dirname(file);
  const draft = path.join(folder, `.${process.pid}-${randomBytes(8).toString('hex')}.tmp`);

  try {
    await using handle = await open(draft, 'wx', 0o600);
    await handle.writeFile(text);
    await handle.sync();
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;

  // A new folder is an entry of the one above it.
  for (let made = folder; made.length >= first.length; made = path.dirname(made)) {
    await syncFolder(path.dirname(made));
  }
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}

/** Drafts of programs that are gone. One of our own number is of a former life: we have written nothing yet. */
async function sweepFolder(folder: string): Promise<void> {
  for (const name of (await readdir(folder).catch(unlessAbsent)) ?? []) {
    const pid = Number(/^\.(\d+)-[0-9a-f]+\.tmp$/.exec(name)?.[1]);
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) continue;
    await rm(path.join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function unlessAbsent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
