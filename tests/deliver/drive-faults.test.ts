// What the Drive sink does when Google refuses, limits, hangs or answers nonsense; and that it tells no secret.
import { describe, expect, test } from 'vitest';

import type { DeliveryOutcome } from '../../src/core/delivery.ts';
import { type DriveAtWork, driveAtWork, oauth, serviceAccount } from '../support/drive/at-work.ts';
import type { JournalEntry, Misbehaviour } from '../support/drive-server.ts';
import { refusal, type Reply, tokenRefusal } from '../support/drive/reply.ts';
import { until } from '../support/until.ts';
import { contextOf, deliveryOf, endedTask, filesOfSeven, storedFile } from './deliveries.ts';

const files = [storedFile(['echo', 'plan.md'], '# Plan')];

function deliver(
  sink: DriveAtWork['sink'],
  more: { signal?: AbortSignal; timeoutSeconds?: number } = {},
): Promise<DeliveryOutcome> {
  const { signal = new AbortController().signal, timeoutSeconds = 60 } = more;
  const delivery = { ...deliveryOf(endedTask(files)), timeoutSeconds };

  return sink.deliver(delivery, contextOf(files, { signal }));
}

/** Answers the n-th call of a kind in its own way, the others truly. */
function atCall(name: JournalEntry['call'], behaviour: Misbehaviour, times: number = 1) {
  let seen = 0;

  return (entry: JournalEntry): Misbehaviour | undefined => {
    if (entry.call !== name || seen >= times) return undefined;
    seen += 1;
    return behaviour;
  };
}

function replying(reply: Reply): Misbehaviour {
  return { type: 'reply', reply };
}

const always = Number.POSITIVE_INFINITY;

describe('refusals that stay', () => {
  test.each([
    ['storageQuotaExceeded', 'drive_full', 'free some storage'],
    ['teamDriveFileLimitExceeded', 'drive_full', 'GOOGLE_DRIVE_PARENT_ID'],
    ['insufficientFilePermissions', 'drive_refused', 'give the account the right'],
    ['accessNotConfigured', 'drive_refused', 'enable the Google Drive API'],
  ])('%s fails with what to do', async (reason, code, advice) => {
    await using place = await driveAtWork();
    place.server.misbehave = atCall('files.create', replying(refusal(403, reason)), always);

    const outcome = await deliver(place.sink);

    expect(outcome).toMatchObject({ type: 'fail', error: { code, retriable: false } });
    expect(JSON.stringify(outcome)).toContain(advice);
    expect(place.waits).toEqual([]);
  });

  test('a revoked sign-in fails, and names the command that mends it', async () => {
    await using place = await driveAtWork();
    place.server.tokens.refreshTokens.clear();

    const outcome = await deliver(place.sink);

    expect(outcome).toMatchObject({ type: 'fail', error: { code: 'drive_signed_out' } });
    expect(JSON.stringify(outcome)).toContain('nightshift connect drive');
  });

  test('a wrong client fails, and names its settings', async () => {
    await using place = await driveAtWork();
    const sink = place.another({ credentials: { ...oauth, clientSecret: 'GOCSPX-of-another' } });

    const outcome = await deliver(sink);

    expect(outcome).toMatchObject({ type: 'fail', error: { code: 'drive_signed_out' } });
    expect(JSON.stringify(outcome)).toContain('GOOGLE_CLIENT_SECRET');
  });

  test('an unknown service account fails, and names its setting', async () => {
    await using place = await driveAtWork();
    const credentials = serviceAccount(place.server);
    place.server.tokens.accounts.clear();

    const outcome = await deliver(place.another({ credentials }));

    expect(outcome).toMatchObject({ type: 'fail', error: { code: 'drive_signed_out' } });
    expect(JSON.stringify(outcome)).toContain('GOOGLE_SERVICE_ACCOUNT_FILE');
  });

  test('a service account without a shared drive fails, and says that it needs one', async () => {
    await using place = await driveAtWork();

    const outcome = await deliver(place.another({ credentials: serviceAccount(place.server) }));

    expect(outcome).toMatchObject({ type: 'fail', error: { code: 'drive_full' } });
    expect(JSON.stringify(outcome)).toContain('a folder on a shared drive');
  });
});

