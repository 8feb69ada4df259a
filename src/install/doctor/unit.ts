// The check of the service: installed, running, and as this version would install it.
import { type Check, type Finding, ok, warn } from './check.ts';
import type { DoctorPorts } from '../ports.ts';

export function unitChecks(ports: DoctorPorts): Check[] {
  return [{ id: 'service', look: () => checkUnits(ports) }];
}

async function checkUnits({ units }: DoctorPorts): Promise<Finding> {
  const states = await Promise.all(units.map((unit) => unit.status()));
  const installed = states.filter((state) => state.installed);
  const [only] = installed;

  if (only === undefined) {
    return warn(
      'the service is not installed: the daemon does not come back after a restart',
      'run nightshift service install',
    );
  }
  const flag = only.scope === 'system' ? ' --system' : '';
  if (installed.length > 1) {
    return warn(
      'the service is installed twice, for the user and for the system',
      'run nightshift service uninstall',
    );
  }
  if (!only.running) {
    const how = only.lastExit === null ? '' : ` (last exit: ${only.lastExit})`;
    return warn(
      `the service is installed, but not running${how}`,
      `see nightshift logs, then run nightshift service restart${flag}`,
    );
  }
  return only.unchanged === false
    ? warn(
        `${only.file} is not what this version would install`,
        `run nightshift service install${flag}`,
      )
    : ok(`the service runs (pid ${only.pid})`);
}
