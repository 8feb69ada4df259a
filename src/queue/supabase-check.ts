// Says what a Supabase project lacks. Nothing here changes the project: that is the owner's to do.
import { appError, isAppError } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import { functions, type Transport } from './functions.ts';

/** A migration that this version brings: its 14 digits, and its file. */
export type KnownMigration = { version: string; file: string };

export type SupabaseState = {
  /** Files that the project lacks, in order. */
  pending: string[];
  /** Versions that the project has and this version does not know: another program's, or a newer Nightshift's. */
  unknown: string[];
  /** False where the project keeps no history of migrations, so that only their presence is known. */
  hasHistory: boolean;
  /** True when Realtime tells of new tasks. */
  realtime: boolean;
};

/**
 * Reads what the project has, in one request. Throws `database_newer` where it needs a newer version of Nightshift,
 * `database_unavailable` and `database_key_refused`.
 */
export async function readSupabase(
  transport: Transport,
  migrations: readonly KnownMigration[],
): Promise<SupabaseState> {
  const found = await readVersion(transport);
  checkCompatible(migrations, found?.oldestClient);
  // Without the function that tells, the project has not come as far as its migration.
  const versions = found === undefined ? [] : found.versions;
  const known = new Set(migrations.map(({ version }) => version));

  return {
    pending: migrations
      .filter(({ version }) => versions !== null && !versions.includes(version))
      .map(({ file }) => file),
    unknown: (versions ?? []).filter((version) => !known.has(version)),
    hasHistory: versions !== null,
    realtime: found?.realtime ?? false,
  };
}

/**
 * What the daemon asks before it serves. Throws `database_behind` with what is missing, besides what `readSupabase`
 * throws; warns of what only makes things slower or doubtful.
 */
export async function checkSupabase(
  transport: Transport,
  migrations: readonly KnownMigration[],
  log: Log,
): Promise<SupabaseState> {
  const state = await readSupabase(transport, migrations);
  if (state.pending.length > 0)
    throw appError('database_behind', { detail: describePending(state) });

  if (!state.realtime) {
    log.warn('Realtime does not tell of new tasks: they start at the next poll', {
      mend: 'alter publication supabase_realtime add table public.tasks, public.task_progress;',
    });
  }
  if (!state.hasHistory) {
    log.warn('the project keeps no history of migrations: whether some are missing is not known', {
      mend: 'supabase migration repair --status applied <version>',
    });
  }
  if (state.unknown.length > 0) {
    log.warn('the project has migrations that this version does not know: it works with them', {
      versions: state.unknown,
    });
  }

  return state;
}

/** What `supabase db push` would apply, for people: one line, then one per file. */
export function describePending({ pending }: Pick<SupabaseState, 'pending'>): string {
  if (pending.length === 0) return 'The project has every migration of this version.';
  const files = pending.map((file) => `  ${file}`).join('\n');

  return `\`supabase db push\` would apply ${pending.length} migration${pending.length === 1 ? '' : 's'}:\n${files}`;
}

function checkCompatible(migrations: readonly KnownMigration[], oldest: string | undefined): void {
  const newest = migrations.at(-1);
  if (oldest === undefined || (newest !== undefined && newest.version >= oldest)) return;

  throw appError('database_newer', {
    detail: `it needs ${oldest}, this version ends at ${newest?.file ?? 'nothing'}`,
  });
}

async function readVersion(transport: Transport) {
  try {
    return functions.schemaVersion.answer.parse(await transport.call(functions.schemaVersion, {}));
  } catch (error) {
    if (isAppError(error) && error.code === 'database_behind') return undefined;
    throw error;
  }
}
