// Begins the daemon for the command `start`: once where a person watches, and for as long as it takes where nobody does.
import { existsSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';

import {
  beginUnattended,
  type Serving,
  startDaemon,
  type Taken,
  type WorkerOptions,
} from '../app.ts';
import { exitCodeOf, exitCodes } from './failure.ts';
import type { Screen } from './screen.ts';
import { flagsOf, openSession, type Session, type SessionOptions } from './session.ts';
import { configurationMark, recoveryPauses, soundSettings } from './settings.ts';
import { createVoice } from './voice.ts';

const mostServiceLogBytes = 1_000_000;

export type Given = {
  /** Of the command line. */
  options: unknown;
  home: string;
  /** By one of our own units, which leave a wrong configuration to us. */
  supervised: boolean;
  signal: AbortSignal;
};
export type Begun = { type: 'begun'; session: Session; started: Serving };

/**
 * Starts the daemon; null when it was told to end before. Where nobody watches it does not fail again and again, but stays
 * (recovery mode). Throws what keeps it from starting.
 */
export async function beginDaemon(screen: Screen, given: Given): Promise<Begun | Taken | null> {
  // A person at a terminal reads why it failed, mends it, and tries again.
  const isWatched = !given.supervised && (process.stdin.isTTY || process.stdout.isTTY);

  return isWatched ? await begin(screen, given, {}) : await beginAlone(screen, given);
}

async function begin(
  screen: Screen,
  { options, signal }: Given,
  { lock, openLog }: Pick<WorkerOptions, 'lock'> & Pick<SessionOptions, 'openLog'>,
): Promise<Begun | Taken> {
  const session = openSession(screen, options, { logs: true, ...(openLog && { openLog }) });
  const started = await startDaemon({
    ...session.app,
    signal,
    ...(lock && { lock }),
    tell: (line) => (session.options.json ? screen.say(line) : screen.result(line)),
  });

  return started.type === 'taken' ? started : { type: 'begun', session, started };
}

async function beginAlone(outer: Screen, given: Given): Promise<Begun | Taken | null> {
  const { home, signal, supervised } = given;
  const serviceLog = path.join(home, 'logs', 'service.log');
  // Under launchd the terminal is that file, and the log says the same.
  const quiet = supervised && existsSync(serviceLog);
  if (quiet) emptyGrown(serviceLog);
  const voice = createVoice(outer, { home, quiet });
  const sound = () => soundSettings(home, flagsOf(given.options));

  const begun = await beginUnattended<Begun | Taken>(
    {
      home,
      signal,
      log: voice.log,
      pauses: () => recoveryPauses(sound()),
      configuration: () => configurationMark(home, sound()),
      scrub: (text) => outer.redactor.text(text),
      staysWhenMisconfigured: supervised,
      isConfigurationFault: (error) => exitCodeOf(error) === exitCodes.configuration,
    },
    async ({ lock, isTold }) => {
      voice.tell(isTold);
      return await begin(voice.screen, given, { openLog: voice.openLog, ...(lock && { lock }) });
    },
  );
  voice.free();
  return begun;
}

// What launchd writes our output to. It is few lines per start, and nobody else keeps it small.
function emptyGrown(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > mostServiceLogBytes) truncateSync(file);
}
