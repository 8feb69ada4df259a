// The log file of a home: bounded in size and number, and never a reason for anything to fail.
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';

export type LogFileOptions = {
  /** Made when the first line is written, 0700; the files are 0600. */
  folder: string;
  maxBytes?: number;
  /** How many older files are kept, `nightshift.log.1` being the youngest. */
  keep?: number;
};

export type LogFile = {
  /** Appends one line, the newline included. What cannot be written is lost: a full disk must not stop the work. */
  write(line: string): void;
};

export const logName = 'nightshift.log';

const defaults = { maxBytes: 10_000_000, keep: 5 };
/** How often it is seen whether the file is still in its place: people move and remove logs. */
const lookMs = 1_000;

type Open = { fd: number; bytes: number; lookedAt: number };

/** Opens nothing before there is something to write. */
export function createLogFile(options: LogFileOptions): LogFile {
  const { folder, maxBytes, keep } = { ...defaults, ...options };
  const file = path.join(folder, logName);
  let open: Open | null = null;
  let isTorn = false;

  return {
    write(given) {
      // A full disk took the last line in part.
      const line = isTorn ? `\n${given}` : given;
      try {
        if (open !== null && !isInPlace(open, file)) open = closed(open);
        open ??= openAt(folder, file);
        const bytes = Buffer.byteLength(line);
        if (open.bytes > 0 && open.bytes + bytes > maxBytes) {
          open = closed(open);
          rotate(file, keep);
          open = openAt(folder, file);
        }
        const written = writeSync(open.fd, line);
        open.bytes += written;
        isTorn = written < bytes;
      } catch {
        // A full disk, or a folder that was taken away: tried anew with the next line.
        if (open !== null) open = closed(open);
      }
    },
  };
}

function openAt(folder: string, file: string): Open {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fd = openSync(file, 'a', 0o600);

  return { fd, bytes: fstatSync(fd).size, lookedAt: performance.now() };
}

function isInPlace(open: Open, file: string): boolean {
  if (performance.now() - open.lookedAt < lookMs) return true;
  open.lookedAt = performance.now();

  return statSync(file, { throwIfNoEntry: false })?.ino === fstatSync(open.fd).ino;
}

function closed({ fd }: Open): null {
  try {
    closeSync(fd);
  } catch {
    // It is of no use any more either way.
  }
  return null;
}

function rotate(file: string, keep: number): void {
  rmSync(`${file}.${keep}`, { force: true });
  for (let number = keep - 1; number >= 0; number -= 1) {
    const from = number === 0 ? file : `${file}.${number}`;
    if (statSync(from, { throwIfNoEntry: false }) !== undefined) {
      renameSync(from, `${file}.${number + 1}`);
    }
  }
}
