// The command `doctor`: what is wrong with this installation and its home, and what to do about it.
import { z } from 'zod';

import {
  type AppOptions,
  lookOut,
  type LookoutOptions,
  openClient,
  pendingOnSupabase,
} from '../../app.ts';
import { appError, isAppError } from '../../core/errors.ts';
import { createRunCommand } from '../../install/commands.ts';
import { type Result, runDoctor } from '../../install/doctor.ts';
import type { DoctorPorts } from '../../install/ports.ts';
import { exitCodes } from '../failure.ts';
import { plain } from '../plain.ts';
import type { Run } from '../program.ts';
import type { Colour, Screen } from '../screen.ts';
import { GlobalOptions, openSession, version } from '../session.ts';
import { expand, homeOf } from '../settings.ts';
import { unitsOf } from '../units.ts';

const DoctorOptions = GlobalOptions.extend({
  fix: z.boolean().default(false),
  offline: z.boolean().default(false),
});

export const doctorCommand: Run = async (screen, _args, given) => {
  const { fix, offline, json, home: flag } = DoctorOptions.parse(given);
  const opened = tryToOpen(screen, given);
  const results = await runDoctor(portsOf(homeOf(flag), opened, offline), { fix });

  const isWell = !results.some(({ status }) => status === 'fail');
  if (json) screen.result(JSON.stringify({ ok: isWell, checks: results }, null, 2));
  else for (const line of resultLines(results, screen)) screen.result(line);
  return isWell ? exitCodes.ok : exitCodes.failed;
};

type Opened = { app: AppOptions | null; problem: string | null };

/** A broken configuration is a finding here, and no reason to find nothing else. */
function tryToOpen(screen: Screen, given: unknown): Opened {
  try {
    return { app: openSession(screen, given).app, problem: null };
  } catch (error) {
    if (!isAppError(error) || error.code !== 'config_invalid') throw error;
    return { app: null, problem: error.message };
  }
}

function portsOf(home: string, { app, problem }: Opened, offline: boolean): DoctorPorts {
  return {
    home,
    version,
    offline,
    outputsFolder: app?.outputsFolder ?? expand(`${home}/outputs`),
    platform: process.platform,
    config: app?.config ?? null,
    configProblem: problem,
    run: createRunCommand(process.env, commandLimitMs),
    fetch: globalThis.fetch,
    now: () => Date.now(),
    units: unitsOf(home),
    ...lookOut({ home, config: app?.config ?? null, ...supabaseOf(app) }),
  };
}

function supabaseOf(app: AppOptions | null): Pick<LookoutOptions, 'readState' | 'readPending'> {
  return {
    async readState() {
      if (app === null) throw appError('config_invalid');
      await using client = await openClient(app);
      return await client.context.queue.readState();
    },
    async readPending() {
      if (app === null) throw appError('config_invalid');
      return (await pendingOnSupabase(app)).pending;
    },
  };
}

// Below the limit of a check, so that the check can still say which program was silent.
const commandLimitMs = 3_000;

const colours: Record<Result['status'], Colour> = {
  ok: 'green',
  warn: 'yellow',
  fail: 'red',
  skip: 'dim',
};

function resultLines(results: Result[], screen: Screen): string[] {
  const width = Math.max(...results.map(({ id }) => id.length));
  const lines = results.flatMap(({ id, status, message, mend, fixed }) => {
    const head = `${screen.paint(colours[status], status.padEnd(4))}  ${id.padEnd(width)}  `;
    const below = (text: string) => `${' '.repeat(4 + 2 + width + 2)}${plain(text)}`;
    return [
      head + plain(message),
      ...(fixed === null ? [] : [below(`fixed: ${fixed}`)]),
      ...(mend === null ? [] : [below(`-> ${mend}`)]),
    ];
  });
  const count = (status: Result['status']) =>
    results.filter((result) => result.status === status).length;

  return [
    ...lines,
    '',
    `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} wrong, ${count('skip')} left out`,
  ];
}
