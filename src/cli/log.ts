// Where log lines go: all of them as JSON into a file of the home, warnings also to the terminal for people.
import { pino } from 'pino';

import type { Log } from '../core/ports.ts';
import type { Redactor } from '../core/redact.ts';
import { createLogFile } from './log-file.ts';
import { lineForPeople, parseLine } from './log-line.ts';
import { collapseRepeats, type Entry, type Level } from './repeats.ts';

export type LogOptions = {
  level: Level;
  /** `$NIGHTSHIFT_HOME/logs`; null for commands that only look. */
  folder: string | null;
  /** Takes what people should see, one line at a time; null where nobody looks. */
  say: ((line: string) => void) | null;
  /** Every message and every field passes through it. */
  redactor: Redactor;
};

/** Messages and fields of any depth are written without secrets, and lines that repeat once a minute. */
export function createLog({ level, folder, say, redactor }: LogOptions): Log {
  const seen: Level = level === 'debug' || level === 'error' ? level : 'warn';
  const streams = [
    ...(say === null ? [] : [{ level: seen, stream: { write: forPeople(say) } }]),
    ...(folder === null ? [] : [{ level, stream: createLogFile({ folder }) }]),
  ];
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.multistream(streams),
  );

  const put = (entry: Entry): void => logger[entry.level](entry.fields, entry.message);
  const repeats = collapseRepeats(put);
  process.once('exit', repeats.flush);
  const write =
    (at: Level) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (!logger.isLevelEnabled(at)) return;
      const clean = redactor.fields(fields);
      const entry = { level: at, message: redactor.text(message), fields: clean };
      // Prompts are too long to be remembered.
      if (at === 'debug') put(entry);
      else repeats.take(entry);
    };

  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

function forPeople(say: (line: string) => void): (text: string) => void {
  return (text) => {
    const line = parseLine(text);
    if (line !== null) say(`nightshift: ${lineForPeople(line)}`);
  };
}
