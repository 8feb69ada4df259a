// PostgreSQL's settings: small enough for a Mac mini that does other work, safe across power cuts.

export type Settings = Record<string, string>;

/** Written at every start. An operator's `alter system` comes after these and wins. */
export const defaultSettings: Settings = {
  max_connections: '50',
  shared_buffers: '128MB',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  effective_cache_size: '1GB',
  random_page_cost: '1.1',
  // Queue statements are short: neither pays for itself, and parallel workers need room in /dev/shm.
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  wal_compression: 'on',
  max_wal_size: '512MB',
  min_wal_size: '80MB',
  checkpoint_timeout: '15min',
  // Only this one gets past the cache of a Mac's disk; the default there survives crashes but not power cuts.
  ...(process.platform === 'darwin' ? { wal_sync_method: 'fsync_writethrough' } : {}),
  // A daemon killed in the middle of a statement must not keep its locks.
  client_connection_check_interval: '10s',
  idle_in_transaction_session_timeout: '60s',
  tcp_keepalives_idle: '60',
  password_encryption: 'scram-sha-256',
  default_text_search_config: 'pg_catalog.english',
  // One file per weekday, overwritten a week later.
  logging_collector: 'on',
  log_directory: '../log',
  log_filename: 'postgres-%a.log',
  log_rotation_age: '1d',
  log_rotation_size: '0',
  log_truncate_on_rotation: 'on',
  log_min_messages: 'warning',
  // Statements hold what people wrote, and once a password: only the error itself is logged.
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
};

/** The text of a `postgresql.conf`. */
export function settingsText(settings: Settings): string {
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`,
  );

  return [
    '# Written by Nightshift at every start: use `alter system` for your own.',
    ...lines,
    '',
  ].join('\n');
}
