// The import table holds: what a folder may not import is reported, and what it may is not.
import { execFile } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';
import { z } from 'zod';

import { freshFolder } from '../support/folder.ts';

/** Folder by folder, what it may import, as in the design's allow-lists. */
const table: Record<string, string[]> = {
  core: [],
  queue: ['core'],
  postgres: ['core'],
  agents: ['core'],
  tools: ['core'],
  deliver: ['core', 'safe-fetch'],
  daemon: ['core'],
  operations: ['core'],
  install: ['core'],
  api: ['core', 'operations'],
  mcp: ['core', 'operations'],
  client: ['core'],
  dashboard: ['client', 'core'],
  cli: ['app', 'client', 'core', 'install', 'operations'],
};
const folders = Object.keys(table);
const targets = [...folders, 'app', 'safe-fetch'];
const Report = z.object({
  diagnostics: z.array(z.object({ code: z.string(), filename: z.string() })),
});

function placeOf(target: string): string {
  if (target === 'app') return 'app.ts';
  return target === 'safe-fetch' ? 'tools/safe-fetch.ts' : `${target}/one.ts`;
}

async function plant(root: string, file: string, imported: string): Promise<void> {
  const to = path.join(root, 'src', file);
  await mkdir(path.dirname(to), { recursive: true });
  await writeFile(to, `import { one } from '${imported}';\nexport const two = one;\n`);
}

/** The planted files that break a rule on imports. */
async function reported(root: string): Promise<string[]> {
  await cp('.oxlintrc.json', path.join(root, '.oxlintrc.json'));
  const oxlint = path.resolve('node_modules/.bin/oxlint');
  const given = [oxlint, '-f', 'json', 'src'];
  const run = promisify(execFile)(process.execPath, given, { cwd: root, maxBuffer: 1e8 });
  // Findings end it with another code than 0: the report is what counts.
  const { stdout } = await run.catch((error: { stdout: string }) => error);

  return Report.parse(JSON.parse(stdout))
    .diagnostics.filter(({ code }) => code.includes('no-restricted-imports'))
    .map(({ filename }) => filename.slice('src/'.length))
    .toSorted();
}

test('no folder imports another that the table does not give it, at any depth', async () => {
  await using folder = await freshFolder();
  const pairs = folders.flatMap((from) =>
    targets.filter((to) => placeOf(to).split('/')[0] !== from).map((to) => ({ from, to })),
  );
  for (const { from, to } of pairs) {
    await plant(folder.path, `${from}/to-${to}.ts`, `../${placeOf(to)}`);
    await plant(folder.path, `${from}/sub/to-${to}.ts`, `../../${placeOf(to)}`);
  }

  const found = await reported(folder.path);

  const forbidden = pairs.filter(({ from, to }) => table[from]?.includes(to) !== true);
  const expected = forbidden.flatMap(({ from, to }) => [
    `${from}/to-${to}.ts`,
    `${from}/sub/to-${to}.ts`,
  ]);
  expect(found).toEqual(expected.toSorted());
});

test('core is pure, nothing reaches into the depth of a neighbour, and app.ts knows no command', async () => {
  await using folder = await freshFolder();
  await plant(folder.path, 'core/node.ts', 'node:fs');
  await plant(folder.path, 'core/package.ts', 'pg');
  await plant(folder.path, 'core/zod.ts', 'zod');
  await plant(folder.path, 'queue/deep.ts', '../core/config/layers.ts');
  await plant(folder.path, 'queue/own.ts', './sub/deep/one.ts');
  await plant(folder.path, 'app.ts', './cli/main.ts');

  const found = await reported(folder.path);

  expect(found).toEqual(['app.ts', 'core/node.ts', 'core/package.ts', 'queue/deep.ts']);
});
