// The Node that the service is started with: one whose path stays when something is upgraded or installed anew.
import { constants, existsSync, realpathSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { RunCommand } from '../commands.ts';
import type { Account, UnitOptions } from '../unit.ts';

/** Where Homebrew, the installer of nodejs.org and distributions put a Node under a name that stays. */
const steadyNodes: readonly string[] = [
  '/opt/homebrew/opt/node@24/bin/node',
  '/opt/homebrew/opt/node/bin/node',
  '/usr/local/opt/node@24/bin/node',
  '/usr/local/opt/node/bin/node',
  '/usr/local/bin/node',
  '/usr/bin/node',
];

// Folders of package managers and version managers: what is in them goes away with the next upgrade.
const passing =
  /\/(node_modules|\.nvm|nvm|\.volta|\.fnm|fnm|fnm_multishells|\.asdf|\.nodenv|mise|\.nodebrew|\.proto)\//;
// Homebrew keeps its links right by itself, but not the folder that they lead to.
const cellar = /\/Cellar\//;
const wantedNode = 24;

export type ChosenNode = {
  path: string;
  /** True when there is no steady one, and `placeNode` must put a copy at `path`. */
  isCopy: boolean;
};

/** False for a path that the next upgrade takes away, also where it is a link into such a place. */
export function isSteady(file: string): boolean {
  return !passing.test(file) && !cellar.test(file) && !passing.test(realpathOf(file));
}

function realpathOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

/** Changes nothing. */
export async function chooseNode(
  { node, home }: Pick<UnitOptions, 'node' | 'home'>,
  run: RunCommand,
): Promise<ChosenNode> {
  if (isSteady(node.path)) return { path: node.path, isCopy: false };
  for (const candidate of node.candidates ?? steadyNodes) {
    if (existsSync(candidate) && isSteady(candidate) && (await isNewEnough(candidate, run))) {
      return { path: candidate, isCopy: false };
    }
  }
  return { path: copyPath(home), isCopy: true };
}

async function isNewEnough(file: string, run: RunCommand): Promise<boolean> {
  const { code, stdout } = await run(file, ['--version']);
  const [, major] = /^v(\d+)\./.exec(stdout) ?? [];

  return code === 0 && Number(major) >= wantedNode;
}

const copyPath = (home: string): string => path.join(home, 'bin', 'node');
const versionPath = (home: string): string => path.join(home, 'bin', 'node.version');

/** The version of the copy in a home; null when there is none. */
export async function copiedVersion(home: string): Promise<string | null> {
  if (!existsSync(copyPath(home))) return null;
  const text = await readFile(versionPath(home), 'utf8').catch(() => '');

  return text.trim() || null;
}

/** Copies the running Node into the home, whole or not at all. Answers whether it had to. */
export async function placeNode(
  { node, home }: Pick<UnitOptions, 'node' | 'home'>,
  account: Account,
): Promise<boolean> {
  if ((await copiedVersion(home)) === node.version) return false;
  const folder = path.join(home, 'bin');
  // Not written in place: a running daemon has the old file open.
  const draft = `${copyPath(home)}.draft`;

  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Costs no space on APFS and its like.
  await copyFile(node.path, draft, constants.COPYFILE_FICLONE);
  await chmod(draft, 0o755);
  await rename(draft, copyPath(home));
  await writeFile(versionPath(home), `${node.version}\n`);
  await Promise.all([folder, copyPath(home), versionPath(home)].map((file) => own(file, account)));
  return true;
}

/** Under sudo what we make would be root's, and closed to the daemon. */
export async function own(file: string, { uid, gid }: Account): Promise<void> {
  if (process.getuid?.() === 0) await chown(file, uid, gid);
}
