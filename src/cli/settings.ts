// Reads the files and the environment that the configuration is made of.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import { parse } from 'dotenv';
import { closest } from 'fastest-levenshtein';

import { type Config, type ConfigFault, readConfig } from '../core/config.ts';
import { appError } from '../core/errors.ts';

/** The folder of this installation: `agents/`, `config/` and `supabase/` are in it. */
export const installation = path.resolve(import.meta.dirname, '..', '..');

/** `--home`, else NIGHTSHIFT_HOME, else `~/.nightshift`. */
export function homeOf(flag: string | undefined): string {
  return expand(flag ?? (process.env.NIGHTSHIFT_HOME || '~/.nightshift'));
}

/** A path as people write it, made absolute; `~` is the home folder. */
export function expand(text: string): string {
  return path.resolve(text === '~' || text.startsWith('~/') ? homedir() + text.slice(1) : text);
}

export type Loaded = { config: Config; warnings: string[] };

/** Throws `config_invalid` with every fault. */
export function loadConfig(home: string, flags: Record<string, string>): Loaded {
  const envFile = path.join(home, '.env');
  const result = readConfig(
    {
      flags,
      environment: process.env,
      dotenv: parse(readText(envFile) ?? ''),
      homeYaml: readText(path.join(home, 'config.yaml')),
      defaultYaml: readText(path.join(installation, 'config', 'nightshift.yaml')) ?? '',
    },
    closest,
  );
  if (!result.ok) {
    throw appError('config_invalid', { detail: listFaults(result.faults), faults: result.faults });
  }

  return { config: result.config, warnings: readableByOthers(envFile) };
}

function readText(file: string): string | null {
  if (!existsSync(file)) return null;
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw appError('config_invalid', { detail: `${file} cannot be read` }, { cause });
  }
}

function readableByOthers(file: string): string[] {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & 0o077) === 0 ? [] : [`${file} can be read by others: run chmod 600 ${file}`];
}

function listFaults(faults: ConfigFault[]): string {
  const lines = faults.map(({ key, source, value, problem, example }) => {
    const given = value === '' ? '' : ` = ${value}`;
    const hint = example === null ? '' : `, for example: ${example}`;
    return `\n  ${key}${given} (${source}): ${problem}${hint}`;
  });

  return lines.join('');
}
