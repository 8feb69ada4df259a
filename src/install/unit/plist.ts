// Makes the property list for launchd out of its template, and reads it back before anyone relies on it.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { build, parse, type PlistValue } from 'plist';
import { z } from 'zod';

import { appError } from '../../core/errors.ts';
import { fill, type Values } from './template.ts';
import { type UnitOptions, unitLabel } from '../unit.ts';

/** The session of a LaunchAgent: at the screen, or without one (over SSH). */
export type Session = 'Aqua' | 'Background';

const Recorded = z.looseObject({ LimitLoadToSessionType: z.enum(['Aqua', 'Background']) });

export type PlistOptions = Pick<UnitOptions, 'home' | 'installation' | 'account' | 'scope'> & {
  node: string;
  session: Session;
};

/** The text of the unit. Throws `unit_failed` unless it reads back as what was meant. */
export async function plistText(options: PlistOptions): Promise<string> {
  const { home, installation, account, scope, node, session } = options;
  const file = path.join(installation, 'launchd', `${unitLabel}.plist`);
  const template = parse(await readFile(file, 'utf8'));
  const filled = fillAll(template, {
    node,
    home,
    session,
    main: path.join(installation, 'bin', 'main.mjs'),
    log: path.join(home, 'logs', 'service.log'),
  });
  const meant = scope === 'system' ? asDaemon(filled, account.name) : filled;

  const text = `${build(meant)}\n`;
  if (!isDeepStrictEqual(structuredClone(parse(text)), structuredClone(meant))) {
    throw appError('unit_failed', {
      detail: 'the property list does not read back as it was meant',
    });
  }
  return text;
}

/** The session that an installed unit was made for; null when it does not say. */
export function sessionOf(text: string): Session | null {
  try {
    return Recorded.safeParse(parse(text)).data?.LimitLoadToSessionType ?? null;
  } catch {
    return null;
  }
}

function fillAll(value: PlistValue, values: Values): PlistValue {
  if (typeof value === 'string') return fill(value, values);
  if (Array.isArray(value)) return value.map((one) => fillAll(one, values));
  if (!isDictionary(value)) return value;

  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, fillAll(inner, values)]),
  );
}

function asDaemon(agent: PlistValue, user: string): PlistValue {
  if (!isDictionary(agent))
    throw appError('unit_failed', { detail: 'the template is no dictionary' });
  const { LimitLoadToSessionType: _, ...rest } = agent;

  return { ...rest, UserName: user };
}

function isDictionary(value: PlistValue): value is Record<string, PlistValue> {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== Date.prototype
  );
}
