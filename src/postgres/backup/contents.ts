// What of a database belongs into a backup, and what does not: a test holds both lists against the catalog.

/** Tables whose rows are kept, each after those that it refers to: they are put back in this order. */
export const keptTables = [
  'auth.users',
  'public.profiles',
  'public.agents',
  'public.sinks',
  'public.tasks',
  'public.task_dependencies',
  'public.agent_runs',
  'public.run_steps',
  'public.cost_reservations',
  'public.task_progress',
  'public.deliverables',
  'public.deliverable_contents',
  'public.deliveries',
  'public.delivery_attempts',
  'public.poll_runs',
  'nightshift.restores',
] as const;

/** Tables that stay behind, with the reason. */
export const leftTables: Readonly<Record<string, string>> = {
  'public.workers':
    'boots of daemons on the old machine: none of them lives where the backup is restored',
  'public.leases': 'held by programs on the old machine, for some seconds',
  'public.prunings': 'the nights of the old machine: the next one is noted anew',
  'nightshift.claims': 'claims of workers on the old machine, none of which comes again',
  'nightshift.compatibility': 'the migrations say it',
  'supabase_migrations.schema_migrations': 'the manifest names them, and the restore applies them',
};

/** Sequences of their own. Those behind a column of a kept table come with it. */
export const keptSequences = ['nightshift.folder_numbers'] as const;

/** What every daemon writes at its start: a database that has nothing but this is empty all the same. */
export const registries: readonly string[] = ['public.agents', 'public.sinks', 'public.poll_runs'];

/**
 * Of Supabase's users only what the rest refers to and the prelude's table has too: hashes of passwords and tokens are
 * among the other columns.
 */
export const limitedColumns: Readonly<Record<string, readonly string[]>> = {
  'auth.users': [
    'id',
    'email',
    'role',
    'raw_app_meta_data',
    'raw_user_meta_data',
    'created_at',
    'updated_at',
  ],
};
