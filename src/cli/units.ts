// The service of a home, in its two scopes: whose it is, and what this machine offers for it.
import { homedir, userInfo } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

import { createRunCommand } from '../install/commands.ts';
import { appError } from '../core/errors.ts';
import { createUnit } from '../install/create-unit.ts';
import type { Account, Scope, Unit } from '../install/unit.ts';
import { installation } from './settings.ts';

/** Throws `unit_failed` on systems that have no such thing. */
export function unitOf(home: string, scope: Scope): Unit {
  return createUnit(process.platform, {
    scope,
    home,
    installation,
    account: accountOf(scope),
    run: createRunCommand(),
    node: { path: process.execPath, version: process.version },
    root: '/',
    delay: (ms) => pause(ms),
  });
}

/** Both scopes; none on systems without services. */
export function unitsOf(home: string): Unit[] {
  if (process.platform !== 'darwin' && process.platform !== 'linux') return [];

  return [unitOf(home, 'user'), unitOf(home, 'system')];
}

/** Throws `usage` where the user that this runs as cannot do it, or would do it for the wrong one. */
export function refuseWrongUser(scope: Scope, isHomeNamed: boolean): void {
  const isRoot = process.getuid?.() === 0;
  const { SUDO_USER: behind } = process.env;

  if (scope === 'system' && !isRoot) {
    throw appError('usage', { detail: 'a service of the system needs root: put sudo before it' });
  }
  if (scope === 'system' && behind && !isHomeNamed) {
    const detail = `under sudo say whose home it is, such as --home ~${behind}/.nightshift`;
    throw appError('usage', { detail });
  }
  if (scope === 'user' && isRoot && behind) {
    throw appError('usage', {
      detail: `without --system it would be root's: run it as ${behind}, without sudo`,
    });
  }
}

/** Under sudo the daemon is to run as the person behind it. */
function accountOf(scope: Scope): Account {
  const { username, uid, gid } = userInfo();
  const { SUDO_USER: name, SUDO_UID: sudoUid, SUDO_GID: sudoGid } = process.env;
  const homeFolder = homedir();

  return scope === 'system' && uid === 0 && name && sudoUid && sudoGid
    ? { name, uid: Number(sudoUid), gid: Number(sudoGid), homeFolder }
    : { name: username, uid, gid, homeFolder };
}
