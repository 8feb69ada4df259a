// The doctor and the outside services: keys, clocks, quotas and bots, against local servers that answer as those do.
import { generateKeyPairSync } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { runDoctor } from '../../src/install/doctor.ts';
import { freshFolder } from '../support/folder.ts';
import { startWebServer, type TestPage, type WebServer } from '../support/web-server.ts';
import { check, configWith, healthyMachine, homeFacts, resultOf } from './doctor-ports.ts';

const json = (body: unknown, status = 200): TestPage => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
const models = { data: [{ id: 'gpt-5-mini' }, { id: 'gpt-5' }] };

function modelOf(server: WebServer) {
  const config = configWith({
    OPENAI_API_KEY: 'sk-secret-0123456789',
    OPENAI_BASE_URL: server.at('/v1'),
  });
  return { config };
}

test('the model service takes the key and has the model: how long it took is told', async () => {
  await using server = await startWebServer({ '/v1/models': json(models) });

  const found = await check('model', modelOf(server));

  expect(found).toMatchObject({
    status: 'ok',
    message: expect.stringMatching(/answers in \d+ ms/),
  });
  expect(server.requests[0]?.headers.authorization).toBe('Bearer sk-secret-0123456789');
});

const refusals: [TestPage, RegExp][] = [
  [
    json({ error: { message: 'Incorrect API key provided: sk-secret-0123456789' } }, 401),
    /refuses the key/,
  ],
  [json({ data: [{ id: 'llama' }] }), /has no model gpt-5-mini/],
  [json({}, 500), /answers with 500/],
];

test.for(refusals)(
  'the model service: %j is a finding, without the key in it',
  async ([page, message]) => {
    await using server = await startWebServer({ '/v1/models': page });

    const found = await check('model', modelOf(server));

    expect(found.status).toBe('fail');
    expect(found.message).toMatch(message);
    expect(JSON.stringify(found)).not.toContain('sk-secret');
  },
);

test('a model service that never answers holds nothing up, and is hung up on', async () => {
  const { promise: hungUp, resolve } = Promise.withResolvers<void>();
  await using server = await startWebServer({
    '/v1/models': (request) => void request.on('close', resolve),
  });

  const found = await check('model', modelOf(server), { limitMs: 200 });

  await hungUp;
  expect(found).toMatchObject({ status: 'fail', message: 'no answer within 0.2 s' });
});

test('offline, nothing outside of this machine is asked', async () => {
  await using server = await startWebServer({});
  const address = server.at('');
  const config = configWith({
    OPENAI_BASE_URL: address,
    TELEGRAM_BOT_TOKEN: '1:abc',
    TELEGRAM_API_ROOT: address,
  });
  await using machine = await healthyMachine({ config, offline: true });

  const results = await runDoctor(machine.ports, { fix: false });

  expect(resultOf('model', results)).toMatchObject({ status: 'skip' });
  expect(server.requests).toEqual([]);
});

test.for([
  [0, 'ok'],
  [90_000, 'warn'],
  [600_000, 'fail'],
] as const)('a clock that is %i ms off is: %s', async ([offMs, status]) => {
  await using server = await startWebServer({ '/v1/models': json(models) });

  const found = await check('clock', { ...modelOf(server), now: () => Date.now() + offMs });

  expect(found.status).toBe(status);
});

const legacy = (role: string, ref = 'abcdefgh') =>
  ['e30', Buffer.from(JSON.stringify({ role, ref })).toString('base64url'), 'c2ln'].join('.');
const supabase: [string, Record<string, string>, RegExp][] = [
  ['ok', { SUPABASE_SECRET_KEY: 'sb_secret_0123456789' }, /right form/],
  ['fail', {}, /SUPABASE_SECRET_KEY is not set/],
  ['fail', { SUPABASE_SECRET_KEY: 'sb_publishable_0123' }, /holds a public key/],
  ['fail', { SUPABASE_SECRET_KEY: legacy('anon') }, /holds a public key/],
  ['warn', { SUPABASE_SECRET_KEY: legacy('service_role') }, /legacy key/],
  ['fail', { SUPABASE_SECRET_KEY: legacy('service_role', 'other') }, /the project other/],
  ['fail', { SUPABASE_SECRET_KEY: 'hunter2' }, /no key of Supabase/],
  [
    'fail',
    { SUPABASE_SECRET_KEY: 'sb_secret_01', SUPABASE_PUBLISHABLE_KEY: 'sb_secret_01' },
    /holds no publishable key/,
  ],
];

test.for(supabase)('keys of Supabase are %s: %j', async ([status, keys, message]) => {
  const config = configWith({ SUPABASE_URL: 'https://abcdefgh.supabase.co', ...keys });

  const found = await check('supabase-keys', { config });

  expect(found.status).toBe(status);
  expect(found.message).toMatch(message);
});

const login = {
  GOOGLE_CLIENT_ID: 'id',
  GOOGLE_CLIENT_SECRET: 'hush',
  GOOGLE_REFRESH_TOKEN: 'again',
};
const about = '/drive/v3/about?fields=user(emailAddress),storageQuota';
const owner = (usage: string) =>
  json({ user: { emailAddress: 'sam@example.com' }, storageQuota: { limit: '1000', usage } });

