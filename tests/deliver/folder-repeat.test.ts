// The folder sink, tried again: after a crash, after changes, and beside files that people put there.
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { DeliveryOutcome } from '../../src/core/delivery.ts';
import {
  contextOf,
  deliveryOf,
  endedTask,
  filesOfSeven,
  type StoredFile,
  storedFile,
  taskId,
} from './deliveries.ts';
import { type FolderAtWork, folderAtWork } from './trees.ts';

const name = 'task-2026-11-22-autumn-launch-0b9a';
const report = 'vision/vision-report.md';

function publish(place: FolderAtWork, files: StoredFile[]): Promise<DeliveryOutcome> {
  return place.sink.deliver(deliveryOf(endedTask(files)), contextOf(files));
}

/** A delivery whose reader dies at the file with the index `at`. */
function publishUntil(place: FolderAtWork, files: StoredFile[], at: number): Promise<unknown> {
  const { read } = contextOf(files);
  let count = 0;
  const dying = contextOf(files, {
    async read(deliverable) {
      count += 1;
      if (count > at) throw new Error('the connection is gone');
      return read(deliverable);
    },
  });

  return place.sink.deliver(deliveryOf(endedTask(files)), dying);
}

function changed(files: StoredFile[]): StoredFile[] {
  return files.map(({ summary }) => storedFile([summary.agent, summary.name], 'a newer text'));
}

describe('a try that ends in the middle', () => {
  test.each([0, 1, 7, 13])('shows nothing when it ends at file %i of 14', async (at) => {
    await using place = await folderAtWork();
    const files = filesOfSeven();

    await publishUntil(place, files, at);

    expect(await readdir(place.root)).toEqual([]);
    expect(await publish(place, files)).toMatchObject({ type: 'delivered' });
  });

  test('leaves the former files whole when an update ends', async () => {
    await using place = await folderAtWork();
    const files = filesOfSeven();
    await publish(place, files);
    const before = await place.shown();

    await publishUntil(place, changed(files), 9);

    expect(await place.shown()).toEqual(before);
  });

  test('removes what a killed try of this task left, and not that of another', async () => {
    await using place = await folderAtWork();
    const own = `.${name}.${taskId}-0123abcd.partial`;
    const foreign = `.${name}.0b9a0000-0000-4000-8000-000000000000-0123abcd.partial`;
    for (const left of [own, foreign]) {
      await mkdir(join(place.root, left, 'vision'), { recursive: true });
      await writeFile(join(place.root, left, 'vision', 'half.md'), 'ha');
    }

    await publish(place, filesOfSeven());

    expect((await readdir(place.root)).toSorted()).toEqual([foreign, name].toSorted());
  });

  test('finishes an update that stopped among the files', async () => {
    await using place = await folderAtWork();
    const social = join(place.root, name, 'social');
    await publish(place, filesOfSeven());
    await rename(social, place.outside);
    await symlink(place.outside, social);

    const stopped = await publish(place, []);
    const between = JSON.parse(await readFile(join(place.root, name, 'manifest.json'), 'utf8'));
    await rm(social);
    await rename(place.outside, social);
    const finished = await publish(place, []);

    expect(stopped.type).toBe('fail');
    expect(between.published).toBe(false);
    expect(finished.type).toBe('delivered');
    expect(Object.keys(await place.shown())).toEqual(
      ['brief.md', 'index.html', 'manifest.json'].map((file) => `${name}/${file}`),
    );
  });
});

describe('a delivery with other files than before', () => {
  test('replaces what changed and removes what is no longer delivered', async () => {
    await using place = await folderAtWork();
    const files = filesOfSeven();
    await publish(place, files);

    const fewer = changed(files).filter(({ summary }) => summary.agent !== 'apex');
    await publish(place, fewer);

    const after = await place.shown();
    expect(after[`${name}/${report}`]).toBe('a newer text');
    expect(Object.keys(after)).toHaveLength(15);
    expect(await readdir(join(place.root, name))).not.toContain('apex');
    expect(await readdir(place.root)).toEqual([name]);
  });

  test('keeps a file that a person has edited, though it is no longer delivered', async () => {
    await using place = await folderAtWork();
    await publish(place, filesOfSeven());
    await writeFile(join(place.root, name, report), 'edited by hand');

    await publish(place, []);

    const after = await place.shown();
    expect(after[`${name}/${report}`]).toBe('edited by hand');
    expect(Object.keys(after)).toHaveLength(4);
  });

  test('follows a name that only changed its case', async () => {
    await using place = await folderAtWork();
    await publish(place, [storedFile(['echo', 'Copy.md'], 'one')]);

    await publish(place, [storedFile(['echo', 'copy.md'], 'two')]);

    expect(await readdir(join(place.root, name, 'echo'))).toEqual(['copy.md']);
  });
});

