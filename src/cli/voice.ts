// How a start that may be tried again and again speaks: in one log file, and every line once until it serves.
import path from 'node:path';

import type { Log } from '../core/ports.ts';
import { createLog, type LogOptions } from './log.ts';
import type { Screen } from './screen.ts';

export type Voice = {
  /** As the screen that it was made of; while the start is tried, it says no line twice. */
  screen: Screen;
  /** What is said of the tries themselves. */
  log: Log;
  /** The log of a try: one for each level, whoever asks. */
  openLog(level: LogOptions['level']): Log;
  /** What the next try writes to the log is told, or only its errors. */
  tell(isTold: boolean): void;
  /** It serves: everything is said and told from here on. */
  free(): void;
};

/** `quiet`: whether the terminal is a file that nobody watches, so that the log is enough. */
export function createVoice(
  outer: Screen,
  { home, quiet }: { home: string; quiet: boolean },
): Voice {
  const logs = new Map<string, Log>();
  const said = new Set<string>();
  let isFree = false;
  let isTold = true;

  const screen: Screen = {
    ...outer,
    say(line) {
      if (!isFree && said.has(line)) return;
      if (!isFree) said.add(line);
      outer.say(line);
    },
  };

  function logOf(level: LogOptions['level']): Log {
    const log =
      logs.get(level) ??
      createLog({
        level,
        folder: path.join(home, 'logs'),
        say: quiet ? null : (line) => screen.say(line),
        redactor: outer.redactor,
      });
    logs.set(level, log);
    return log;
  }

  return {
    screen,
    log: logOf('info'),
    openLog(level) {
      const log = logOf(level);
      const unlessQuiet =
        (write: Log['info']): Log['info'] =>
        (message, fields) => {
          if (isTold) write(message, fields);
        };
      const { debug, info, warn, error } = log;
      return {
        error,
        debug: unlessQuiet(debug),
        info: unlessQuiet(info),
        warn: unlessQuiet(warn),
      };
    },
    tell(next) {
      isTold = next;
    },
    free() {
      isFree = true;
      isTold = true;
      said.clear();
    },
  };
}
