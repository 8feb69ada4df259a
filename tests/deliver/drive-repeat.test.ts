// Repeats of a delivery to Drive: after lost replies, after crashes, side by side, and with other content.
import { describe, expect, test } from 'vitest';

import type { DeliveryOutcome } from '../../src/core/delivery.ts';
import type { Sink } from '../../src/core/ports.ts';
import { type DriveAtWork, driveAtWork } from '../support/drive/at-work.ts';
import type { DriveFile } from '../support/drive/store.ts';
import {
  contextOf,
  deliveryOf,
  endedTask,
  type StoredFile,
  storedFile,
  taskId,
} from './deliveries.ts';

const files = [
  storedFile(['echo', 'plan.md'], '# Plan'),
  storedFile(['echo', 'list.csv'], 'a,b\n1,2\n'),
  storedFile(['pixel', 'map.png'], Buffer.from([1, 2, 255]), { mediaType: 'image/png' }),
];
/** Folder, two subfolders, summary, brief, three files. */
const itemCount = 8;

function deliver(sink: Sink, stored: StoredFile[] = files): Promise<DeliveryOutcome> {
  return sink.deliver(deliveryOf(endedTask(stored)), contextOf(stored));
}

function living({ server: { store } }: DriveAtWork): DriveFile[] {
  return [...store.files.values()].filter((file) => !store.isTrashed(file));
}

/** What is there, without the ids: two of a kind would show twice. */
function pathsIn(place: DriveAtWork): string[] {
  return living(place)
    .map((file) => place.server.store.pathOf(file))
    .toSorted();
}

/** The number of calls that an undisturbed delivery takes. */
async function undisturbed(): Promise<{ calls: number; paths: string[] }> {
  await using place = await driveAtWork();
  await deliver(place.sink);
  return { calls: place.server.journal.length, paths: pathsIn(place) };
}

const { calls, paths } = await undisturbed();
const everyCall = Array.from({ length: calls }, (_, index) => index + 1);

test('takes as many calls as there are things to make, and a few to look', () => {
  // Given the token, and a look before, after the folder, after the subfolders and at the end.
  expect(calls).toBe(1 + 4 + itemCount);
  expect(paths).toHaveLength(itemCount);
});

describe.each(['lost_reply', 'cut', 'garbage'] as const)('%s', (type) => {
  test.each(everyCall)('at call %i leaves one of each', async (n) => {
    await using place = await driveAtWork();
    place.server.misbehave = (entry) => (entry.n === n ? { type } : undefined);

    const first = await deliver(place.sink);
    const second = await deliver(place.sink);

    expect(first.type).toBe('delivered');
    expect(second).toEqual(first);
    expect(pathsIn(place)).toEqual(paths);
    // Not even a twin for the bin.
    expect(place.server.store.files.size).toBe(itemCount);
  });
});

test.each(everyCall)(
  'a worker that dies after call %i leaves one of each to the next',
  async (n) => {
    await using place = await driveAtWork();
    place.server.misbehave = (entry) => {
      if (entry.n < n) return undefined;
      return { type: entry.n === n ? 'lost_reply' : 'cut' };
    };
    const first = await deliver(place.sink);
    place.server.misbehave = () => undefined;

    const second = await deliver(place.another());

    expect(first.type).toBe('retry');
    expect(second.type).toBe('delivered');
    expect(pathsIn(place)).toEqual(paths);
  },
);

test('two workers at once leave one of each', async () => {
  await using place = await driveAtWork();

  const outcomes = await Promise.all([deliver(place.sink), deliver(place.another())]);

  expect(outcomes.map(({ type }) => type)).toEqual(['delivered', 'delivered']);
  expect(pathsIn(place)).toEqual(paths);
});

test('bins the younger of two folders, with all that is in it', async () => {
  await using place = await driveAtWork();
  const { store } = place.server;
  await deliver(place.sink);
  const [folder] = living(place);
  const { appProperties, name } = folder ?? { appProperties: {}, name: '' };
  const twin = store.add({ name, appProperties, maker: 'program' });
  const inner = { ...appProperties, nightshiftType: 'agent', nightshiftAgent: 'echo' };
  store.add({ name: 'echo', appProperties: inner, parents: [twin.id], maker: 'program' });

  const outcome = await deliver(place.sink);

  expect(outcome).toMatchObject({ type: 'delivered', result: { folderId: folder?.id } });
  expect(twin.trashed).toBe(true);
  expect(pathsIn(place)).toEqual(paths);
});

