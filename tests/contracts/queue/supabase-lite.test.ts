// The queue over an API of Supabase that is not ours: keys, users, row security, and the way of one task.
import { App } from '@supabase/lite';
import { createPostgresConnection } from '@supabase/lite/postgres';
import { createClient } from '@supabase/supabase-js';
import { createServer, type IncomingMessage } from 'node:http';
import { expect, test, vi } from 'vitest';

import { migrate } from '../../../src/postgres/migrate.ts';
import { createQueue } from '../../../src/queue/client.ts';
import { createSupabaseTransport } from '../../../src/queue/supabase-transport.ts';
import { silentLog, type TestDatabase } from '../../support/cluster.ts';
import { emptyDatabase } from '../../support/database.ts';
import { publishableKey, secretKey } from '../../support/postgrest-server.ts';
import { completed, tokenOf } from '../../support/queue.ts';

const session = { persistSession: false, autoRefreshToken: false };

test('a task goes its whole way, and a turn repeated is answered the same', async () => {
  await using api = await startLite();
  const queue = createQueue(transportTo(api.url));
  const workerId = crypto.randomUUID();
  await queue.registerWorker({ ...worker, workerId });
  const { id } = await queue.submitTask({ title: 'One', description: 'Work', agents: ['echo'] });
  const claimId = crypto.randomUUID();

  const runs = await queue.claimRuns(workerId, claimId, 5);
  const again = await queue.claimRuns(workerId, claimId, 5);
  const settled = await queue.settleRuns(workerId, runs.map(completed));
  const deliveries = await queue.claimDeliveries(workerId, crypto.randomUUID(), 5);
  await queue.settleDeliveries(
    workerId,
    deliveries.map((one) => ({ ...tokenOf(one), outcome: { type: 'delivered', result: {} } })),
  );

  expect(again.map(tokenOf)).toEqual(runs.map(tokenOf));
  expect(settled.map(({ answer }) => answer)).toEqual(['ok']);
  expect(await queue.readTask(id)).toMatchObject({ status: 'complete', runsEnded: 1 });
});

test('a user hands in tasks as themselves and sees no others', async () => {
  await using api = await startLite();
  await createQueue(transportTo(api.url)).submitTask({ title: 'The machine’s', description: 'x' });
  const [first, second] = [await signUp(api.url), await signUp(api.url)];

  const inserted = await first.client.from('tasks').insert({ title: 'Mine' }).select('user_id');
  const submitted = await first.client.rpc('submit_task', {
    p_task: { title: 'Mine too', description: 'x' },
  });
  const [seen, foreign] = await Promise.all(
    [first, second].map(({ client }) => client.from('tasks').select('title').order('title')),
  );

  expect(inserted.data).toEqual([{ user_id: first.id }]);
  expect(submitted.error).toBeNull();
  expect(seen?.data).toEqual([{ title: 'Mine' }, { title: 'Mine too' }]);
  expect(foreign?.data).toEqual([]);
});

test('a user may not work the queue, and nobody may without signing in', async () => {
  await using api = await startLite();
  const { client } = await signUp(api.url);
  const nobody = createClient(api.url, publishableKey, { auth: session });
  const claim = { p_worker_id: crypto.randomUUID(), p_claim_id: crypto.randomUUID(), p_limit: 1 };

  // One after the other: the first calls of its several sessions get in each other's way.
  const refusals = [
    await client.rpc('claim_runs', claim),
    await nobody.rpc('submit_task', { p_task: { title: 'x', description: 'x' } }),
    await nobody.rpc('schema_version'),
  ];

  expect(refusals.map(({ error }) => error?.code)).toEqual(['42501', '42501', '42501']);
});

test('a key of another project is refused by name', async () => {
  await using api = await startLite();

  const call = createQueue(transportTo(api.url, 'sb_secret_of-another-project')).readState();

  await expect(call).rejects.toMatchObject({ code: 'database_key_refused' });
});

const worker = {
  name: 'test',
  version: '0.0.0',
  leaseSeconds: 45,
  sinks: [{ name: 'folder', stage: 0 }],
  retry: { baseMs: 1_000, capMs: 8_000 },
};

function transportTo(url: string, key = secretKey) {
  return createSupabaseTransport({ url, key, log: silentLog });
}

async function signUp(url: string) {
  const client = createClient(url, publishableKey, { auth: session });
  const email = `${crypto.randomUUID()}@example.com`;
  const { data, error } = await client.auth.signUp({ email, password: crypto.randomUUID() });
  if (error !== null) throw error;

  return { client, id: data.user?.id };
}

/** `@supabase/lite` in front of a database that it has set up, and that we have migrated. */
async function startLite(): Promise<AsyncDisposable & { url: string; db: TestDatabase }> {
  await using stack = new AsyncDisposableStack();
  const db = stack.use(await emptyDatabase());
  // It writes every refusal to the console.
  const quiet = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  stack.defer(() => quiet.mockRestore());
  const connection = createPostgresConnection({
    url: db.adminUrl,
    postgresOptions: { onnotice: () => undefined, types: { jsonb } },
  });
  stack.defer(() => connection.close());
  const auth = { enabled: true, publishable_key: publishableKey, secret_key: secretKey };
  const app = new App({ connection, auth });
  await app.ensureSystemSchema();
  await migrate({ url: db.adminUrl, log: silentLog });

  const url = stack.use(await serve((request) => app.fetch(request))).url;
  const opened = stack.move();
  return { url, db, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

// It hands arguments over as JSON texts, and its driver would encode those once more.
const jsonb = {
  to: 3802,
  from: [3802],
  serialize: (value: unknown): string =>
    typeof value === 'string' ? value : JSON.stringify(value),
  parse: (text: string): unknown => JSON.parse(text),
};

async function serve(
  answer: (request: Request) => Response | Promise<Response>,
): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const response = await answer(await requestOf(incoming));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.end(Buffer.from(await response.arrayBuffer()));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();

  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(Buffer.from(part));
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (typeof value === 'string') headers.set(name, value);
  }

  return new Request(`http://127.0.0.1${incoming.url}`, {
    method: incoming.method ?? 'GET',
    headers,
    body: parts.length > 0 ? Buffer.concat(parts) : null,
  });
}
