// Composition for those who only look: what the doctor judges, gathered from the folders that know it.
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import type { Config } from './core/config.ts';
import { isAppError } from './core/errors.ts';
import type { QueueState } from './core/queue.ts';
import { isTaken, takeHome } from './daemon/lock.ts';
import { type ReadyFile, readReadyFile } from './daemon/ready-file.ts';
import { readRecovery } from './daemon/recovery-file.ts';
import { findTroubles } from './health.ts';
import { lookAtSpool } from './handed-in.ts';
import type { DatabaseFacts, DoctorPorts } from './install/ports.ts';
import { findBinaries } from './postgres/binaries.ts';
import { urlOf, withRole } from './postgres/connection.ts';
import { enterExternal } from './postgres/external.ts';
import { inspectDatabase, inspectPrograms } from './postgres/inspect.ts';
import { workerName, workerRole } from './postgres/prelude.ts';

export type Lookout = Pick<
  DoctorPorts,
  'homeFacts' | 'spoolFacts' | 'setAside' | 'programs' | 'restoreLinks' | 'database'
>;

export type LookoutOptions = {
  home: string;
  /** Null where it is not valid: there is no database to look at then. */
  config: Config | null;
  /** Ask a Supabase project, by the way that commands have to it: the queue, and the migrations that it lacks. */
  readState(): Promise<QueueState>;
  readPending(): Promise<string[]>;
};

export function lookOut(options: LookoutOptions): Lookout {
  const { home, config } = options;

  return {
    programs: inspectPrograms,
    spoolFacts: () => lookAtSpool(home),
    async homeFacts() {
      const ready = (await readReadyFile(home)) ?? null;
      const taken = isTaken(home);
      return {
        owner: taken ? ready : null,
        left: taken ? null : ready,
        isTaken: taken,
        recovery: readRecovery(home),
        troubles: taken ? await findTroubles(home) : [],
      };
    },
    async setAside() {
      const taken = await takeHome(home);
      if (taken.type === 'held') taken.lock.release();
    },
    async restoreLinks() {
      await findBinaries();
    },
    database: async () => (config === null ? null : await lookAtDatabase({ ...options, config })),
  };
}

async function lookAtDatabase(
  options: LookoutOptions & { config: Config },
): Promise<DatabaseFacts | null> {
  const { home, config } = options;
  const { DATABASE_URL: external } = config.secrets;
  if (config.profile === 'supabase') return await lookThroughSupabase(options);
  if (external !== undefined) {
    // Where the login may not become it, the look itself says so.
    const worker = await enterExternal(external).catch(() => withRole(external, workerRole));
    return await inspectDatabase(worker, external);
  }

  const ready = await readReadyFile(home);
  if (!ready?.database) return null;
  return await lookAtEmbedded(home, ready.database).catch((error: unknown) => {
    // What a dead daemon left behind leads nowhere, and that is no fault of the database.
    if (!isTaken(home)) return null;
    throw error;
  });
}

async function lookAtEmbedded(
  home: string,
  { host, port, name, user, password_file: file }: NonNullable<ReadyFile['database']>,
): Promise<DatabaseFacts> {
  const secret = async (from: string) => (await readFile(from, 'utf8')).trim();
  const login = { host, port, database: name };
  const password = await secret(path.join(home, 'postgres', 'worker.password'));
  const worker = urlOf({ ...login, user: workerName, password, role: workerRole });

  return await inspectDatabase(worker, urlOf({ ...login, user, password: await secret(file) }));
}

/** Over HTTP only the queue itself can be asked. */
async function lookThroughSupabase({
  readState,
  readPending,
}: LookoutOptions): Promise<DatabaseFacts> {
  const { pending, newer } = await readMigrated(readPending);
  const sentAt = Date.now();
  // Its functions are among what is missing, or not as this version knows them.
  const state = pending.length > 0 || newer !== null ? null : await readState();

  return {
    serverVersion: null,
    roles: null,
    pending,
    newer,
    edited: [],
    aheadMs: state && Math.round(Date.parse(state.now) - (sentAt + Date.now()) / 2),
    state,
    failing: [],
  };
}

async function readMigrated(
  readPending: LookoutOptions['readPending'],
): Promise<Pick<DatabaseFacts, 'pending' | 'newer'>> {
  try {
    return { pending: await readPending(), newer: null };
  } catch (error) {
    if (!isAppError(error) || error.code !== 'database_newer') throw error;
    return { pending: [], newer: error.message };
  }
}
