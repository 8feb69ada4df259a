// Large files on their way to Drive: in parts, and on from where a cut stopped them.
import { createHash, randomBytes } from 'node:crypto';

import { expect, test } from 'vitest';

import type { DeliveryOutcome } from '../../src/core/delivery.ts';
import { type DriveAtWork, driveAtWork } from '../support/drive/at-work.ts';
import type { JournalEntry, Misbehaviour } from '../support/drive-server.ts';
import { refusal } from '../support/drive/reply.ts';
import { contextOf, deliveryOf, endedTask, type StoredFile, storedFile } from './deliveries.ts';

const megabyte = 2 ** 20;

/** Above one part and not a multiple of anything. */
function film(megabytes: number): StoredFile {
  return storedFile(['reel', 'film.mp4'], randomBytes(megabytes * megabyte + 7), {
    mediaType: 'video/mp4',
  });
}

function deliver(place: DriveAtWork, file: StoredFile): Promise<DeliveryOutcome> {
  return place.sink.deliver(deliveryOf(endedTask([file])), contextOf([file]));
}

/** What Drive has of the film: the hashes of its versions, and one entry for each file of that name. */
function films({ server: { store } }: DriveAtWork): string[][] {
  return [...store.files.values()]
    .filter(({ name }) => name === 'film.mp4')
    .map(({ versions }) =>
      versions.map(({ content }) => createHash('sha256').update(content).digest('hex')),
    );
}

function partsOf({ server: { journal } }: DriveAtWork): JournalEntry[] {
  return journal.filter(({ call }) => call === 'upload.part');
}

/** Misbehaves in the n-th part only. */
function atPart(n: number, behaviour: Misbehaviour) {
  let seen = 0;

  return ({ call }: JournalEntry): Misbehaviour | undefined => {
    if (call !== 'upload.part') return undefined;
    seen += 1;
    return seen === n ? behaviour : undefined;
  };
}

test('sends a large file in parts, and is done when it is all there', async () => {
  await using place = await driveAtWork();
  const file = film(9);

  const outcome = await deliver(place, file);

  expect(outcome.type).toBe('delivered');
  expect(partsOf(place).map(({ bytes }) => bytes)).toEqual([8 * megabyte, megabyte + 7]);
  expect(films(place)).toEqual([[file.summary.sha256]]);
});

test('goes on after a cut in the middle of a part with what had not arrived', async () => {
  await using place = await driveAtWork();
  const file = film(9);
  place.server.misbehave = atPart(1, { type: 'cut_after', bytes: 3 * megabyte + 5 });

  const outcome = await deliver(place, file);

  expect(outcome.type).toBe('delivered');
  expect(films(place)).toEqual([[file.summary.sha256]]);
  const arrived = 3 * megabyte;
  expect(partsOf(place).map(({ bytes }) => bytes)).toEqual([
    arrived + 5,
    // The question how much has arrived.
    0,
    9 * megabyte + 7 - arrived,
  ]);
});

test.each([
  ['a lost reply to the last part', atPart(2, { type: 'lost_reply' })],
  ['an outage', atPart(2, { type: 'reply', reply: refusal(503, 'backendError') })],
  ['a cut before anything came', atPart(1, { type: 'cut' })],
  ['nonsense at the end', atPart(2, { type: 'garbage' })],
])('leaves one file after %s', async (_, misbehave) => {
  await using place = await driveAtWork();
  const file = film(9);
  place.server.misbehave = misbehave;

  const first = await deliver(place, file);
  const second = await deliver(place, file);

  expect(first.type).toBe('delivered');
  expect(second).toEqual(first);
  expect(films(place)).toEqual([[file.summary.sha256]]);
});

test('begins anew when Google has forgotten the upload', async () => {
  await using place = await driveAtWork();
  const file = film(9);
  let hasForgotten = false;
  place.server.misbehave = ({ call }) => {
    if (call === 'upload.part' && partsOf(place).length === 2 && !hasForgotten) {
      hasForgotten = true;
      place.server.forgetUploads();
    }
    return undefined;
  };

  const outcome = await deliver(place, file);

  expect(outcome.type).toBe('delivered');
  expect(place.server.journal.filter(({ call }) => call === 'upload.start')).toHaveLength(2);
  expect(films(place)).toEqual([[file.summary.sha256]]);
});

test('puts a new version of a large file into the same one', async () => {
  await using place = await driveAtWork();
  const [file, next] = [film(6), film(7)];
  const first = await deliver(place, file);

  const second = await deliver(place, next);

  expect(second).toEqual(first);
  expect(films(place)).toEqual([[file.summary.sha256, next.summary.sha256]]);
});

test('does not send content where a reply leads away from Google', async () => {
  await using place = await driveAtWork();
  await using thief = await driveAtWork();
  const location = `${thief.server.url}/upload/drive/v3/files?upload_id=1`;
  place.server.misbehave = ({ call }) =>
    call === 'upload.start'
      ? { type: 'reply', reply: { status: 200, headers: { location } } }
      : undefined;

  const outcome = await deliver(place, film(6));

  expect(outcome.type).not.toBe('delivered');
  expect(thief.server.journal).toEqual([]);
});
