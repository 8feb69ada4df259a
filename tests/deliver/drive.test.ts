// The Google Drive sink: the contract of all sinks, and what is in Drive afterwards.
import { describe, expect, test } from 'vitest';

import type { DeliveredTask, DeliveryOutcome } from '../../src/core/delivery.ts';
import { agentNames } from '../../src/core/task.ts';
import { sinkContract } from '../contracts/sinks.ts';
import { type DriveAtWork, driveAtWork, serviceAccount } from '../support/drive/at-work.ts';
import type { DriveFile } from '../support/drive/store.ts';
import {
  contextOf,
  deliveryOf,
  endedTask,
  failedRun,
  filesOfSeven,
  type StoredFile,
  storedFile,
  taskId,
} from './deliveries.ts';

sinkContract('drive', { open: driveAtWork, readsFiles: true });

const name = 'task-2026-11-22-autumn-launch-0b9a';
const folderType = 'application/vnd.google-apps.folder';

function publish(
  place: DriveAtWork,
  files: StoredFile[],
  more: Partial<DeliveredTask> = {},
): Promise<DeliveryOutcome> {
  return place.sink.deliver(deliveryOf(endedTask(files, more)), contextOf(files));
}

function fileAt(place: DriveAtWork, path: string): DriveFile | undefined {
  const { store } = place.server;

  return [...store.files.values()].find((file) => store.pathOf(file) === path);
}

function textAt(place: DriveAtWork, path: string): string {
  return fileAt(place, path)?.versions.at(-1)?.content.toString() ?? '';
}

