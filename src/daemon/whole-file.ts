// Small files of the home's `run/`, written whole or not at all, by code that must not fail itself.
import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** Readable by its owner only. Synchronous. False when it could not be written: what was there is still there. */
export function writeWhole(path: string, text: string): boolean {
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, text, { mode: 0o600 });
    renameSync(draft, path);
    return true;
  } catch {
    removeQuietly(draft);
    return false;
  }
}

/** Never throws: a disk that takes no change keeps the file. */
export function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Whoever reads it finds that its process is gone.
  }
}
