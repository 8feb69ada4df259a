// All checks of the doctor, in the order in which they are shown: from the machine outwards.
import { type Check, examine, type Result } from './doctor/check.ts';
import { databaseChecks } from './doctor/database.ts';
import { driveChecks } from './doctor/drive.ts';
import { homeChecks } from './doctor/home.ts';
import { machineChecks } from './doctor/machine.ts';
import { modelChecks } from './doctor/model.ts';
import { spoolChecks } from './doctor/spool.ts';
import { supabaseChecks } from './doctor/supabase.ts';
import { telegramChecks } from './doctor/telegram.ts';
import { unitChecks } from './doctor/unit.ts';
import type { DatabaseFacts, DoctorPorts, HomeFacts } from './ports.ts';

export type { Result } from './doctor/check.ts';

export type DoctorOptions = {
  /** Mends what can be mended without harm. */
  fix: boolean;
  /** The longest that one check may take. */
  limitMs?: number;
};

/** Never rejects: what goes wrong is a result. */
export async function runDoctor(ports: DoctorPorts, options: DoctorOptions): Promise<Result[]> {
  return await examine(doctorChecks(ports), { ...options, offline: ports.offline });
}

function doctorChecks(given: DoctorPorts): Check[] {
  const ports = { ...given, ...lookedUpOnce(given) };

  return [
    ...machineChecks(ports),
    ...homeChecks(ports),
    ...spoolChecks(ports),
    ...databaseChecks(ports),
    ...supabaseChecks(ports),
    ...modelChecks(ports),
    ...driveChecks(ports),
    ...telegramChecks(ports),
    ...unitChecks(ports),
  ];
}

/** Several checks judge the same facts: one look serves all, so that they agree and cost little. */
function lookedUpOnce({ homeFacts, setAside, database }: DoctorPorts): Partial<DoctorPorts> {
  let home: Promise<HomeFacts> | undefined;
  let facts: Promise<DatabaseFacts | null> | undefined;

  return {
    homeFacts: () => (home ??= homeFacts()),
    async setAside() {
      await setAside();
      home = undefined;
    },
    database: () => (facts ??= database()),
  };
}