describe('the folder that people chose', () => {
  test.each([
    ['is not there', undefined, 'none with this id'],
    ['the sign-in may not see', { isShared: true }, 'leave GOOGLE_DRIVE_PARENT_ID empty'],
    ['is a file', { maker: 'program', mimeType: 'image/png' }, 'not a folder'],
    ['is in the bin', { maker: 'program', trashed: true }, 'in the bin'],
    [
      'is not to be added to',
      { maker: 'program', capabilities: { canAddChildren: false } },
      'right',
    ],
  ] as const)('fails where it %s, and names the setting', async (_, folder, advice) => {
    await using place = await driveAtWork();
    if (folder !== undefined) place.server.store.add({ id: 'chosen', name: 'Chosen', ...folder });

    const outcome = await deliver(place.another({ parentId: 'chosen' }));

    expect(outcome).toMatchObject({ type: 'fail', error: { code: 'drive_parent_missing' } });
    expect(JSON.stringify(outcome)).toContain('GOOGLE_DRIVE_PARENT_ID');
    expect(JSON.stringify(outcome)).toContain(advice);
    expect(place.server.shown()).not.toHaveProperty('task');
  });
});

describe('limits and outages', () => {
  test.each([
    refusal(429, 'rateLimitExceeded'),
    refusal(403, 'userRateLimitExceeded'),
    refusal(403, 'rateLimitExceeded'),
    refusal(500, 'internalError'),
    refusal(503, 'backendError'),
  ])('waits and goes on: %j', async (reply) => {
    await using place = await driveAtWork();
    place.server.misbehave = atCall('files.create', replying(reply), 2);

    const outcome = await deliver(place.sink);

    expect(outcome.type).toBe('delivered');
    expect(place.waits.length).toBeGreaterThan(0);
  });

  test('waits as long as Google asks', async () => {
    await using place = await driveAtWork();
    const reply = { ...refusal(429, 'rateLimitExceeded'), headers: { 'retry-after': '7' } };
    place.server.misbehave = atCall('files.list', replying(reply));

    const outcome = await deliver(place.sink);

    expect(outcome.type).toBe('delivered');
    expect(place.waits).toEqual([7_000]);
  });

  test('hands the delivery back with that time where it is longer than there is', async () => {
    await using place = await driveAtWork();
    const reply = { ...refusal(429, 'rateLimitExceeded'), headers: { 'retry-after': '600' } };
    place.server.misbehave = atCall('files.create', replying(reply), always);

    const outcome = await deliver(place.sink);

    expect(outcome).toMatchObject({
      type: 'retry',
      retryAfterMs: 600_000,
      error: { code: 'drive_busy', retriable: true },
    });
    expect(place.waits).toEqual([]);
  });

  test('hands the delivery back when Google stays away, and finds its way later', async () => {
    await using place = await driveAtWork();
    place.server.misbehave = () => replying(refusal(503, 'backendError'));
    const first = await deliver(place.sink);
    place.server.misbehave = () => undefined;

    const second = await deliver(place.sink);

    expect(first).toMatchObject({ type: 'retry', error: { code: 'drive_unavailable' } });
    expect(second.type).toBe('delivered');
  });

  test('hands the delivery back when nobody listens there', async () => {
    await using place = await driveAtWork();
    await using gone = await driveAtWork();
    const { url: rootUrl, tokenUrl } = gone.server;
    await gone.server[Symbol.asyncDispose]();

    const outcome = await deliver(place.another({ rootUrl, tokenUrl }));

    expect(outcome).toMatchObject({ type: 'retry', error: { code: 'drive_unavailable' } });
  });

  test('gives a hanging call up and repeats it', async () => {
    await using place = await driveAtWork({ requestMs: 100 });
    place.server.misbehave = atCall('files.list', { type: 'hang' });

    const outcome = await deliver(place.sink);

    expect(outcome.type).toBe('delivered');
  });

  test('asks for a new token, once, where Google no longer takes the old one', async () => {
    await using place = await driveAtWork();
    await deliver(place.sink);
    place.server.tokens.dropAccessTokens();

    const outcome = await deliver(place.sink);

    expect(outcome.type).toBe('delivered');
    expect(place.server.journal.filter(({ call }) => call === 'token')).toHaveLength(2);
  });

  test('takes a token that is refused again and again for a sign-in that ended', async () => {
    await using place = await driveAtWork();
    place.server.misbehave = atCall('files.list', replying(refusal(401, 'authError')), always);

    const outcome = await deliver(place.sink);

    expect(outcome).toMatchObject({ type: 'fail', error: { code: 'drive_signed_out' } });
  });
});

