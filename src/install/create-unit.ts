// Picks the way to a service that this system has: launchd or systemd.
import { appError } from '../core/errors.ts';
import { createLaunchdUnit } from './unit/launchd.ts';
import { createSystemdUnit } from './unit/systemd.ts';
import type { Unit, UnitOptions } from './unit.ts';

/** Throws `unit_failed` where there is neither. */
export function createUnit(platform: NodeJS.Platform, options: UnitOptions): Unit {
  if (platform === 'darwin') return createLaunchdUnit(options);
  if (platform === 'linux') return createSystemdUnit(options);

  throw appError('unit_failed', {
    detail: `${platform} has neither launchd nor systemd: start \`nightshift start\` by what it has instead`,
  });
}
