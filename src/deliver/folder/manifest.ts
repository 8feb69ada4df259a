// The manifest of a published folder: what is in it, whose it is, and whether it is whole.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import type { DeliveredTask } from '../../core/delivery.ts';
import { isPlannedPath, manifestName, type PlannedFile } from './plan.ts';

const maxManifestBytes = 8_000_000;

const Path = z.string().refine(isPlannedPath, 'leaves the folder');

export const Manifest = z.object({
  schema_version: z.literal(1),
  /** False while files are being replaced: such a folder is not to be read yet. */
  published: z.boolean(),
  task: z.object({
    id: z.string(),
    title: z.string(),
    outcome: z.string(),
    created_at: z.string(),
    started_at: z.string().nullable(),
    ended_at: z.string().nullable(),
  }),
  files: z.array(
    z.object({
      agent: z.string(),
      path: Path,
      title: z.string(),
      media_type: z.string(),
      bytes: z.number(),
      sha256: z.string(),
    }),
  ),
  /** Agents that did not deliver, with the reason. */
  failed_agents: z.array(
    z.object({
      agent: z.string(),
      status: z.string(),
      code: z.string().nullable(),
      reason: z.string().nullable(),
    }),
  ),
  /** While files are being replaced: those that were there before, so that a repeat can still tell which are ours. */
  former: z.array(z.object({ path: Path, sha256: z.string() })).optional(),
});
export type Manifest = z.infer<typeof Manifest>;

export function manifestOf(task: DeliveredTask, files: PlannedFile[]): Manifest {
  return {
    schema_version: 1,
    published: true,
    task: {
      id: task.id,
      title: task.title,
      outcome: task.outcome,
      created_at: task.createdAt,
      started_at: task.startedAt,
      ended_at: task.endedAt ?? null,
    },
    files: files.map(({ deliverable, path }) => ({
      agent: deliverable.agent,
      path,
      title: deliverable.title,
      media_type: deliverable.mediaType,
      bytes: deliverable.bytes,
      sha256: deliverable.sha256,
    })),
    failed_agents: task.runs
      .filter((run) => run.status !== 'complete')
      .map((run) => ({
        agent: run.agent,
        status: run.status,
        code: run.error?.code ?? null,
        reason: run.error?.message ?? null,
      })),
  };
}

/** Every file that a manifest, also one of an interrupted update, calls ours; a path may come twice. */
export function ownFiles(manifest: Manifest): { path: string; sha256: string }[] {
  return [...manifest.files, ...(manifest.former ?? [])].map(({ path, sha256 }) => ({
    path,
    sha256,
  }));
}

/** The manifest of a folder; null when there is none that we could have written. Never follows a link. */
export async function readManifest(folder: string): Promise<Manifest | null> {
  try {
    await using file = await open(
      join(folder, manifestName),
      constants.O_RDONLY | constants.O_NOFOLLOW,
    );
    const facts = await file.stat();
    if (!facts.isFile() || facts.size > maxManifestBytes) return null;

    return Manifest.safeParse(JSON.parse(await file.readFile('utf8'))).data ?? null;
  } catch (error) {
    if (isAbsentOrForeign(error)) return null;
    throw error;
  }
}

function isAbsentOrForeign(error: unknown): boolean {
  if (error instanceof SyntaxError) return true;
  return (
    error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ELOOP')
  );
}
