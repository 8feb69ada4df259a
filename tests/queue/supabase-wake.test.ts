// Hearing of tasks over Realtime: every change is told, drops are mended, and nothing that arrives does harm.
import { createClient } from '@supabase/supabase-js';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

import type { Log } from '../../src/core/ports.ts';
import type { Wake } from '../../src/core/queue.ts';
import { systemClock } from '../../src/daemon/clock.ts';
import { listenSupabase } from '../../src/queue/supabase-wake.ts';
import { silentLog } from '../support/cluster.ts';
import { secretKey } from '../support/postgrest-server.ts';
import { type RealtimeServer, startRealtime } from '../support/realtime-server.ts';
import { until } from '../support/until.ts';

test('a new task wakes, and a cancelled one is named', async () => {
  await using server = await startRealtime();
  await using ear = listenTo(server);
  await until(() => ear.connections() === 1);
  const id = crypto.randomUUID();

  server.change('INSERT', { id, status: 'pending' });
  server.change('UPDATE', { id, status: 'running' });
  server.change('UPDATE', { id, status: 'cancelled' });
  server.change('UPDATE', { id, status: 'pending' });

  await until(() => ear.wakes.length === 3);
  expect(ear.wakes).toEqual([{ type: 'due' }, { type: 'cancelled', taskId: id }, { type: 'due' }]);
});

test('joins again after each drop, and says so', async () => {
  await using server = await startRealtime();
  await using ear = listenTo(server);

  for (let drops = 0; drops < 3; drops += 1) {
    await until(() => ear.connections() === drops + 1);
    server.drop();
  }
  await until(() => ear.connections() === 4);
  server.change('INSERT', {});

  await until(() => ear.wakes.length === 1);
  expect(server.joins).toHaveLength(4);
});

test.each(['refused', 'silence'] as const)('tries again when the join meets %s', async (answer) => {
  await using server = await startRealtime();
  server.answerJoinsWith(answer);
  await using ear = listenTo(server);
  await until(() => server.asked() === 1);
  expect(ear.connections()).toBe(0);

  server.answerJoinsWith('ok');
  // Nobody waits for the time limit of a join here: what is silent is dropped.
  server.drop();

  await until(() => ear.connections() === 1);
});

test('joins again when the channel is closed and the connection stays', async () => {
  await using server = await startRealtime();
  await using ear = listenTo(server);
  await until(() => ear.connections() === 1);

  server.closeChannels();

  await until(() => ear.connections() === 2);
  expect(server.open()).toBe(1);
});

test('looks again when changes begin to flow later than the join is answered', async () => {
  await using server = await startRealtime();
  server.answerJoinsWith('late');

  await using ear = listenTo(server);

  await until(() => ear.connections() === 2);
  expect(server.joins).toHaveLength(1);
});

test('what cannot be read is passed over', async () => {
  await using server = await startRealtime();
  await using ear = listenTo(server);
  await until(() => ear.connections() === 1);

  for (const text of [
    '',
    'null',
    '<html>',
    '[1]',
    '["1",null,"realtime:nightshift","phx_reply",null]',
  ]) {
    server.babble(text);
  }
  server.babble('["1",null,"realtime:nightshift","postgres_changes",{"ids":[1],"data":null}]');
  server.change('INSERT', {});

  await until(() => ear.wakes.length === 1);
  expect(ear.connections()).toBe(1);
});

test('comes back when the server is away from the start, and names the reason once, without the key', async () => {
  const taken = await startRealtime();
  const port = Number(new URL(taken.url).port);
  await taken[Symbol.asyncDispose]();
  await using ear = listenTo(taken);
  await until(() => ear.lines.length > 0);

  await using server = await startRealtime(port);
  await until(() => ear.connections() === 1);

  expect(server.joins).toHaveLength(1);
  expect(ear.lines.filter((line) => line.includes('wake-ups are off'))).toHaveLength(1);
  expect(ear.lines.join()).toContain('ECONNREFUSED');
  expect(ear.lines.join()).not.toContain(secretKey);
});

test('a key that is not taken is a reason, not a crash', async () => {
  await using server = await startRealtime();

  await using ear = listenTo(server, `${secretKey}-of-another-project`);

  await until(() => ear.lines.length > 0);
  expect(ear.lines.join()).toContain('401');
  expect(ear.lines.join()).not.toContain('of-another-project');
});

test('ends at once, even while the server hangs, and lets the process end', async () => {
  await using server = await startRealtime();
  const child = fileURLToPath(new URL('children/supabase-wake.ts', import.meta.url));
  const running = promisify(execFile)(process.execPath, [child, server.url, secretKey], {
    timeout: 20_000,
  });
  await until(() => server.joins.length === 1);
  server.freeze();
  server.change('INSERT', {});

  const { stdout } = await running;

  expect(stdout).toBe('woken\ndisposed\n');
});

test('the server of these tests is one that supabase-js understands', async () => {
  await using server = await startRealtime();
  const client = createClient(server.url, secretKey, { auth: { persistSession: false } });
  const heard: unknown[] = [];
  client
    .channel('any')
    .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'tasks' }, (change) => {
      heard.push(change.new);
    })
    .subscribe();
  await until(() => server.joins.length === 1);

  server.change('INSERT', { id: 'one' });

  await until(() => heard.length === 1);
  expect(heard).toEqual([{ id: 'one' }]);
  expect(server.joins[0]?.subscriptions).toHaveLength(1);
  void client.removeAllChannels();
});

/** Listens, and keeps what was heard and logged. */
function listenTo(server: RealtimeServer, key = secretKey) {
  const wakes: Wake[] = [];
  const lines: string[] = [];
  const keep = (...line: unknown[]): void => void lines.push(JSON.stringify(line));
  const log: Log = { ...silentLog, info: keep, warn: keep, error: keep };
  let connections = 0;
  const listening = listenSupabase(
    { url: server.url, key, workerId: crypto.randomUUID(), log, clock: systemClock },
    { wake: (wake) => void wakes.push(wake), connected: () => void (connections += 1) },
  );

  return {
    wakes,
    lines,
    connections: () => connections,
    [Symbol.asyncDispose]: () => Promise.resolve(listening[Symbol.asyncDispose]()),
  };
}
