// Reading the key of a service account: what is wrong is named, and nothing of the key is repeated.
import { generateKeyPairSync } from 'node:crypto';

import { expect, test } from 'vitest';

import { parseServiceAccountKey } from '../../src/deliver/drive/credentials.ts';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2_048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const good = {
  type: 'service_account',
  client_email: 'nightshift@project-1.iam.gserviceaccount.com',
  private_key: privateKey,
  universe_domain: 'googleapis.com',
};

test('reads what Google hands out', () => {
  const key = parseServiceAccountKey(JSON.stringify(good));

  expect(key).toMatchObject({ client_email: good.client_email, private_key: privateKey });
});

test.each([
  ['not JSON', privateKey, 'the whole file'],
  ['a key of another kind', JSON.stringify({ ...good, type: 'authorized_user' }), 'type'],
  ['no address', JSON.stringify({ ...good, client_email: 'none' }), 'client_email'],
  ['half a key', JSON.stringify({ ...good, private_key: privateKey.slice(0, 900) }), 'private_key'],
])('refuses %s', (_, text, fault) => {
  const read = () => parseServiceAccountKey(text);

  expect(read).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  expect(read).toThrow(fault);
  expect(read).not.toThrow(/[A-Za-z\d+/]{40}/);
});
