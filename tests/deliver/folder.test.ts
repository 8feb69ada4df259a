// The folder sink: the contract of all sinks, and what only a folder on disk can get wrong.
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import type { DeliveredTask, DeliveryOutcome } from '../../src/core/delivery.ts';
import { createFolderSink } from '../../src/deliver/folder.ts';
import { sha256Of } from '../../src/deliver/folder/disk.ts';
import { Manifest } from '../../src/deliver/folder/manifest.ts';
import { sinkContract } from '../contracts/sinks.ts';
import {
  contextOf,
  deliveryOf,
  endedTask,
  failedRun,
  filesOfSeven,
  silentLog,
  type StoredFile,
  storedFile,
  taskId,
} from './deliveries.ts';
import { type FolderAtWork, folderAtWork, modeOf } from './trees.ts';

sinkContract('folder', { open: folderAtWork, readsFiles: true });

const name = 'task-2026-11-22-autumn-launch-0b9a';

function publish(
  place: FolderAtWork,
  files: StoredFile[],
  more: Partial<DeliveredTask> = {},
): Promise<DeliveryOutcome> {
  return place.sink.deliver(deliveryOf(endedTask(files, more)), contextOf(files));
}

async function manifestIn(folder: string): Promise<Manifest> {
  return Manifest.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
}

describe('what is published', () => {
  test('puts every file below its agent, beside manifest, page and brief', async () => {
    await using place = await folderAtWork();

    const outcome = await publish(place, filesOfSeven());

    const paths = Object.keys(await place.shown());
    expect(paths).toHaveLength(17);
    expect(paths).toContain(`${name}/vision/vision-report.md`);
    expect(paths).toContain(`${name}/index.html`);
    expect(paths).toContain(`${name}/manifest.json`);
    expect(paths).toContain(`${name}/brief.md`);
    expect(outcome).toMatchObject({ result: { path: join(place.root, name), files: 14 } });
  });

  test('answers with a file address that leads to the folder', async () => {
    await using place = await folderAtWork();

    const outcome = await publish(place, filesOfSeven(), { folderName: 'launch #1 100% ü' });

    const address = outcome.type === 'delivered' ? outcome.folderUrl : undefined;
    expect(await readdir(fileURLToPath(address ?? 'file:///absent'))).toContain('index.html');
  });

  test('lists every file with its hash, and the agents that failed with the reason', async () => {
    await using place = await folderAtWork();
    const runs = [failedRun('apex', 'The model does not answer')];

    await publish(place, filesOfSeven(), { outcome: 'partial', runs });

    const folder = join(place.root, name);
    const manifest = await manifestIn(folder);
    expect(manifest.task).toMatchObject({ id: taskId, outcome: 'partial' });
    expect(manifest.failed_agents).toEqual([
      {
        agent: 'apex',
        status: 'failed',
        code: 'model_unavailable',
        reason: 'The model does not answer',
      },
    ]);
    expect(manifest.files).toHaveLength(14);
    for (const file of manifest.files) {
      expect(sha256Of(await readFile(join(folder, file.path)))).toBe(file.sha256);
    }
  });

  test('keeps the brief as it was submitted', async () => {
    await using place = await folderAtWork();
    const brief = { title: 'Autumn launch', client: { name: 'Acme' }, competitors: [] };

    await publish(place, [], { brief });

    const text = await readFile(join(place.root, name, 'brief.md'), 'utf8');
    expect(text).toContain('# Autumn launch\n\nLaunch the autumn collection in two markets.');
    expect(text).toContain('client:\n  name: Acme\n');
    expect(text).not.toContain('competitors');
  });

  test('is readable by its owner only', async () => {
    await using place = await folderAtWork();

    await publish(place, filesOfSeven());

    const folder = join(place.root, name);
    expect(await modeOf(place.root)).toBe('700');
    expect(await modeOf(folder)).toBe('700');
    expect(await modeOf(join(folder, 'vision'))).toBe('700');
    expect(await modeOf(join(folder, 'vision', 'vision-report.md'))).toBe('600');
    expect(await modeOf(join(folder, 'manifest.json'))).toBe('600');
  });
});