describe('an abort', () => {
  test.each(['token', 'files.list', 'files.create', 'files.update'] as const)(
    'ends a delivery that hangs in %s, with its reason',
    async (call) => {
      await using place = await driveAtWork();
      await deliver(place.sink);
      const hung = storedFile(['echo', 'plan.md'], '# Other');
      const added = storedFile(['echo', 'more.md'], '# More');
      place.server.misbehave = atCall(call, { type: 'hang' }, always);
      const abort = new AbortController();
      const context = contextOf([hung, added], { signal: abort.signal });
      const before = place.server.journal.length;

      const delivered = place.another().deliver(deliveryOf(endedTask([hung, added])), context);
      const hanging = until(() =>
        place.server.journal.slice(before).some((one) => one.call === call),
      );
      void hanging.then(() => abort.abort(new Error('shutting down')));

      await expect(delivered).rejects.toThrow('shutting down');
    },
  );
});

describe('secrets', () => {
  const replies: [string, Misbehaviour][] = [
    ['a refused call', replying(refusal(400, 'invalid', `Bad: ${oauth.refreshToken}`))],
    ['an unknown error', replying(refusal(403, 'odd', `No: ${oauth.clientSecret}`))],
    [
      'a refused token',
      replying(tokenRefusal('odd', `${oauth.refreshToken} ${oauth.clientSecret}`)),
    ],
    ['an outage', replying({ status: 503, body: oauth.refreshToken })],
    ['a cut', { type: 'cut' }],
    ['nonsense', { type: 'garbage' }],
  ];

  test.each(replies)('are in no outcome and no log after %s', async (_, behaviour) => {
    for (const call of ['token', 'files.list', 'files.create'] as const) {
      await using place = await driveAtWork();
      place.server.misbehave = atCall(call, behaviour, always);

      const outcome = await deliver(place.sink);

      const said = JSON.stringify(outcome) + place.logged();
      for (const secret of place.server.tokens.secrets) expect(said).not.toContain(secret);
      expect(said).not.toMatch(/bearer|authorization/i);
    }
  });

  test('are in no outcome and no log when all goes well, nor in an address', async () => {
    await using place = await driveAtWork();
    const all = filesOfSeven();

    const outcome = await place.sink.deliver(deliveryOf(endedTask(all)), contextOf(all));

    const said = JSON.stringify([outcome, place.server.journal]) + place.logged();
    for (const secret of place.server.tokens.secrets) expect(said).not.toContain(secret);
  });

  test('go nowhere but to Google, wherever a reply leads', async () => {
    await using place = await driveAtWork();
    await using thief = await driveAtWork();
    const location = `${thief.server.url}/drive/v3/files`;
    const reply = { status: 307, headers: { location } };
    place.server.misbehave = atCall('files.list', replying(reply), always);

    const outcome = await deliver(place.sink);

    expect(outcome.type).not.toBe('delivered');
    expect(thief.server.journal).toEqual([]);
  });
});