describe('what is published', () => {
  test('makes the folder first, then the subfolders, then the files', async () => {
    await using place = await driveAtWork();

    await publish(place, filesOfSeven());

    const made = place.server.journal.filter(({ call }) => call === 'files.create');
    expect(made[0]).toMatchObject({ name, mimeType: folderType });
    const subfolders = made.slice(1, 8);
    expect(new Set(subfolders.map((entry) => entry.mimeType))).toEqual(new Set([folderType]));
    expect(subfolders.map((entry) => entry.name).toSorted()).toEqual([...agentNames].toSorted());
    expect(made.slice(8).map((entry) => entry.mimeType)).not.toContain(folderType);
    expect(made).toHaveLength(1 + 7 + 2 + 14);
  });

  test('turns Markdown and HTML into documents, CSV into sheets, and leaves the rest', async () => {
    await using place = await driveAtWork();
    const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0xff, 0xfe]);

    await publish(place, [
      storedFile(['echo', 'plan.md'], '# Plan'),
      storedFile(['echo', 'mail.html'], '<h1>Mail</h1>', { mediaType: 'text/html' }),
      storedFile(['echo', 'list.csv'], 'a,b\r\n1,2\r\n'),
      storedFile(['echo', 'map.png'], png, { mediaType: 'image/png' }),
      storedFile(['echo', 'empty.json'], '', { mediaType: 'application/json' }),
    ]);

    const google = 'application/vnd.google-apps.';
    expect(fileAt(place, `${name}/echo/plan`)?.mimeType).toBe(`${google}document`);
    expect(fileAt(place, `${name}/echo/mail`)?.mimeType).toBe(`${google}document`);
    expect(fileAt(place, `${name}/echo/list`)?.mimeType).toBe(`${google}spreadsheet`);
    expect(fileAt(place, `${name}/echo/map.png`)?.mimeType).toBe('image/png');
    expect(fileAt(place, `${name}/echo/map.png`)?.versions.at(-1)?.content).toEqual(png);
    expect(textAt(place, `${name}/echo/list`)).toBe('a,b\r\n1,2\r\n');
    expect(fileAt(place, `${name}/echo/empty.json`)?.versions).toHaveLength(1);
  });

  test('keeps headings, lists and tables of Markdown, and shows raw HTML as text', async () => {
    await using place = await driveAtWork();
    const text =
      '# Plan\n\n- first\n- second\n\n| a | b |\n| - | -: |\n| x | 1 |\n\n<script>alert(1)</script>\n\n![far](https://far.example/x.png)\n';

    await publish(place, [storedFile(['echo', 'plan.md'], text)]);

    const html = textAt(place, `${name}/echo/plan`);
    expect(html).toContain('<h1>Plan</h1>');
    expect(html).toMatch(/<li>first<\/li>\s*<li>second<\/li>/);
    expect(html).toMatch(/<th[^>]*>a<\/th>[\s\S]*<td[^>]*>x<\/td>/);
    expect(html).not.toContain('<script');
    expect(html).toContain('&#60;script&#62;');
    expect(html).not.toContain('<img');
  });

  test('leaves a text that is not UTF-8 as it is', async () => {
    await using place = await driveAtWork();
    const latin = Buffer.from('caf\u00e9', 'latin1');

    await publish(place, [storedFile(['echo', 'plan.md'], latin)]);

    expect(fileAt(place, `${name}/echo/plan.md`)).toMatchObject({ mimeType: 'text/markdown' });
    expect(fileAt(place, `${name}/echo/plan.md`)?.versions.at(-1)?.content).toEqual(latin);
  });

  test('uploads the original where Google cannot convert it, and is content with that', async () => {
    await using place = await driveAtWork();
    const files = [storedFile(['echo', 'list.csv'], 'a,b\n')];
    place.server.misbehave = ({ mimeType }) =>
      mimeType?.endsWith('spreadsheet')
        ? { type: 'reply', reply: { status: 400, body: { error: { message: 'Bad Request' } } } }
        : undefined;

    const first = await publish(place, files);
    const second = await publish(place, files);

    expect(first.type).toBe('delivered');
    expect(fileAt(place, `${name}/echo/list.csv`)?.versions).toHaveLength(1);
    expect(second).toEqual(first);
  });

  test('answers with the link of the folder, and the id of every deliverable', async () => {
    await using place = await driveAtWork();
    const files = filesOfSeven();

    const outcome = await publish(place, files);

    const folder = fileAt(place, name);
    expect(outcome).toMatchObject({
      folderUrl: folder?.webViewLink,
      result: { folderId: folder?.id },
    });
    const fileIds = outcome.type === 'delivered' ? outcome.result['fileIds'] : {};
    expect(Object.keys(fileIds ?? {}).toSorted()).toEqual(
      files.map(({ summary }) => summary.id).toSorted(),
    );
    for (const { summary } of files) {
      const file = place.server.store.files.get(Object(fileIds)[summary.id]);
      expect(file?.appProperties).toMatchObject({
        nightshiftTask: taskId,
        nightshiftAgent: summary.agent,
        nightshiftSha256: summary.sha256,
      });
    }
  });

  test('gives a failed task its folder, with a summary that says why, and the brief', async () => {
    await using place = await driveAtWork();
    const runs = agentNames.map((agent) => failedRun(agent, 'The model <b>does not</b> answer'));

    await publish(place, [], { outcome: 'failed', runs });

    const summary = textAt(place, `${name}/Summary`);
    expect(summary).toContain('Failed: 0 of 7 agents');
    expect(summary).toContain('The model &#60;b&#62;does not&#60;/b&#62; answer');
    expect(textAt(place, `${name}/Brief`)).toContain('Launch the autumn collection');
    expect(place.server.store.files.size).toBe(3);
  });
});

describe('where it goes', () => {
  test('goes into a folder on a shared drive, which a service account needs', async () => {
    await using place = await driveAtWork();
    const { store } = place.server;
    const parent = store.add({ name: 'Clients', driveId: 'drive-1', isShared: true });
    const sink = place.another({ credentials: serviceAccount(place.server), parentId: parent.id });
    const files = filesOfSeven();

    const first = await sink.deliver(deliveryOf(endedTask(files)), contextOf(files));
    const shown = place.server.shown();
    const second = await sink.deliver(deliveryOf(endedTask(files)), contextOf(files));

    expect(first.type).toBe('delivered');
    expect(fileAt(place, `Clients/${name}/vision/vision-report`)?.driveId).toBe('drive-1');
    expect(second).toEqual(first);
    expect(place.server.shown()).toEqual(shown);
  });

  test('keeps two tasks of the same name apart', async () => {
    await using place = await driveAtWork();
    const files = filesOfSeven();
    const other = '0b9a0000-0000-4000-8000-000000000000';

    const first = await publish(place, files);
    const second = await publish(place, files, { id: other });

    const ids = [first, second].map((one) =>
      one.type === 'delivered' ? one.result['folderId'] : one,
    );
    expect(new Set(ids).size).toBe(2);
  });

  test('asks Google for nothing before the first delivery', async () => {
    await using place = await driveAtWork();

    place.another();

    expect(place.server.journal).toEqual([]);
  });
});