describe('names that meet', () => {
  test('keeps files apart that some file systems take for one', async () => {
    await using place = await folderAtWork();
    const names = ['A.md', 'a.md', 'caf\u00E9.md', 'cafe\u0301.md', 'stra\u00DFe.md', 'STRASSE.md'];
    const files = names.map((each) => storedFile(['echo', each], `content of ${each}`));

    await publish(place, files);

    const published = await readdir(join(place.root, name, 'echo'));
    expect(new Set(published.map((each) => each.toUpperCase())).size).toBe(names.length);
    expect(published.toSorted()).toEqual(
      [
        'A.md',
        'a-2.md',
        'STRASSE.md',
        'stra\u00DFe-2.md',
        'caf\u00E9.md',
        'caf\u00E9-2.md',
      ].toSorted(),
    );
  });

  test('keeps agents apart, and off the names of our own files', async () => {
    await using place = await folderAtWork();
    const agents = ['Apex', 'apex', 'manifest.json', 'INDEX.html'];

    await publish(
      place,
      agents.map((agent) => storedFile([agent, 'x.md'], agent)),
    );

    const manifest = await manifestIn(join(place.root, name));
    expect(manifest.files.map((file) => file.path)).toEqual([
      'Apex/x.md',
      'INDEX-2.html/x.md',
      'apex-2/x.md',
      'manifest-2.json/x.md',
    ]);
  });

  test('gives the same paths in whatever order the files come', async () => {
    await using place = await folderAtWork();
    const files = ['b.md', 'B.md', 'a.md'].map((each) => storedFile(['echo', each], each));
    await publish(place, files);
    const before = await place.shown();

    await publish(place, files.toReversed());

    expect(await place.shown()).toEqual(before);
  });
});

describe('folders that are taken', () => {
  const other = '0b9a0000-0000-4000-8000-000000000000';

  test('leaves the folder of another task alone, and finds its own again', async () => {
    await using place = await folderAtWork();
    await publish(place, filesOfSeven(), { id: other });

    const first = await publish(place, filesOfSeven());
    const second = await publish(place, filesOfSeven());

    expect(await readdir(place.root)).toEqual([name, `${name}-${taskId.slice(0, 8)}`]);
    expect((await manifestIn(join(place.root, name))).task.id).toBe(other);
    expect(second).toEqual(first);
  });

  test('steps aside for a folder that is not ours at all', async () => {
    await using place = await folderAtWork();
    await mkdir(join(place.root, name), { recursive: true });
    await writeFile(join(place.root, name, 'notes.txt'), 'mine');

    await publish(place, filesOfSeven());

    expect(await readdir(join(place.root, name))).toEqual(['notes.txt']);
    expect(await readdir(place.root)).toContain(`${name}-${taskId.slice(0, 8)}`);
  });

  test('refuses a link in the place of its folder', async () => {
    await using place = await folderAtWork();
    await mkdir(place.outside);
    await mkdir(place.root);
    await symlink(place.outside, join(place.root, name));

    const outcome = await publish(place, filesOfSeven());

    expect(outcome).toMatchObject({ type: 'fail', error: { code: 'folder_refused' } });
    expect(await readdir(place.outside)).toEqual([]);
  });
});

describe('faults of the disk', () => {
  test('asks for another try where the root cannot be made, and says where', async () => {
    await using place = await folderAtWork();
    await writeFile(place.outside, 'a file');
    const sink = createFolderSink({ root: join(place.outside, 'outputs'), log: silentLog });

    const outcome = await sink.deliver(deliveryOf(endedTask([])), contextOf([]));

    expect(outcome).toMatchObject({ type: 'retry', error: { code: 'delivery_failed' } });
    expect(JSON.stringify(outcome)).toContain(place.outside);
  });

  test.skipIf(process.getuid?.() === 0)('says what to do where it may not write', async () => {
    await using place = await folderAtWork();
    await mkdir(place.root, { mode: 0o500 });

    const outcome = await publish(place, filesOfSeven());

    expect(outcome).toMatchObject({ type: 'retry', error: { code: 'folder_not_writable' } });
  });
});
