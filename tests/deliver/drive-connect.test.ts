// Connecting a Google account: a browser that consents, refuses, forges or never comes.
import { request } from 'node:http';

import { expect, test } from 'vitest';

import { type ConnectOptions, connectDrive } from '../../src/deliver/drive/connect.ts';
import { createDriveSink } from '../../src/deliver/drive.ts';
import { systemClock } from '../../src/daemon/clock.ts';
import { type DriveServer, startDriveServer } from '../support/drive-server.ts';
import { client } from '../support/drive/tokens.ts';
import { contextOf, deliveryOf, endedTask, silentLog } from './deliveries.ts';

type Visit = { page: string; address: string };

/** A browser that follows where it is sent; `visits` are the pages that its user ends on. */
function browser(visits: Promise<Visit>[]): ConnectOptions['openBrowser'] {
  return (url) => {
    const visit = fetch(url).then(async (reply) => ({
      page: await reply.text(),
      address: reply.url,
    }));
    visit.catch(() => undefined);
    visits.push(visit);
  };
}

function connect(
  server: DriveServer,
  more: Partial<ConnectOptions> = {},
): Promise<{ refreshToken: string }> {
  return connectDrive({
    ...client,
    openBrowser: browser([]),
    tokenUrl: server.tokenUrl,
    authUrl: server.authUrl,
    signal: new AbortController().signal,
    ...more,
  });
}

test('gives a refresh token that works, and tells the user to close the tab', async () => {
  await using server = await startDriveServer();
  const visits: Promise<Visit>[] = [];

  const { refreshToken } = await connect(server, { openBrowser: browser(visits) });

  expect((await visits[0])?.page).toContain('You can close this tab');
  const sink = createDriveSink({
    credentials: { type: 'oauth', ...client, refreshToken },
    rootUrl: server.url,
    tokenUrl: server.tokenUrl,
    clock: systemClock,
    log: silentLog,
  });
  const outcome = await sink.deliver(deliveryOf(endedTask([])), contextOf([]));
  expect(outcome.type).toBe('delivered');
});

test.each([
  ['deny', 'access_denied'],
  ['wrong_state', 'state mismatch'],
  ['untick', 'not ticked'],
  ['no_refresh_token', 'no refresh token'],
] as const)('says why when the user or the answer says %s', async (consent, reason) => {
  await using server = await startDriveServer();
  server.tokens.consent = consent;
  const visits: Promise<Visit>[] = [];

  const connected = connect(server, { openBrowser: browser(visits) });

  await expect(connected).rejects.toMatchObject({
    code: 'drive_not_connected',
    message: expect.stringContaining(reason),
  });
  expect((await visits[0])?.page).toContain(reason);
});

test('says which settings are wrong, and repeats none of their values', async () => {
  await using server = await startDriveServer();

  const connected = connect(server, { clientSecret: 'GOCSPX-of-another' });

  const error: unknown = await connected.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'drive_not_connected' });
  expect(String(error)).toContain('GOOGLE_CLIENT_SECRET');
  expect(String(error)).not.toContain('GOCSPX');
  expect(error).not.toHaveProperty('cause');
});

test('gives up when nobody comes in time', async () => {
  await using server = await startDriveServer();

  const connected = connect(server, { openBrowser: () => undefined, waitMs: 20 });

  await expect(connected).rejects.toThrow('nobody answered in time');
});

test('ends with the reason of an abort', async () => {
  await using server = await startDriveServer();
  const abort = new AbortController();
  const openBrowser = () => abort.abort(new Error('interrupted'));

  const connected = connect(server, { openBrowser, signal: abort.signal });

  await expect(connected).rejects.toThrow('interrupted');
});

test('listens on this machine only, takes one answer and nothing else, and is gone afterwards', async () => {
  await using server = await startDriveServer();
  const statuses: unknown[] = [];
  let callback = new URL('http://127.0.0.1');
  const openBrowser = async (url: string): Promise<void> => {
    callback = new URL(new URL(url).searchParams.get('redirect_uri') ?? '');
    statuses.push(await statusOf(new URL('/favicon.ico', callback)));
    await browser([])(url);
  };

  await connect(server, { openBrowser });

  expect(callback.hostname).toBe('127.0.0.1');
  expect(statuses).toEqual([404]);
  expect(await statusOf(callback)).toBe('ECONNREFUSED');
});

function statusOf(url: URL): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  request(url, (response) => resolve(response.resume().statusCode))
    .on('error', (error) => resolve('code' in error ? error.code : error))
    .end();

  return promise;
}
