// Calls over HTTP: every way in which an answer can fail has its error, and none loses or doubles an outcome.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { isAppError } from '../../src/core/errors.ts';
import type { Log } from '../../src/core/ports.ts';
import { createQueue } from '../../src/queue/client.ts';
import { functions } from '../../src/queue/functions.ts';
import { createSupabaseTransport } from '../../src/queue/supabase-transport.ts';
import { silentLog } from '../support/cluster.ts';
import { freshDatabase } from '../support/database.ts';
import {
  type Misbehaviour,
  type PostgrestServer,
  publishableKey,
  secretKey,
  startPostgrest,
} from '../support/postgrest-server.ts';
import { completed, freshQueue, type TestQueue, tokenOf } from '../support/queue.ts';

describe('an answer that is none', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let server: PostgrestServer;

  beforeAll(async () => {
    database = await freshDatabase();
    server = await startPostgrest(database.workerUrl);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const answers: [string, Misbehaviour, { code: string; facts?: object; message?: string }][] = [
    ['a 500', { type: 'answer', status: 500, body: 'oops' }, { code: 'database_unavailable' }],
    ['a 503 page', page(503), { code: 'database_unavailable', message: 'HTTP 503' }],
    ['a paused project', page(540), { code: 'database_unavailable', message: 'paused' }],
    ['an unknown project', page(404), { code: 'database_unavailable', message: 'SUPABASE_URL' }],
    ['an empty 404', { type: 'answer', status: 404, body: '' }, { code: 'database_unavailable' }],
    [
      'a list as a 404',
      { type: 'answer', status: 404, body: '[]' },
      { code: 'database_unavailable' },
    ],
    [
      'null as a 502',
      { type: 'answer', status: 502, body: 'null' },
      { code: 'database_unavailable' },
    ],
    ['a page as a 200', page(200), { code: 'database_unavailable', message: 'not Supabase' }],
    ['a redirect', redirect(), { code: 'database_unavailable', message: 'redirect' }],
    ['a broken connection', { type: 'cut' }, { code: 'database_unavailable' }],
    ['half an answer', { type: 'truncate' }, { code: 'database_unavailable', message: 'cut off' }],
    ['silence', { type: 'hang' }, { code: 'database_unavailable', message: 'within 0.3 seconds' }],
    ['a 429', slower('7'), { code: 'database_unavailable', facts: { retryAfterMs: 7_000 } }],
    [
      'a 401 of the gateway',
      json(401, { message: 'Invalid API key' }),
      { code: 'database_key_refused' },
    ],
    [
      'an expired token',
      json(401, { code: 'PGRST303', message: 'JWT expired' }),
      { code: 'database_key_refused' },
    ],
    [
      'no connection behind',
      json(503, { code: 'PGRST000', message: 'no' }),
      { code: 'database_unavailable' },
    ],
    [
      'a statement timeout',
      json(500, { code: '57014', message: 'timeout' }),
      { code: 'database_unavailable' },
    ],
    [
      'a full pool',
      json(503, { code: '53300', message: 'full' }),
      { code: 'database_unavailable' },
    ],
    [
      'a missing right',
      json(403, { code: '42501', message: 'denied' }),
      { code: 'database_failed' },
    ],
    ['a bug', json(400, { code: '22P02', message: 'bad uuid' }), { code: 'database_failed' }],
    ['too large a call', page(413), { code: 'database_failed', message: 'HTTP 413' }],
  ];

  test.each(answers)('%s', async (_name, how, { message = '', ...error }) => {
    const queue = queueOver(server, { timeoutMs: 300 });
    server.misbehave('read_state', how);

    const call = queue.readState();

    await expect(call).rejects.toMatchObject({
      ...error,
      message: expect.stringContaining(message),
    });
  });

  test.each(answers.filter(([, , { code }]) => code !== 'database_failed'))(
    '%s is worth another try, which succeeds',
    async (_name, how) => {
      const queue = queueOver(server, { timeoutMs: 300 });
      server.misbehave('read_state', how);

      const error: unknown = await queue.readState().catch((thrown: unknown) => thrown);

      expect(isAppError(error) && error.retriable).toBe(true);
      expect((await queueOver(server).readState()).runsWaiting).toBe(0);
    },
  );

  test('a deadlock rolled the call back: it is made again at once', async () => {
    const queue = queueOver(server);
    const deadlock = json(500, { code: '40P01', message: 'deadlock' });
    server.misbehave('read_state', deadlock, deadlock);

    expect((await queue.readState()).runsWaiting).toBe(0);
  });

  test('nobody there is named by its address and the reason', async () => {
    const transport = { url: 'http://127.0.0.1:1', key: secretKey, log: silentLog };
    const queue = createQueue(createSupabaseTransport(transport));

    const call = queue.readState();

    await expect(call).rejects.toMatchObject({ code: 'database_unavailable' });
    await expect(call).rejects.toThrow(/127\.0\.0\.1:1 is out of reach: .*(ECONNREFUSED|bad port)/);
  });

  test('the key is in no part of an error, even when the server repeats it', async () => {
    const queue = queueOver(server);
    const echo = `no such key: ${secretKey}`;
    server.misbehave(
      'read_state',
      json(401, { message: echo }),
      json(500, { code: '57014', message: echo, details: echo, hint: echo }),
      { type: 'answer', status: 500, body: echo },
      { type: 'cut' },
    );

    for (let turn = 0; turn < 4; turn += 1) {
      const error: unknown = await queue.readState().catch((thrown: unknown) => thrown);
      expect(everythingOf(error)).not.toContain(secretKey);
    }
  });

  test('the address carries no key, and every argument goes along, absent ones as null', async () => {
    const transport = createSupabaseTransport({ url: server.url, key: secretKey, log: silentLog });

    await transport.call(functions.listTasks, { p_limit: 3 });

    const call = server.calls.findLast(({ name }) => name === 'list_tasks');
    expect(JSON.parse(call?.body ?? '')).toEqual({ p_status: null, p_limit: 3, p_before: null });
    expect(call?.headers['apikey']).toBe(secretKey);
  });
});

describe('a database that lacks a function', () => {
  test('is behind, and says what to do', async () => {
    await using database = await freshDatabase();
    await database.sql('drop function public.read_state()');
    await using server = await startPostgrest(database.workerUrl);

    const call = queueOver(server).readState();

    await expect(call).rejects.toMatchObject({ code: 'database_behind', retriable: true });
    await expect(call).rejects.toThrow(/no function read_state .*supabase db push/);
  });
});

describe('a lost reply', () => {
  const losses: Misbehaviour[] = [{ type: 'lose reply' }, { type: 'truncate' }];

  test.each(losses)('of a turn ($type): the same turn again is answered the same', async (loss) => {
    await using queue = await freshQueue();
    await using server = await startPostgrest(queue.db.workerUrl);
    const turn = await turnOf(queue);
    server.misbehave('take_turn', loss, loss);
    const remote = queueOver(server);

    await expect(remote.takeTurn(turn)).rejects.toMatchObject({ retriable: true });
    await expect(remote.takeTurn(turn)).rejects.toMatchObject({ retriable: true });
    const result = await remote.takeTurn(turn);

    expect(result.runs.map(tokenOf)).toHaveLength(2);
    expect(result.runs.every((run) => run.attempt === 1)).toBe(true);
    expect(result.runAnswers.map(({ answer }) => answer)).toEqual([
      'already',
      'already',
      'already',
    ]);
    expect(await queue.db.sql('select from deliverables')).toHaveLength(3);
    expect(await queue.db.sql(`select from agent_runs where status = 'running'`)).toHaveLength(2);
  });

  test('of a submission: the same key again answers with the first task', async () => {
    await using queue = await freshQueue();
    await using server = await startPostgrest(queue.db.workerUrl);
    server.misbehave('submit_task', { type: 'lose reply' });
    const remote = queueOver(server);
    const task = { title: 'Once', description: 'Only once', idempotencyKey: 'once' };

    await expect(remote.submitTask(task)).rejects.toMatchObject({ retriable: true });
    const again = await remote.submitTask(task);

    expect(again.repeated).toBe(true);
    expect(await queue.db.sql('select from tasks')).toHaveLength(1);
  });
});

describe('a key', () => {
  test.each([
    ['a secret key', secretKey, 0],
    ['a legacy service_role key', legacyKey('service_role'), 1],
  ])('%s is taken', (_name, key, warnings) => {
    const warned: string[] = [];
    const log: Log = { ...silentLog, warn: (message) => void warned.push(message) };

    createSupabaseTransport({ url: 'http://127.0.0.1:1', key, log });

    expect(warned).toHaveLength(warnings);
    expect(warned.join()).not.toContain(key);
  });

  test.each([
    ['the publishable key', publishableKey, 'publishable'],
    ['the legacy anon key', legacyKey('anon'), '"anon"'],
    ['the token of a user', legacyKey('authenticated'), '"authenticated"'],
    ['a key of someone else', 'sk-1234567890', 'no key of Supabase'],
    ['a key with a line break', `${secretKey}\nx`, 'line breaks'],
    ['nothing', '', 'empty'],
  ])('%s is refused, and not repeated', (_name, key, reason) => {
    const create = () =>
      createSupabaseTransport({ url: 'http://127.0.0.1:1', key, log: silentLog });

    expect(create).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    expect(create).toThrow(reason);
    if (key !== '') expect(create).not.toThrow(key);
  });

  test('that is not of this project is refused by name', async () => {
    await using database = await freshDatabase();
    await using server = await startPostgrest(database.workerUrl);
    const key = 'sb_secret_of-another-project';

    const call = createQueue(
      createSupabaseTransport({ url: server.url, key, log: silentLog }),
    ).readState();

    await expect(call).rejects.toMatchObject({ code: 'database_key_refused' });
    await expect(call).rejects.toThrow(/SUPABASE_SECRET_KEY/);
  });

  test('that goes over plain http to another machine is warned of', () => {
    const warned: string[] = [];
    const log: Log = { ...silentLog, warn: (message) => void warned.push(message) };

    createSupabaseTransport({ url: 'http://supabase.lan:8000', key: secretKey, log });

    expect(warned).toEqual([expect.stringContaining('not https')]);
  });
});

function queueOver(server: PostgrestServer, options: { timeoutMs?: number } = {}) {
  const transport = { url: server.url, key: secretKey, log: silentLog, ...options };
  return createQueue(createSupabaseTransport(transport));
}

/** A turn that settles three runs and wants two. */
async function turnOf(queue: TestQueue) {
  const worker = await queue.worker();
  await queue.submit();
  const held = await worker.claim(3);

  return {
    workerId: worker.id,
    claimId: crypto.randomUUID(),
    runsWanted: 2,
    deliveriesWanted: 2,
    runs: held.map(completed),
    deliveries: [],
  };
}

function page(status: number): Misbehaviour {
  return { type: 'answer', status, body: '<html><title>No</title></html>' };
}

function json(status: number, body: Record<string, unknown>): Misbehaviour {
  return { type: 'answer', status, body: JSON.stringify(body) };
}

function slower(seconds: string): Misbehaviour {
  return { type: 'answer', status: 429, body: '{}', headers: { 'retry-after': seconds } };
}

function redirect(): Misbehaviour {
  return { type: 'answer', status: 307, body: '', headers: { location: 'http://127.0.0.1:1/' } };
}

function legacyKey(role: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'HS256' })}.${part({ iss: 'supabase', role })}.c2lnbmF0dXJl`;
}

function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error);
  const own = JSON.stringify(Object.fromEntries(Object.entries(error)));

  return `${error.message} ${error.stack ?? ''} ${own} ${error.cause === undefined ? '' : everythingOf(error.cause)}`;
}
