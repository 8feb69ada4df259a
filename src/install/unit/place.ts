// Puts a unit file in its place, with what it needs around it.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { chooseNode, copiedVersion, own, placeNode } from './node-path.ts';
import type { UnitOptions } from '../unit.ts';

/** The folders that must be there before the system starts the daemon, and the Node it starts it with. */
export async function prepare(options: UnitOptions): Promise<{ node: string; copied: boolean }> {
  const { home, account, run } = options;
  for (const folder of [home, path.join(home, 'logs')]) {
    const made = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (made !== undefined) await own(folder, account);
  }

  const { path: node, isCopy } = await chooseNode(options, run);
  return { node, copied: isCopy && (await placeNode(options, account)) };
}

/** What `prepare` would answer, and whether a copy of Node is as it should be. Changes nothing. */
export async function foresee(options: UnitOptions): Promise<{ node: string; isFresh: boolean }> {
  const { path: node, isCopy } = await chooseNode(options, options.run);
  const isFresh = !isCopy || (await copiedVersion(options.home)) === options.node.version;

  return { node, isFresh };
}

/** The text of a unit file; null when there is none. */
export async function readUnit(file: string): Promise<string | null> {
  return await readFile(file, 'utf8').catch(() => null);
}

/** Writes the whole file or nothing. The system wants to be able to read it; there is no secret in it. */
export async function writeUnit(file: string, text: string, options: UnitOptions): Promise<void> {
  const { account, scope } = options;
  const folder = path.dirname(file);
  const made = await mkdir(folder, { recursive: true });
  if (made !== undefined && scope === 'user') await own(folder, account);

  const draft = `${file}.draft`;
  await writeFile(draft, text, { mode: 0o644 });
  if (scope === 'user') await own(draft, account);
  await rename(draft, file);
}

/** Answers whether there was one. */
export async function removeUnit(file: string): Promise<boolean> {
  const was = (await readUnit(file)) !== null;
  await rm(file, { force: true });

  return was;
}
