// The one catalogue of errors: a code, what it says, its HTTP status and whether trying again can help.

type Entry = { message: string; status: number; retriable: boolean };

export const errorCatalogue = {
  // What people hand in
  brief_invalid: { message: 'The brief is not valid', status: 422, retriable: false },
  agent_unknown: { message: 'There is no such agent', status: 400, retriable: false },
  dependency_invalid: { message: 'The dependencies are not valid', status: 400, retriable: false },
  task_not_found: { message: 'There is no such task', status: 404, retriable: false },
  task_not_retriable: { message: 'This task cannot be retried', status: 409, retriable: false },
  task_over: { message: 'This task has already ended', status: 409, retriable: false },
  contents_removed: {
    message: 'The database no longer keeps these files (retention.contents_days)',
    status: 410,
    retriable: false,
  },
  file_not_readable: { message: 'The file cannot be read', status: 400, retriable: false },
  usage: { message: 'The command is not complete', status: 400, retriable: false },
  config_invalid: { message: 'The configuration is not valid', status: 500, retriable: false },
  forbidden: { message: 'This is not yours to do', status: 403, retriable: false },
  // The queue
  database_unavailable: { message: 'The database does not answer', status: 503, retriable: true },
  // Not the call's fault, and a key can be mended: what waits to be settled is kept until then.
  database_key_refused: {
    message:
      'Supabase does not take the key: set SUPABASE_SECRET_KEY to a secret key of this project',
    status: 503,
    retriable: true,
  },
  // A daemon under which the database was migrated claims nothing, and keeps what waits to be settled until it is updated.
  database_newer: {
    message: 'The database is of a newer version of Nightshift: update this machine',
    status: 500,
    retriable: true,
  },
  // The same call succeeds once it is migrated: what waits to be settled is kept until then.
  database_behind: {
    message: 'The database lacks migrations: run `nightshift migrate`',
    status: 500,
    retriable: true,
  },
  migration_failed: {
    message: 'A migration failed, and the database keeps its former version',
    status: 500,
    retriable: false,
  },
  database_failed: { message: 'The database refused the call', status: 500, retriable: false },
  worker_unknown: { message: 'This worker is not registered', status: 409, retriable: true },
  lease_lost: { message: 'The run was taken over', status: 409, retriable: false },
  lease_uncertain: {
    message: 'This machine was silent for longer than its lease: another may be at the same work',
    status: 409,
    retriable: true,
  },
  task_cancelled: { message: 'The task was cancelled', status: 409, retriable: false },
  daemon_absent: {
    message: 'No daemon runs on this home: start one with `nightshift start`',
    status: 503,
    retriable: false,
  },
  daemon_recovering: {
    message: 'The daemon of this home is in recovery mode: it does not start, and tries again',
    status: 503,
    retriable: true,
  },
  daemon_stopping: { message: 'The daemon is stopping', status: 503, retriable: true },
  home_taken: {
    message: 'A daemon runs on this home already, and polls by itself',
    status: 409,
    retriable: false,
  },
  // Backups
  file_exists: {
    message: 'The file is there already: take another name, or --force to replace it',
    status: 409,
    retriable: false,
  },
  file_not_writable: { message: 'The file cannot be written', status: 500, retriable: false },
  home_busy: {
    message:
      'Another program has this home: end it (a service with `nightshift service uninstall`), then try again',
    status: 409,
    retriable: true,
  },
  nothing_to_back_up: {
    message: 'There is nothing to back up: no daemon has ever worked here',
    status: 404,
    retriable: false,
  },
  backup_invalid: {
    message: 'The backup is not whole, and nothing was changed: take another one',
    status: 422,
    retriable: false,
  },
  backup_newer: {
    message: 'The backup was made by a newer version of Nightshift: update this one',
    status: 422,
    retriable: false,
  },
  home_not_empty: {
    message:
      'A backup is restored into an empty home or database only, and this one is not (name another with --home)',
    status: 409,
    retriable: false,
  },
  restore_unfinished: {
    message: 'A restore was begun in this home and has not ended',
    status: 409,
    retriable: false,
  },
  postgres_failed: { message: 'The embedded PostgreSQL failed', status: 500, retriable: true },
  unit_failed: {
    message: 'The service could not be set up',
    status: 500,
    retriable: false,
  },
  // Agents and models
  agent_definition_invalid: {
    message: 'An agent file is not valid',
    status: 500,
    retriable: false,
  },
  agent_missing: {
    message: 'This worker has no definition of the agent: add agents/<name>.md',
    status: 500,
    retriable: false,
  },
  output_invalid: { message: 'The output did not pass its checks', status: 500, retriable: false },
  steps_exhausted: {
    message: 'The agent used all its steps without an answer: raise limits.max_steps',
    status: 500,
    retriable: false,
  },
  over_budget: { message: 'The run reached its budget', status: 500, retriable: false },
  run_timeout: { message: 'The run took longer than it may', status: 500, retriable: false },
  run_crashed: { message: 'The run ended on an unexpected error', status: 500, retriable: true },
  worker_lost: { message: 'The worker died during the run', status: 500, retriable: true },
  model_unavailable: { message: 'The model does not answer', status: 503, retriable: true },
  model_rate_limited: { message: 'The model asks to slow down', status: 429, retriable: true },
  model_refused: { message: 'The model provider refused the call', status: 502, retriable: false },
  model_garbled: { message: 'The model answered in no known form', status: 502, retriable: true },
  // Deliveries
  delivery_failed: { message: 'The delivery failed', status: 502, retriable: true },
  deliverable_unreadable: {
    message: 'A deliverable could not be read from the database',
    status: 503,
    retriable: true,
  },
  deliverable_corrupt: {
    message: 'A stored file is not the one that the agent delivered: retry the agent',
    status: 500,
    retriable: false,
  },
  folder_refused: {
    message: 'The results folder is not safe to write to',
    status: 500,
    retriable: false,
  },
  disk_full: {
    message: 'The disk is full: free some space, the delivery is tried again',
    status: 507,
    retriable: true,
  },
  disk_read_only: {
    message:
      'The disk can only be read: see why the system has closed it, the delivery is tried again',
    status: 507,
    retriable: true,
  },
  folder_not_writable: {
    message: 'The results folder cannot be written: give your user write permission on it',
    status: 500,
    retriable: true,
  },
  drive_unavailable: { message: 'Google Drive does not answer', status: 503, retriable: true },
  drive_busy: { message: 'Google Drive asks to slow down', status: 429, retriable: true },
  drive_garbled: {
    message: 'Google Drive answered in no known form',
    status: 502,
    retriable: true,
  },
  drive_gone: {
    message: 'Something in Google Drive was removed while it was written to; it is tried again',
    status: 502,
    retriable: true,
  },
  drive_full: {
    message: 'Google Drive has no room for the results',
    status: 507,
    retriable: false,
  },
  drive_signed_out: {
    message: 'Google no longer accepts the sign-in',
    status: 401,
    retriable: false,
  },
  drive_parent_missing: {
    message: 'The folder of GOOGLE_DRIVE_PARENT_ID cannot be used',
    status: 404,
    retriable: false,
  },
  drive_refused: { message: 'Google Drive refused the call', status: 502, retriable: false },
  drive_not_connected: {
    message: 'Google Drive was not connected',
    status: 400,
    retriable: false,
  },
  telegram_unauthorized: {
    message:
      'Telegram does not know the bot token: set TELEGRAM_BOT_TOKEN to what @BotFather shows',
    status: 502,
    retriable: false,
  },
  telegram_conflict: {
    message: 'Another program receives the messages to this bot: stop it, or use a bot of its own',
    status: 409,
    retriable: true,
  },
  chat_refused: {
    message:
      'The bot may not write to this chat: press Start there or add the bot to the group, or take the chat out of TELEGRAM_CHAT_IDS',
    status: 502,
    retriable: false,
  },
  chat_moved: {
    message: 'The group has become a supergroup with a new id: put it in TELEGRAM_CHAT_IDS',
    status: 502,
    retriable: true,
  },
  message_refused: { message: 'Telegram refused the message', status: 502, retriable: false },
  // Pages
  address_refused: { message: 'This address may not be fetched', status: 400, retriable: false },
  fetch_failed: { message: 'The page could not be fetched', status: 502, retriable: true },
  content_refused: { message: 'The content cannot be read', status: 422, retriable: false },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** The one error class: a code of the catalogue, a message that says what to do, and facts for the log. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly facts: Record<string, unknown>;

  constructor(
    code: ErrorCode,
    message: string,
    about: { facts: Record<string, unknown>; cause?: unknown },
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.name = 'AppError';
    this.code = code;
    this.facts = about.facts;
  }

  get status(): number {
    return errorCatalogue[this.code].status;
  }

  get retriable(): boolean {
    return errorCatalogue[this.code].retriable;
  }
}

/**
 * Makes an error of the catalogue. `facts.detail`, when given, is put behind the catalogue's message.
 * Facts reach logs and answers: they never hold a secret.
 */
export function appError(
  code: ErrorCode,
  facts: Record<string, unknown> & { detail?: string } = {},
  options: { cause?: unknown } = {},
): AppError {
  const { message } = errorCatalogue[code];
  const text = facts.detail === undefined ? message : `${message}: ${facts.detail}`;

  return new AppError(code, text, { facts, cause: options.cause });
}

export function isAppError(error: unknown): error is AppError {
  return error instanceof AppError;
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
