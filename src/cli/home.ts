// Sees to it that the home is a folder, or can become one, before anything else asks for it.
import { mkdirSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';

import { appError, messageOf } from '../core/errors.ts';

/** Throws `config_invalid` where something else than a folder stands at the home or above it. Makes nothing. */
export function assertFolder(home: string): void {
  const [nearest] = pathsTo(home).filter((place) => statOf(place, home) !== null);
  if (nearest === undefined || statOf(nearest, home)?.isDirectory() === true) return;

  throw unusable(home, nearest === home ? 'it is no folder' : `${nearest} is no folder`);
}

/** Makes the home, one folder at a time: `/proc` sends a recursive `mkdir` of Node round in circles for ever. */
export function makeHome(home: string): void {
  const absent = pathsTo(home).filter((place) => statOf(place, home) === null);
  for (const place of absent.toReversed()) {
    try {
      mkdirSync(place, { mode: 0o700 });
    } catch (cause) {
      // Another command may have made it meanwhile.
      if (statOf(place, home)?.isDirectory() !== true) throw unusable(home, messageOf(cause));
    }
  }
}

/** The home and the folders above it, the deepest first. */
function pathsTo(home: string): string[] {
  const parts = home.split(path.sep).filter((part) => part !== '');
  return [...parts.keys(), parts.length]
    .map((count) => path.sep + parts.slice(0, count).join(path.sep))
    .toReversed();
}

function statOf(place: string, home: string): Stats | null {
  try {
    return statSync(place);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    // ENOTDIR: what is in the way is found further up.
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw unusable(home, messageOf(cause));
  }
}

function unusable(home: string, why: string) {
  const detail = `the home ${home} cannot be used: ${why}. Name another folder with --home or NIGHTSHIFT_HOME.`;
  return appError('config_invalid', { detail });
}
