// Runs slow work on outside content in a thread of its own: hostile content costs time there, and then its thread.
import { Worker } from 'node:worker_threads';

import pLimit from 'p-limit';

import { appError, messageOf } from '../core/errors.ts';
import type { Issue } from './audit-rules.ts';
import type { FetchedHtml, PageFacts } from './page/facts.ts';
import type { TableProfile } from './table/profile.ts';

/** What threads can do, by name. */
export type ThreadWork = {
  read_page: { input: { html: string }; output: { title: string | null; text: string } };
  audit_page: { input: FetchedHtml; output: { facts: PageFacts; issues: Issue[] } };
  read_table: { input: { text: string }; output: TableProfile };
};

export type ThreadRequest = {
  [Name in keyof ThreadWork]: { type: Name; input: ThreadWork[Name]['input'] };
}[keyof ThreadWork];

export type ThreadLimits = {
  signal: AbortSignal;
  /** Default: 15 s. */
  maxMs?: number;
};

const defaultMs = 15_000;
const maxMegabytes = 512;

// Two at once: a thread takes tens of megabytes, and seven agents start together.
const limit = pLimit(2);

/**
 * Does one piece of work in a new thread and ends it. Throws `content_refused` when the content takes too long, more
 * than 512 MB or cannot be read at all, or the reason of `signal` once that aborts.
 */
export async function inThread<Name extends keyof ThreadWork>(
  type: Name,
  input: ThreadWork[Name]['input'],
  limits: ThreadLimits,
): Promise<ThreadWork[Name]['output']> {
  return await limit(() => runThread<ThreadWork[Name]['output']>({ type, input }, limits));
}

async function runThread<Output>(
  request: { type: string; input: unknown },
  { signal, maxMs = defaultMs }: ThreadLimits,
): Promise<Output> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Output>();
  const thread = new Worker(new URL('./thread-entry.ts', import.meta.url), {
    workerData: request,
    // Nothing of ours is for the thread to see.
    env: {},
    argv: [],
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: maxMegabytes },
  });
  const timer = setTimeout(() => reject(refused(`reading it takes over ${maxMs} ms`)), maxMs);
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  thread.once('message', resolve);
  thread.once('error', (error) => reject(refused(messageOf(error), error)));
  thread.once('exit', () => reject(refused('reading it ended early')));

  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    await thread.terminate();
  }
}

function refused(detail: string, cause?: unknown): Error {
  return appError('content_refused', { detail: `${detail}. Go on without it` }, { cause });
}
