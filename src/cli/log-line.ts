// One line of the log file as people read it.
import { z } from 'zod';

import { plain } from './plain.ts';

export const LogLine = z.looseObject({
  level: z.string(),
  time: z.string().optional(),
  msg: z.string(),
});
export type LogLine = z.infer<typeof LogLine>;

/** Null for what is no line of our log. */
export function parseLine(text: string): LogLine | null {
  try {
    return LogLine.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** `info: the daemon serves workerId="..."`, with no control characters and on one line. */
export function lineForPeople({ level, msg, time: _, ...fields }: LogLine): string {
  const facts = Object.entries(fields).map(([key, value]) => `${key}=${JSON.stringify(value)}`);

  return plain([`${level}: ${msg}`, ...facts].join(' '));
}
