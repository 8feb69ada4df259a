// Installs the packages of the other queues when they are missing or of another version.
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { z } from 'zod';

const Lock = z.object({
  packages: z.record(z.string(), z.object({ version: z.string().optional() })),
});
const folder = import.meta.dirname;

export async function installPeers(): Promise<void> {
  const wanted = await versionsIn('package-lock.json');
  const installed = await versionsIn(join('node_modules', '.package-lock.json'));
  const missing = [...wanted].find(([place, version]) => installed.get(place) !== version);
  if (missing === undefined) return;

  process.stderr.write(`installing the other queues (${missing[0]} is missing) …\n`);
  // npm must not run on the Node that lies in the product's node_modules.
  const searchPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((place) => !place.includes('node_modules'))
    .join(delimiter);
  const { status } = spawnSync('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund'], {
    cwd: folder,
    env: { ...process.env, PATH: searchPath },
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error(`npm ci failed in ${folder}`);
}

async function versionsIn(file: string): Promise<Map<string, string | undefined>> {
  const text = await readFile(join(folder, file), 'utf8').catch(() => '{"packages":{}}');
  const { packages } = Lock.parse(JSON.parse(text));

  return new Map(
    Object.entries(packages)
      .filter(([place]) => place !== '')
      .map(([place, { version }]) => [place, version]),
  );
}