test('delivers all the same where the account may not bin a twin', async () => {
  await using place = await driveAtWork();
  await deliver(place.sink);
  const [folder] = living(place);
  place.server.store.add({ ...folder, name: 'twin', id: 'twin' });
  place.server.misbehave = ({ trashed, call }) =>
    trashed !== undefined || call === 'files.update'
      ? { type: 'reply', reply: { status: 403, body: { error: { errors: [] } } } }
      : undefined;

  const outcome = await deliver(place.sink);

  expect(outcome).toMatchObject({ type: 'delivered', result: { folderId: folder?.id } });
  expect(place.logged()).toContain('put it into the bin by hand');
});

describe('a repeat with other content', () => {
  const changed = [storedFile(['echo', 'plan.md'], '# Another plan'), ...files.slice(1)];

  test('replaces what has changed in the same file, and sends nothing else', async () => {
    await using place = await driveAtWork();
    const first = await deliver(place.sink);
    const before = place.server.journal.length;

    const second = await deliver(place.sink, changed);

    expect(second).toEqual(first);
    expect(pathsIn(place)).toEqual(paths);
    const sent = place.server.journal.slice(before).filter(({ call }) => call !== 'files.list');
    expect(sent.map(({ call }) => call)).toEqual(['files.update']);
    const plan = living(place).find(({ name }) => name === 'plan');
    expect(plan?.versions).toHaveLength(2);
    expect(plan?.versions.at(-1)?.content.toString()).toContain('<h1>Another plan</h1>');
  });

  test('replaces it once only when the reply is lost', async () => {
    await using place = await driveAtWork();
    await deliver(place.sink);
    let isLost = false;
    place.server.misbehave = ({ call }) => {
      if (call !== 'files.update' || isLost) return undefined;
      isLost = true;
      return { type: 'lost_reply' };
    };

    const outcome = await deliver(place.sink, changed);

    expect(outcome.type).toBe('delivered');
    expect(pathsIn(place)).toEqual(paths);
  });

  test('sends nothing at all where nothing has changed', async () => {
    await using place = await driveAtWork();
    await deliver(place.sink);
    const before = place.server.journal.length;

    await deliver(place.sink);

    expect(place.server.journal.slice(before).map(({ call }) => call)).toEqual(['files.list']);
  });

  test('leaves what is no longer delivered, and what people renamed or moved', async () => {
    await using place = await driveAtWork();
    await deliver(place.sink);
    const plan = living(place).find((file) => file.name === 'plan');
    const elsewhere = place.server.store.add({ name: 'Elsewhere', isShared: true });
    Object.assign(plan ?? {}, { name: 'Our plan', parents: [elsewhere.id] });

    await deliver(place.sink, changed.slice(0, 2));

    expect(pathsIn(place)).toContain('Elsewhere/Our plan');
    expect(plan?.versions).toHaveLength(2);
    expect(living(place)).toHaveLength(itemCount + 1);
  });

  test('makes anew what people put into the bin', async () => {
    await using place = await driveAtWork();
    await deliver(place.sink);
    const [folder] = living(place);
    Object.assign(folder ?? {}, { trashed: true });

    const outcome = await deliver(place.sink);

    expect(outcome.type).toBe('delivered');
    expect(pathsIn(place)).toEqual(paths);
  });
});

test('finds what it has made on further pages of the list', async () => {
  await using place = await driveAtWork();
  place.server.store.pageSize = 3;

  const first = await deliver(place.sink);
  const second = await deliver(place.sink);

  expect(second).toEqual(first);
  expect(pathsIn(place)).toEqual(paths);
});

test('makes nothing twice while lists lag behind', async () => {
  await using place = await driveAtWork();
  const empty = { status: 200, body: { files: [] } };
  place.server.misbehave = ({ call }) =>
    call === 'files.list' ? { type: 'reply', reply: empty } : undefined;

  const outcome = await deliver(place.sink);

  expect(outcome.type).toBe('delivered');
  expect(pathsIn(place)).toEqual(paths);
});

test('moves in with another worker whose older folder shows late', async () => {
  await using place = await driveAtWork();
  const appProperties = { nightshiftTask: taskId, nightshiftType: 'task' };
  const older = place.server.store.add({ name: 'older', appProperties, maker: 'program' });
  const empty = { status: 200, body: { files: [] } };
  let lists = 0;
  place.server.misbehave = ({ call }) => {
    if (call !== 'files.list') return undefined;
    lists += 1;
    return lists <= 3 ? { type: 'reply', reply: empty } : undefined;
  };

  const outcome = await deliver(place.sink);

  expect(outcome).toMatchObject({ type: 'delivered', result: { folderId: older.id } });
  expect(living(place)).toHaveLength(itemCount);
  expect(pathsIn(place)).toContain('older/echo/plan');
});