async function drive(pages: Record<string, TestPage>, secrets: Record<string, string> = login) {
  await using server = await startWebServer({ '/token': json({ access_token: 'at' }), ...pages });
  const config = configWith({
    ...secrets,
    GOOGLE_TOKEN_URL: server.at('/token'),
    GOOGLE_DRIVE_ROOT_URL: `${server.at('/')}`,
  });

  return await check('drive', { config });
}

const parent =
  '/drive/v3/files/folder1?fields=id,driveId,capabilities(canAddChildren)&supportsAllDrives=true';
const withParent = { ...login, GOOGLE_DRIVE_PARENT_ID: 'folder1' };

const drives: [string, Record<string, TestPage>, Record<string, string>, RegExp][] = [
  ['ok', { [about]: owner('100') }, login, /sam@example.com is 10 % full/],
  ['warn', { [about]: owner('990') }, login, /99 % full/],
  ['fail', { [about]: owner('1000') }, login, /100 % full/],
  ['fail', { '/token': json({ error: 'invalid_grant' }, 400) }, login, /withdrawn the login/],
  ['fail', { [about]: json({}, 403) }, login, /answers with 403/],
  ['fail', { [about]: owner('1') }, withParent, /cannot be seen/],
  ['ok', { [about]: owner('1'), [parent]: json({ id: 'folder1' }) }, withParent, /full/],
];

test.for(drives)('Drive is %s: %j', async ([status, pages, secrets, message]) => {
  const found = await drive(pages, secrets);

  expect(found.status).toBe(status);
  expect(found.message).toMatch(message);
});

test('a service account has room on a shared drive only', async () => {
  await using folder = await freshFolder();
  const file = path.join(folder.path, 'account.json');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writeFile(file, JSON.stringify({ client_email: 'bot@example.com', private_key: key }));
  await chmod(file, 0o600);
  const account = { GOOGLE_SERVICE_ACCOUNT_FILE: file };
  const inside = { ...account, GOOGLE_DRIVE_PARENT_ID: 'folder1' };

  const none = await drive({ [about]: owner('0') }, account);
  const own = await drive({ [about]: owner('0'), [parent]: json({ id: 'folder1' }) }, inside);
  const shared = await drive(
    { [about]: owner('0'), [parent]: json({ id: 'folder1', driveId: 'd' }) },
    inside,
  );

  expect([none, own, shared].map(({ status }) => status)).toEqual(['fail', 'fail', 'ok']);
  expect(own.message).toContain('not on a shared drive');
});

const bot = { '/bot1:abc/getMe': json({ ok: true, result: { username: 'night_bot' } }) };
const noHook = { '/bot1:abc/getWebhookInfo': json({ ok: true, result: { url: '' } }) };
const updates = '/bot1:abc/getUpdates?limit=1&timeout=0';
const chat = '/bot1:abc/getChat?chat_id=77';

async function telegram(
  id: string,
  pages: Record<string, TestPage>,
  { chats = '77', isTaken = false } = {},
) {
  await using server = await startWebServer(pages);
  const config = configWith({
    TELEGRAM_BOT_TOKEN: '1:abc',
    TELEGRAM_CHAT_IDS: chats,
    TELEGRAM_API_ROOT: server.at(''),
  });
  config.settings.telegram = { bot: isTaken, allowed_ids: [] };

  const found = await check(id, { config, homeFacts: async () => ({ ...homeFacts, isTaken }) });
  return { ...found, asked: server.requests.map((request) => request.path) };
}

const bots: [string, string, Record<string, TestPage>, string, RegExp][] = [
  ['telegram', 'ok', bot, '77', /the bot is @night_bot/],
  ['telegram', 'fail', {}, '77', /refuses the token \(404\)/],
  [
    'telegram-poller',
    'warn',
    {
      '/bot1:abc/getWebhookInfo': json({ ok: true, result: { url: 'https://claw.example/hook' } }),
    },
    '77',
    /webhook at claw.example/,
  ],
  [
    'telegram-poller',
    'warn',
    { ...noHook, [updates]: json({ ok: false }, 409) },
    '77',
    /another program/,
  ],
  [
    'telegram-poller',
    'ok',
    { ...noHook, [updates]: json({ ok: true, result: [] }) },
    '77',
    /nobody else/,
  ],
  [
    'telegram-chats',
    'ok',
    { [chat]: json({ ok: true, result: { type: 'private' } }) },
    '77',
    /one chat/,
  ],
  ['telegram-chats', 'fail', {}, '77', /may not write to chat 77/],
  ['telegram-chats', 'fail', {}, '@sam', /may not write to chat @sam/],
  ['telegram-chats', 'warn', {}, '', /writes to nobody/],
];

test.for(bots)('%s is %s: %j with chats "%s"', async ([id, status, pages, chats, message]) => {
  const found = await telegram(id, pages, { chats });

  expect(found.status).toBe(status);
  expect(found.message).toMatch(message);
  expect(JSON.stringify([found.message, found.mend])).not.toContain('1:abc');
});

test('while our own daemon listens, Telegram is not asked who else does', async () => {
  const { status, asked } = await telegram('telegram-poller', noHook, { isTaken: true });

  expect(status).toBe('ok');
  expect(asked).not.toContain(updates);
});

test('a bot that takes commands from nobody is a finding', async () => {
  const found = await telegram('telegram-chats', {}, { isTaken: true });

  expect(found).toMatchObject({
    status: 'warn',
    message: expect.stringContaining('the bot obeys nobody'),
  });
});
