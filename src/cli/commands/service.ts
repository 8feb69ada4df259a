// The commands `service …`: the daemon as a service of the system.
import { z } from 'zod';

import { findOwner } from '../../app.ts';
import type { Changed, Scope, Unit, UnitStatus } from '../../install/unit.ts';
import { exitCodes } from '../failure.ts';
import { table } from '../plain.ts';
import type { Run } from '../program.ts';
import { GlobalOptions } from '../session.ts';
import type { Screen } from '../screen.ts';
import { homeOf } from '../settings.ts';
import { refuseWrongUser, unitOf } from '../units.ts';

const ServiceOptions = GlobalOptions.extend({ system: z.boolean().default(false) });

type Asked = { unit: Unit; screen: Screen; json: boolean; home: string };

// No session: a service must be removable where the configuration is broken.
function open(screen: Screen, given: unknown, { changes }: { changes: boolean }): Asked {
  const { home, json, system } = ServiceOptions.parse(given);
  const scope: Scope = system ? 'system' : 'user';
  if (changes) refuseWrongUser(scope, Boolean(home ?? process.env.NIGHTSHIFT_HOME));

  return { unit: unitOf(homeOf(home), scope), screen, json, home: homeOf(home) };
}

export const installCommand: Run = async (screen, _args, options) => {
  const asked = open(screen, options, { changes: true });
  const changed = await asked.unit.install();
  const status = await asked.unit.status();

  sayChange(asked, { changed, status }, [
    changed.changed
      ? `Installed ${status.file}: the daemon runs now, and comes back by itself.`
      : `${status.file} is installed already, and as it should be.`,
  ]);
  await sayOther(asked, status);
  return exitCodes.ok;
};

// One daemon per home: the one of the service ends at once, well, and is not started again.
async function sayOther({ screen, home }: Asked, { pid }: UnitStatus): Promise<void> {
  const owner = await findOwner(home);
  if (owner === null || owner.pid === pid) return;

  screen.say(
    `nightshift: another daemon has this home (pid ${owner.pid}): stop it, then run nightshift service restart`,
  );
}

export const uninstallCommand: Run = async (screen, _args, options) => {
  const asked = open(screen, options, { changes: true });
  const changed = await asked.unit.uninstall();
  const status = await asked.unit.status();

  sayChange(asked, { changed, status }, [
    changed.changed
      ? `Removed ${status.file}. The home, with all its results, is left as it is.`
      : 'There is no service to remove.',
  ]);
  return exitCodes.ok;
};

export const restartCommand: Run = async (screen, _args, options) => {
  const asked = open(screen, options, { changes: true });
  await asked.unit.restart();
  const status = await asked.unit.status();

  sayChange(asked, { changed: { changed: true, notes: [] }, status }, ['Restarted.']);
  return exitCodes.ok;
};

export const serviceStatusCommand: Run = async (screen, _args, options) => {
  const { unit, json } = open(screen, options, { changes: false });
  const status = await unit.status();

  if (json) screen.result(JSON.stringify(status, null, 2));
  else for (const line of statusLines(status)) screen.result(line);
  // As with `systemctl is-active`, so that scripts can ask.
  return status.running ? exitCodes.ok : exitCodes.failed;
};

function sayChange(
  { screen, json }: Asked,
  { changed, status }: { changed: Changed; status: UnitStatus },
  lines: string[],
): void {
  if (json) screen.result(JSON.stringify({ ...changed, status }, null, 2));
  else for (const line of lines) screen.result(line);
  for (const note of changed.notes) screen.say(`nightshift: ${note}`);
}

function statusLines(status: UnitStatus): string[] {
  const same =
    status.unchanged === null
      ? '-'
      : status.unchanged
        ? 'as this version installs it'
        : 'differs from what this version would install: run nightshift service install';

  return table([
    ['Unit', status.installed ? status.file : `not installed (${status.file})`],
    ['Content', same],
    ['Running', status.pid === null ? 'no' : `yes, pid ${status.pid}`],
    ['Last exit', status.lastExit ?? 'none known'],
  ]);
}
