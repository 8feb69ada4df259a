// Composition for commands: briefs that are kept on this machine until its daemon hands them in, and what else is kept.
import path from 'node:path';

import { z } from 'zod';

import type { TaskSubmission } from './core/queue.ts';
import { type KeptTask, SpooledTask, type SpoolFacts } from './core/spool.ts';
import { openSpool } from './queue/spool.ts';

/** The folder of a home's spool. */
export const spoolOf = (home: string): string => path.join(home, 'spool');

/** Resolves once the brief is safe on the disk. Rejects with what the disk says. */
export async function keepTask(home: string, task: TaskSubmission & { id: string }): Promise<void> {
  await openSpool(spoolOf(home)).tasks.add({ at: new Date().toISOString(), task });
}

const RefusedTask = z.object({ reason: z.string(), entry: SpooledTask });

/** Briefs that were handed in here and are no tasks yet, or were refused as such; oldest first. Changes nothing. */
export async function keptTasks(home: string): Promise<KeptTask[]> {
  const { tasks, refused } = openSpool(spoolOf(home), { isReadOnly: true });
  const waiting = await readAll(tasks);
  const over = (await readAll(refused)).flatMap((entry) => RefusedTask.safeParse(entry).data ?? []);

  return [
    ...waiting.map((entry) => viewOf(entry, null)),
    ...over.map(({ entry, reason }) => viewOf(entry, reason)),
  ];
}

function viewOf({ at, task: { id, title } }: SpooledTask, reason: string | null): KeptTask {
  return { id, title, at, status: reason === null ? 'spooled' : 'refused', reason };
}

async function readAll<Entry>(folder: {
  names(): Promise<string[]>;
  read(name: string): Promise<Entry | undefined>;
}): Promise<Entry[]> {
  const entries = await Promise.all((await folder.names()).map((name) => folder.read(name)));
  return entries.filter((entry) => entry !== undefined);
}

const shownTasks = 3;

/** What is in the spool of a home. Changes nothing. */
export async function lookAtSpool(home: string): Promise<SpoolFacts> {
  const spool = openSpool(spoolOf(home), { isReadOnly: true });
  const count = async (folder: { names(): Promise<string[]> }) => (await folder.names()).length;
  const refused = await count(spool.refused);
  const kept = refused === 0 ? [] : await keptTasks(home);

  return {
    path: spoolOf(home),
    steps: await count(spool.steps),
    outcomes: await count(spool.outcomes),
    tasks: await count(spool.tasks),
    late: await count(spool.late),
    refused,
    refusedTasks: kept.filter(({ status }) => status === 'refused').slice(-shownTasks),
  };
}
