// The manifest, first in every backup: what is in the file, and what it takes to restore it.
import { z } from 'zod';

import { appError } from '../../core/errors.ts';

/** Of the file as such; a later form gets the next number. */
export const formatNumber = 1;

export const manifestName = 'manifest.json';

// They become part of SQL, quoted; this is a second lock on the same door.
const Name = z.string().regex(/^[a-z_][a-z0-9_]*$/);
const QualifiedName = z.string().regex(/^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$/);

export const Manifest = z.object({
  format: z.literal(formatNumber),
  id: z.uuid(),
  /** Of the product that made it. */
  version: z.string(),
  created_at: z.iso.datetime(),
  profile: z.enum(['embedded', 'supabase']),
  /** Timestamps of the migrations that the database had, in order. */
  migrations: z.array(z.string().regex(/^\d{14}$/)).min(1),
  tables: z.array(
    z.object({ name: QualifiedName, columns: z.array(Name).min(1), rows: z.number().int().min(0) }),
  ),
  sequences: z.array(
    z.object({
      name: QualifiedName,
      last_value: z.string().regex(/^\d+$/),
      is_called: z.boolean(),
    }),
  ),
  /** Where the published files were, as a file URL; null when they are not in the backup. */
  outputs: z.object({ url: z.string() }).nullable(),
});
export type Manifest = z.infer<typeof Manifest>;

const AnyManifest = z.object({ format: z.number().int().min(1), version: z.string() });

/** Throws `backup_invalid`, and `backup_newer` for a form that only later versions know. */
export function parseManifest(text: string): Manifest {
  const json = parseJson(text);
  const known = AnyManifest.safeParse(json).data;
  if (known !== undefined && known.format > formatNumber) {
    throw appError('backup_newer', { detail: `version ${known.version} made it` });
  }

  const manifest = Manifest.safeParse(json);
  if (manifest.success) return manifest.data;
  throw appError('backup_invalid', { detail: 'its manifest is not one of Nightshift' });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
