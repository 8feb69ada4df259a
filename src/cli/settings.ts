// Reads the files and the environment that the configuration is made of.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import { parse } from 'dotenv';
import { closest } from 'fastest-levenshtein';

import {
  type Config,
  type ConfigFault,
  type ConfigSources,
  readConfig,
  readSound,
} from '../core/config.ts';
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
  const result = readConfig(sourcesOf(home, flags), closest);
  if (!result.ok) {
    throw appError('config_invalid', { detail: listFaults(result.faults), faults: result.faults });
  }

  return { config: result.config, warnings: readableByOthers(envFile) };
}

function sourcesOf(home: string, flags: Record<string, string>): ConfigSources {
  return {
    flags,
    environment: process.env,
    dotenv: parse(readText(path.join(home, '.env')) ?? ''),
    homeYaml: readText(path.join(home, 'config.yaml')),
    defaultYaml: readText(path.join(installation, 'config', 'nightshift.yaml')) ?? '',
  };
}

/** The settings that are in order, by path; none where a file cannot be read. Never throws. */
export function soundSettings(
  home: string,
  flags: Record<string, string>,
): ReadonlyMap<string, unknown> {
  try {
    return readSound(sourcesOf(home, flags), closest);
  } catch {
    return new Map();
  }
}

const usualPauses = { first: 30, longest: 600 };

/** The pauses of recovery mode in milliseconds, also where the rest of the configuration is not valid. */
export function recoveryPauses(sound: ReadonlyMap<string, unknown>): {
  first: number;
  longest: number;
} {
  const secondsOf = (key: string, usual: number): number => {
    const value = sound.get(`recovery.${key}_pause_seconds`);
    return typeof value === 'number' ? value : usual;
  };

  return {
    first: secondsOf('first', usualPauses.first) * 1_000,
    longest: secondsOf('longest', usualPauses.longest) * 1_000,
  };
}

/** What it returns gives a text that changes with every file of the configuration, the agents' among them. Never throws. */
export function configurationMark(home: string, sound: ReadonlyMap<string, unknown>): () => string {
  const agents = sound.get('agents.folder');
  const folder = expand(typeof agents === 'string' ? agents : path.join(installation, 'agents'));
  const files = [path.join(home, 'config.yaml'), path.join(home, '.env')];

  return () => {
    const definitions = agentFiles(folder).map((name) => path.join(folder, name));
    return [...files, ...definitions].map(markOf).join(' ');
  };
}

function agentFiles(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

function markOf(file: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(file);
    return `${ino}:${size}:${mtimeMs}`;
  } catch {
    return '-';
  }
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
