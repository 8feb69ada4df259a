// Checks of the machine: Node, disk, sleep, FileVault.
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import path from 'node:path';

import { lowWaterOf } from '../../core/disk.ts';
import { commandMissing } from '../commands.ts';
import { type Check, fail, type Finding, ok, skip, warn } from './check.ts';
import type { DoctorPorts } from '../ports.ts';

const wantedNode = 24;
const gigabyte = 1_000_000_000;
const megabyte = 1_000_000;
const scarceBytes = 5 * gigabyte;
const tooFewBytes = gigabyte;

export function machineChecks(ports: DoctorPorts): Check[] {
  return [
    { id: 'node', look: async () => checkNode(process.versions.node) },
    { id: 'disk', look: () => checkDisk(ports) },
    { id: 'sleep', look: () => checkSleep(ports) },
    { id: 'filevault', look: () => checkFileVault(ports) },
  ];
}

function checkNode(version: string): Finding {
  return Number(version.split('.')[0]) >= wantedNode
    ? ok(`Node ${version}`)
    : fail(`Node ${version} is too old`, `install Node ${wantedNode} from https://nodejs.org`);
}

async function checkDisk({ home, outputsFolder, config }: DoctorPorts): Promise<Finding> {
  const spaces = await Promise.all(
    [home, outputsFolder].map(async (folder) => {
      const { bavail, blocks, bsize } = await statfs(nearest(folder));
      return { folder, free: bavail * bsize, total: blocks * bsize };
    }),
  );
  const least = spaces.reduce((one, other) => (other.free < one.free ? other : one));
  const message = `${(least.free / gigabyte).toFixed(1)} GB free at ${least.folder}`;
  const mark = lowWaterOf(least.total, config?.settings.disk.low_water_mb ?? 0);

  if (least.free < mark) {
    const below = `below ${Math.round(mark / megabyte)} MB (disk.low_water_mb) nothing is claimed`;
    return fail(`${message}: ${below}`, 'free some space: work goes on by itself');
  }
  if (least.free < tooFewBytes)
    return fail(message, 'free at least 5 GB: a full disk stops all work');
  return least.free < scarceBytes ? warn(message, 'free some space') : ok(message);
}

function nearest(folder: string): string {
  return existsSync(folder) ? folder : nearest(path.dirname(folder));
}

async function checkSleep({ platform, run }: DoctorPorts): Promise<Finding> {
  if (platform !== 'darwin') return skip('only on a Mac');
  const { code, stdout } = await run('pmset', ['-g']);
  if (code !== 0) return skip('pmset does not answer');

  const minutes = numberAfter(stdout, 'sleep');
  const restarts = numberAfter(stdout, 'autorestart');
  if (minutes !== null && minutes > 0) {
    return warn(
      `the Mac sleeps after ${minutes} min without a user: nothing is picked up then`,
      'run sudo pmset -a sleep 0',
    );
  }
  // Laptops have no such setting.
  return restarts === 0
    ? warn('the Mac stays off after a power cut', 'run sudo pmset -a autorestart 1')
    : ok('the Mac does not sleep by itself');
}

/** The value of one setting in the listing of `pmset -g`; null where there is none. */
function numberAfter(listing: string, name: string): number | null {
  const found = new RegExp(`^\\s*${name}\\s+(\\d+)`, 'm').exec(listing);
  return found === null ? null : Number(found[1]);
}

async function checkFileVault(ports: DoctorPorts): Promise<Finding> {
  const { platform, run, units } = ports;
  if (platform !== 'darwin') return skip('only on a Mac');
  const { code, stdout } = await run('fdesetup', ['status']);
  if (code === commandMissing || !stdout.includes('FileVault is')) {
    return skip('fdesetup does not answer');
  }
  if (stdout.includes('FileVault is On')) {
    return warn(
      'FileVault is on: after a power cut nothing starts until someone logs in at the Mac',
      'turn it off on a Mac that must come back by itself, or restart it with sudo fdesetup authrestart',
    );
  }

  const states = await Promise.all(units.map((unit) => unit.status()));
  if (!states.some(({ scope, installed }) => scope === 'user' && installed)) {
    return ok('FileVault is off');
  }
  const domain = '/Library/Preferences/com.apple.loginwindow';
  const login = await run('defaults', ['read', domain, 'autoLoginUser']);
  return login.code === 0
    ? ok('FileVault is off, and a user is logged in by itself')
    : warn(
        'nobody is logged in after a restart, and a login item starts with its user only',
        'turn automatic login on, or run sudo nightshift service install --system',
      );
}
