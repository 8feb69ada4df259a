// What the doctor needs of the other parts of the product, as values.
import type { Config } from '../core/config.ts';
import type { QueueState } from '../core/queue.ts';
import type { SpoolFacts } from '../core/spool.ts';
import type { RunCommand } from './commands.ts';
import type { Unit } from './unit.ts';

/** Who serves a home, as its ready file says. */
export type Owner = {
  pid: number;
  version: string;
  started_at: string;
  token_file?: string | null | undefined;
};

export type HomeFacts = {
  /** The daemon that serves. */
  owner: Owner | null;
  /** The ready file of a daemon that is gone. */
  left: Owner | null;
  /** True when a daemon has the lock of the home, also one that does not serve yet. */
  isTaken: boolean;
  /** Why the daemon that has the home does not serve, when it is in recovery mode. */
  recovery?: { pid: number; since: string; code: string; reason: string } | null;
  /** What keeps the daemon that serves from working. */
  troubles?: { message: string }[];
};

export type ProgramFacts = {
  /** The path of the PostgreSQL program. */
  postgres: string;
  missingLinks: string[];
};

export type DatabaseFacts = {
  /** Such as 170004; null where it cannot be asked. */
  serverVersion: number | null;
  /** The login of the work, and the role that it takes on; null where it cannot be asked. */
  roles: {
    login: { name: string; isSuperuser: boolean };
    role: { name: string; isSuperuser: boolean; ownsTables: boolean };
  } | null;
  /** Files of migrations that the database lacks. */
  pending: string[];
  /** Set when the database needs a newer version than this. */
  newer: string | null;
  /** Files of migrations that are not any more what the database was migrated with. */
  edited: string[];
  /** How far the database's clock is ahead of ours; null where it cannot be asked. */
  aheadMs: number | null;
  /** Null as long as the tables are not there. */
  state: QueueState | null;
  /** Deliveries of the last day that failed, or were tried three times and wait for another try. */
  failing: { sink: string; count: number; error: string | null }[];
};

export type DoctorPorts = {
  home: string;
  outputsFolder: string;
  version: string;
  platform: NodeJS.Platform;
  /** Null when it has faults: those are in `configProblem`. */
  config: Config | null;
  configProblem: string | null;
  run: RunCommand;
  fetch: typeof globalThis.fetch;
  /** Milliseconds since 1970. */
  now(): number;
  /** True when no service outside of this machine may be asked. */
  offline: boolean;
  homeFacts(): Promise<HomeFacts>;
  /** What is kept on this machine's disk. */
  spoolFacts(): Promise<SpoolFacts>;
  /** Puts the ready file of a dead daemon aside, so that the next one takes over from it. */
  setAside(): Promise<void>;
  programs(): Promise<ProgramFacts>;
  restoreLinks(): Promise<void>;
  /** Null when there is none to reach: no daemon runs, and it is its own. Rejects when it does not answer. */
  database(): Promise<DatabaseFacts | null>;
  /** The service in both its places. */
  units: Unit[];
};

/** The secrets by name. Names that this version does not know yet are undefined. */
export function secretsOf({ config }: DoctorPorts): Readonly<Record<string, string | undefined>> {
  return config?.secrets ?? {};
}
