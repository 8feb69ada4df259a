// The fake Google itself: it must refuse what Google would, or the other tests prove nothing.
import { expect, test } from 'vitest';

import { startDriveServer } from '../support/drive-server.ts';
import { client } from '../support/drive/tokens.ts';

type Ask = { path: string; method?: string; body?: unknown };

/** Asks with a good token, and gives what the server found wrong. */
async function violationsOf({ path, method = 'GET', body }: Ask): Promise<string> {
  const server = await startDriveServer();
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: client.clientId,
    client_secret: client.clientSecret,
    refresh_token: '1//refresh-token-of-the-user',
  });
  const granted = await fetch(server.tokenUrl, { method: 'POST', body: form });
  const { access_token: token } = Object(await granted.json());
  await fetch(`${server.url}/drive/v3/files${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

  const found = server.violations.splice(0).join('\n');
  await server[Symbol.asyncDispose]();
  return found;
}

const all = 'supportsAllDrives=true&includeItemsFromAllDrives=true';

test.each([
  [{ path: `?${all}&q=trashed=false&colour=red` }, 'unknown parameter colour'],
  [{ path: `?${all}&q=trashed=false&pageSize=many` }, 'pageSize must be a number'],
  [{ path: `?${all}&q=starred=true` }, 'q: not understood'],
  [{ path: `?${all}&q=trashed=false&fields=files(id,colour)` }, 'no field colour'],
  [{ path: `?${all}&q=trashed=false&fields=files(id` }, 'fields: )'],
  [{ path: `?${all}&q=trashed=false&corpora=drive` }, 'driveId is missing'],
  [{ path: '?q=trashed=false' }, 'includeItemsFromAllDrives is missing'],
  [{ path: '/some-id' }, 'supportsAllDrives is missing'],
  [
    { path: '?supportsAllDrives=true', method: 'POST', body: { colour: 1 } },
    'unknown field colour',
  ],
  [{ path: '?supportsAllDrives=true', method: 'POST', body: { webViewLink: 'x' } }, 'output only'],
  [{ path: '?supportsAllDrives=true', method: 'POST', body: { starred: 'yes' } }, 'a boolean'],
  [
    {
      path: '?supportsAllDrives=true',
      method: 'POST',
      body: { appProperties: { key: 'x'.repeat(122) } },
    },
    'longer than 124 bytes',
  ],
])('refuses %j', async (ask, reason) => {
  expect(await violationsOf(ask)).toContain(reason);
});

test('takes what Google takes', async () => {
  const q = encodeURIComponent(
    String.raw`appProperties has { key='a' and value='it\'s' } and 'x' in parents and trashed = false`,
  );

  const found = await violationsOf({ path: `?${all}&q=${q}&fields=nextPageToken,files(id,name)` });

  expect(found).toBe('');
});
