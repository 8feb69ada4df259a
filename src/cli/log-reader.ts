// Reads the log file of a home: its last lines, and what is added from then on.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { logName } from './log-file.ts';

const chunkBytes = 65_536;
const lookMs = 250;

export const logFileOf = (home: string): string => path.join(home, 'logs', logName);

/** The last lines, oldest first, older files included where this one is too short. */
export function lastLines(home: string, count: number): string[] {
  const lines: string[] = [];

  for (let number = 0; lines.length < count; number += 1) {
    const file = number === 0 ? logFileOf(home) : `${logFileOf(home)}.${number}`;
    const older = tailOf(file, count - lines.length);
    if (older === null) break;
    lines.unshift(...older);
  }
  return lines;
}

/** Null when there is no such file. Reads from the end, however long the file is. */
function tailOf(file: string, count: number): string[] | null {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return null;
  const fd = openSync(file, 'r');
  try {
    let start = fstatSync(fd).size;
    let bytes = Buffer.alloc(0);
    while (start > 0 && bytes.filter((byte) => byte === newline).length <= count) {
      const size = Math.min(chunkBytes, start);
      start -= size;
      bytes = Buffer.concat([readAt(fd, start, size), bytes]);
    }
    return completeLines(bytes.toString('utf8')).slice(-count);
  } finally {
    closeSync(fd);
  }
}

const newline = 10;

function completeLines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function readAt(fd: number, start: number, size: number): Buffer {
  const buffer = Buffer.alloc(size);
  const read = readSync(fd, buffer, 0, size, start);

  return buffer.subarray(0, read);
}

/** Calls `each` with every line that is added, until the signal aborts; follows the log into its next file. */
export async function followLog(
  home: string,
  each: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const file = logFileOf(home);
  let place = endOf(file);
  let rest = '';

  while (!signal.aborted) {
    await pause(lookMs, undefined, { signal }).catch(() => undefined);
    const added = readFrom(file, place);
    place = added.place;
    rest += added.text;
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') each(line);
  }
}

type Place = { inode: number; offset: number };

function endOf(file: string): Place {
  const found = statSync(file, { throwIfNoEntry: false });
  return { inode: found?.ino ?? 0, offset: found?.size ?? 0 };
}

/** What was written behind a place. After a rotation, first the rest of the file that has moved. */
function readFrom(file: string, place: Place): { text: string; place: Place } {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return { text: '', place };
  if (found.ino === place.inode) return readOn(file, place);

  const moved = statSync(`${file}.1`, { throwIfNoEntry: false });
  const rest = moved?.ino === place.inode ? readOn(`${file}.1`, place).text : '';
  const next = readOn(file, { inode: found.ino, offset: 0 });
  return { text: rest + next.text, place: next.place };
}

function readOn(file: string, { inode, offset }: Place): { text: string; place: Place } {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    // Emptied by hand: what is there now is new.
    const from = size < offset ? 0 : offset;
    const bytes = readAt(fd, from, size - from);
    // Lines are written whole, so that no character is cut in two.
    return { text: bytes.toString('utf8'), place: { inode, offset: from + bytes.length } };
  } finally {
    closeSync(fd);
  }
}