describe('files of people', () => {
  test('are never touched', async () => {
    await using place = await folderAtWork();
    const files = filesOfSeven();
    await publish(place, files);
    const own = ['notes.md', 'vision/notes.md', '.DS_Store', 'drafts/vision-report.md'];
    await mkdir(join(place.root, name, 'drafts'));
    for (const path of own) await writeFile(join(place.root, name, path), 'mine');

    await publish(place, changed(files));
    await publish(place, []);

    const after = await place.shown();
    for (const path of own) expect(after[`${name}/${path}`]).toBe('mine');
    expect(Object.keys(after)).toHaveLength(own.length + 3);
  });

  test('keep their name when a later delivery has a file of the same name', async () => {
    await using place = await folderAtWork();
    await publish(place, [storedFile(['echo', 'a.md'], 'a')]);
    await writeFile(join(place.root, name, 'echo', 'b.md'), 'mine');
    await writeFile(join(place.root, name, 'nova'), 'mine too');
    const files = [storedFile(['echo', 'b.md'], 'ours'), storedFile(['nova', 'n.md'], 'nova')];

    await publish(place, files);
    await publish(place, files);

    expect(await place.shown()).toMatchObject({
      [`${name}/echo/b.md`]: 'mine',
      [`${name}/echo/b-2.md`]: 'ours',
      [`${name}/nova`]: 'mine too',
      [`${name}/nova-2/n.md`]: 'nova',
    });
  });
});

describe('links planted in a folder of ours', () => {
  test('are refused where an agent has its folder, for writing and for removing', async () => {
    await using place = await folderAtWork();
    const files = filesOfSeven();
    await publish(place, files);
    const content = await readFile(join(place.root, name, report));
    await rm(join(place.root, name, 'vision'), { recursive: true });
    await mkdir(place.outside);
    await writeFile(join(place.outside, 'vision-report.md'), content);
    await symlink(place.outside, join(place.root, name, 'vision'));

    const written = await publish(place, changed(files));
    const removed = await publish(place, []);

    expect(written).toMatchObject({ type: 'fail', error: { code: 'folder_refused' } });
    expect(removed).toMatchObject({ type: 'fail', error: { code: 'folder_refused' } });
    expect(await readdir(place.outside)).toEqual(['vision-report.md']);
    expect(await readFile(join(place.outside, 'vision-report.md'))).toEqual(content);
  });

  test('are replaced, not followed, where a file belongs', async () => {
    await using place = await folderAtWork();
    const files = filesOfSeven();
    await publish(place, files);
    const before = await place.shown();
    await writeFile(place.outside, 'not ours');
    for (const path of [report, 'index.html', 'brief.md']) {
      await rm(join(place.root, name, path));
      await symlink(place.outside, join(place.root, name, path));
    }

    await publish(place, files);

    expect(await place.shown()).toEqual({ ...before, '../outside': 'not ours' });
  });

  test('make a folder foreign when they stand for its manifest', async () => {
    await using place = await folderAtWork();
    const files = filesOfSeven();
    await publish(place, files);
    const manifest = join(place.root, name, 'manifest.json');
    await writeFile(place.outside, await readFile(manifest));
    await rm(manifest);
    await symlink(place.outside, manifest);

    await publish(place, files);

    expect(await readdir(place.root)).toContain(`${name}-${taskId.slice(0, 8)}`);
  });

  test('cannot come by way of a forged manifest', async () => {
    await using place = await folderAtWork();
    await publish(place, filesOfSeven());
    const content = await readFile(join(place.root, name, report), 'utf8');
    await writeFile(place.outside, content);
    const path = join(place.root, name, 'manifest.json');
    const forged = (await readFile(path, 'utf8')).replaceAll(report, '../../outside');
    await writeFile(path, forged);

    await publish(place, []);

    expect(await readFile(place.outside, 'utf8')).toBe(content);
  });
});
