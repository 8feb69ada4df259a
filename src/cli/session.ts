// What every command starts from: the home, the configuration, a log, and a way to the database.
import path from 'node:path';

import { readFileSync } from 'node:fs';

import { z } from 'zod';

import { type AppOptions, openClient } from '../app.ts';
import { appError } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import type { OperationContext } from '../operations/operation.ts';
import { createLog } from './log.ts';
import { secretValues } from './secret-values.ts';
import type { Screen } from './screen.ts';
import { assertFolder, makeHome } from './home.ts';
import { expand, homeOf, installation, loadConfig } from './settings.ts';

/** The flags that every command takes. */
export const GlobalOptions = z.object({
  home: z.string().optional(),
  set: z.array(z.string()).default([]),
  json: z.boolean().default(false),
});
export type GlobalOptions = z.infer<typeof GlobalOptions>;

export type Session = { screen: Screen; options: GlobalOptions; app: AppOptions };

const Package = z.object({ version: z.string() });

export const version = Package.parse(
  JSON.parse(readFileSync(path.join(installation, 'package.json'), 'utf8')),
).version;

export type SessionOptions = {
  /** Whether this command also writes the log file of the home. */
  logs?: boolean;
  /** Default: a log of its own. */
  openLog?(level: AppOptions['config']['settings']['log']['level']): Log;
};

/** Throws `config_invalid`. */
export function openSession(
  screen: Screen,
  given: unknown,
  { logs = false, openLog }: SessionOptions = {},
): Session {
  const options = GlobalOptions.parse(given);
  const home = homeOf(options.home);
  assertFolder(home);
  if (logs) makeHome(home);
  const { config, warnings } = loadConfig(home, pairs(options.set));
  for (const secret of secretValues(home, config.secrets)) screen.redactor.register(secret);
  for (const warning of warnings) screen.say(`nightshift: ${warning}`);

  const { agents, outputs, log } = config.settings;
  const folder = logs ? path.join(home, 'logs') : null;
  const app = {
    home,
    config,
    version,
    agentsFolder: expand(agents.folder ?? path.join(installation, 'agents')),
    outputsFolder: expand(outputs.folder ?? path.join(home, 'outputs')),
    log:
      openLog?.(log.level) ??
      createLog({
        level: log.level,
        folder,
        say: (line) => screen.say(line),
        redactor: screen.redactor,
      }),
  };
  return { screen, options, app };
}

/** The flags `--set` as far as they can be read. Never throws. */
export function flagsOf(given: unknown): Record<string, string> {
  try {
    return pairs(GlobalOptions.parse(given).set);
  } catch {
    return {};
  }
}

function pairs(flags: string[]): Record<string, string> {
  return Object.fromEntries(
    flags.map((flag) => {
      const at = flag.indexOf('=');
      if (at > 0) return [flag.slice(0, at).trim(), flag.slice(at + 1)];
      throw appError('usage', { detail: `--set ${flag}: write it as poll.minutes=5` });
    }),
  );
}

/** Works with the database of the running daemon, or of DATABASE_URL, and lets go of it again. */
export async function withClient<Result>(
  session: Session,
  work: (context: OperationContext) => Promise<Result>,
): Promise<Result> {
  await using client = await openClient(session.app);

  return await work(client.context);
}

/** Writes a result: as JSON when asked for, otherwise as lines for people. */
export function present(session: Session, value: unknown, lines: () => string[]): void {
  const { screen, options } = session;
  if (options.json) screen.result(JSON.stringify(value, null, 2));
  else for (const line of lines()) screen.result(line);
}
