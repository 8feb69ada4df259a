// A machine on which the doctor finds nothing wrong: each test makes one thing of it different.
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { closest } from 'fastest-levenshtein';

import { type Config, readConfig } from '../../src/core/config.ts';
import type { SpoolFacts } from '../../src/core/spool.ts';
import { type Result, runDoctor } from '../../src/install/doctor.ts';
import type { DatabaseFacts, DoctorPorts, HomeFacts } from '../../src/install/ports.ts';
import type { Unit, UnitStatus } from '../../src/install/unit.ts';
import { fakePrograms, type Programs } from './programs.ts';

export type Machine = AsyncDisposable & { programs: Programs; home: string; ports: DoctorPorts };

const scripts = {
  pmset: `printf ' womp\\t\\t1\\n sleep\\t\\t0 (sleep prevented by powerd)\\n disksleep 10\\n autorestart 1\\n'`,
  fdesetup: 'echo "FileVault is Off."',
  defaults: 'echo sam',
  postgres: 'echo "postgres (PostgreSQL) 17.10"',
};

export const homeFacts: HomeFacts = {
  owner: { pid: 4242, version: '1.2.3', started_at: '2026-11-22T05:00:00.000Z' },
  left: null,
  isTaken: true,
};

export const spoolFacts: SpoolFacts = {
  path: '/Users/sam/.nightshift/spool',
  steps: 0,
  outcomes: 0,
  tasks: 0,
  late: 0,
  refused: 0,
  refusedTasks: [],
};

export const idleState = {
  now: '2026-11-22T06:00:00.000Z',
  runsWaiting: 0,
  runsDelayed: 0,
  nextDueAt: null,
  runsRunning: 0,
  oldestWaitingSeconds: null,
  tasks: {},
  workers: [],
  lastPoll: null,
};

export const serviceRole = { name: 'service_role', isSuperuser: false, ownsTables: false };

export const databaseFacts: DatabaseFacts = {
  serverVersion: 170_010,
  roles: { login: { name: 'nightshift_worker', isSuperuser: false }, role: serviceRole },
  pending: [],
  newer: null,
  edited: [],
  aheadMs: 3,
  state: idleState,
  failing: [],
};

export const unitStatus: UnitStatus = {
  scope: 'user',
  file: '/Users/sam/Library/LaunchAgents/dev.nightshift.daemon.plist',
  installed: true,
  running: true,
  pid: 4242,
  unchanged: true,
  lastExit: null,
};

export function unitWith(status: Partial<UnitStatus>): Unit {
  const refuse = () => Promise.reject(new Error('the doctor changes no service'));

  return {
    scope: status.scope ?? 'user',
    install: refuse,
    uninstall: refuse,
    restart: refuse,
    status: async () => ({ ...unitStatus, ...status }),
  };
}

/** The default configuration, with these secrets. */
export function configWith(secrets: Record<string, string> = {}): Config {
  const defaultYaml = readFileSync('config/nightshift.yaml', 'utf8');
  const none = { flags: {}, environment: {}, dotenv: {}, homeYaml: null, defaultYaml };
  const result = readConfig(none, closest);
  if (!result.ok) throw new Error('the default configuration has faults');

  const isOnline = 'OPENAI_API_KEY' in secrets || 'OPENAI_BASE_URL' in secrets;
  return { ...result.config, modelProvider: isOnline ? 'openai' : 'offline', secrets };
}

/** A Mac in good order, without any outside service. */
export async function healthyMachine(given: Partial<DoctorPorts> = {}): Promise<Machine> {
  const programs = await fakePrograms(scripts);
  const home = path.join(programs.folder, 'home');
  await mkdir(home, { mode: 0o700 });
  const postgres = path.join(programs.folder, 'bin', 'postgres');

  const ports: DoctorPorts = {
    home,
    outputsFolder: path.join(home, 'outputs'),
    version: '1.2.3',
    platform: 'darwin',
    config: configWith(),
    configProblem: null,
    run: programs.run,
    fetch: globalThis.fetch,
    now: () => Date.now(),
    offline: false,
    homeFacts: async () => homeFacts,
    spoolFacts: async () => spoolFacts,
    setAside: async () => undefined,
    programs: async () => ({ postgres, missingLinks: [] }),
    restoreLinks: async () => undefined,
    database: async () => databaseFacts,
    units: [unitWith({}), unitWith({ scope: 'system', installed: false, running: false })],
    ...given,
  };
  return { programs, home, ports, [Symbol.asyncDispose]: () => programs[Symbol.asyncDispose]() };
}

/** The result of one check on a machine that differs in `given`. */
export async function check(
  id: string,
  given: Partial<DoctorPorts>,
  options: { fix?: boolean; limitMs?: number } = {},
): Promise<Result> {
  await using machine = await healthyMachine(given);

  return resultOf(id, await runDoctor(machine.ports, { fix: false, ...options }));
}

export function resultOf(id: string, results: Result[]): Result {
  const found = results.find((result) => result.id === id);
  if (found === undefined) throw new Error(`there is no check ${id}`);

  return found;
}
