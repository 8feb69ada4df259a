// Where log lines go: all of them as JSON into a file of the home, warnings also to the terminal for people.
import { mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

import { pino } from 'pino';
import { z } from 'zod';

import type { Log } from '../core/ports.ts';
import { plain } from './plain.ts';

const Line = z.looseObject({ level: z.string(), msg: z.string() });
type Level = 'debug' | 'info' | 'warn' | 'error';

export type LogOptions = {
  level: Level;
  /** `$NIGHTSHIFT_HOME/logs`; null for commands that only look. */
  folder: string | null;
  /** Takes what people should see, one line at a time. */
  say(line: string): void;
};

const maxFileBytes = 20_000_000;
/** The last line of defence: no field of these names is ever written. */
const secretFields = ['password', 'apiKey', 'api_key', 'token', 'authorization', 'url', 'adminUrl'];

export function createLog({ level, folder, say }: LogOptions): Log {
  const people = { write: (text: string) => say(lineForPeople(text)) };
  const seen: Level = level === 'debug' ? 'debug' : level === 'error' ? 'error' : 'warn';
  const streams = [
    { level: seen, stream: people },
    ...(folder === null ? [] : [{ level, stream: openFile(folder) }]),
  ];
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: '(hidden)' },
    },
    pino.multistream(streams),
  );
  const write = (at: Level) => (message: string, fields?: Record<string, unknown>) =>
    logger[at](fields ?? {}, message);

  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

// The file of the run before is kept once it has grown: enough to look back, and never more than twice the size.
function openFile(folder: string) {
  const file = path.join(folder, 'nightshift.log');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > maxFileBytes) {
    renameSync(file, `${file}.1`);
  }

  return pino.destination({ dest: file, sync: true, mode: 0o600 });
}

function lineForPeople(text: string): string {
  const { level, msg, time: _, ...fields } = Line.parse(JSON.parse(text));
  const facts = Object.entries(fields).map(([key, value]) => `${key}=${JSON.stringify(value)}`);

  return plain([`nightshift: ${level}: ${msg}`, ...facts].join(' '));
}
