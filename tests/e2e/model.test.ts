// One agent on a language model over HTTP that behaves well, badly, or not at all.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

import { TaskView } from '../../src/core/queue.ts';
import type { TestDatabase } from '../support/cluster.ts';
import { type Home, temporaryHome } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { writeReply } from '../support/model-server.ts';
import { until } from '../support/until.ts';
import { readTaskFolder } from './folders.ts';
import { type ScriptedModel, startScriptedModel } from './scripted.ts';

let db: TestDatabase;
let model: ScriptedModel;
let home: Home;

beforeAll(async () => {
  db = await freshDatabase();
  model = await startScriptedModel();
  home = await temporaryHome({
    ...model.variables,
    DATABASE_URL: db.adminUrl,
    NIGHTSHIFT_RETRY_BASE_MS: '10',
    NIGHTSHIFT_RETRY_CAP_MS: '50',
  });
  await home.start({ args: ['--no-sample'] });
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

const text = 'Announce our refill subscription in spring.';
const Ended = z.object({ task: TaskView.omit({ brief: true }) });

/** Has Echo work on a task of that title; resolves once it has ended, however it did. */
async function work(title: string, ...args: string[]) {
  const submit = ['submit', title, text, '--agents', 'echo', ...args];
  const { stdout } = await home.run(...submit, '--watch', '--json');

  return Ended.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}')).task;
}

function callsFor(wanted: string): number {
  return model.calls().filter(({ title }) => title === wanted).length;
}

test('a run with tool calls succeeds, and its usage adds up', async () => {
  model.meet('Tools', ({ reply }) => reply(2));

  const task = await work('Tools');

  expect(task.runs).toMatchObject([{ status: 'complete', attempt: 1 }]);
  const usage = { calls: 3, tokensIn: 300, tokensOut: 60, costUsd: null, model: 'scripted-model' };
  expect(task.runs[0]?.usage).toMatchObject(usage);
  const { manifest } = await readTaskFolder(String(task.folderUrl));
  expect(manifest).toMatchObject({ failed_agents: [], task: { outcome: 'complete' } });
});

test('a 429 with Retry-After is waited for, and the run succeeds', async () => {
  model.meet('Slow down', ({ response, reply }) => {
    if (callsFor('Slow down') > 1) return reply();
    response.writeHead(429, { 'retry-after': '1' });
    response.end('{"error":{"message":"slow down"}}');
  });

  const task = await work('Slow down');

  expect(task).toMatchObject({ status: 'complete', runs: [{ tries: 1 }] });
  expect(callsFor('Slow down')).toBe(2);
});

test('a model that only fails ends the run after its tries, with the reason, and the folder is published', async () => {
  model.meet('On fire', ({ response }) => {
    response.writeHead(500, { 'content-type': 'application/json' });
    response.end('{"error":{"message":"the engine is on fire"}}');
  });

  const task = await work('On fire', '--max-retries', '1');

  expect(task).toMatchObject({ status: 'failed', failedAgents: ['echo'] });
  expect(task.runs).toMatchObject([{ status: 'failed', tries: 2 }]);
  expect(task.runs[0]?.error?.message).toContain('on fire');
  const { manifest, files } = await readTaskFolder(String(task.folderUrl));
  expect(manifest.failed_agents).toMatchObject([
    { agent: 'echo', reason: expect.stringContaining('on fire') },
  ]);
  expect(files).toEqual(['brief.md', 'index.html', 'manifest.json']);
});

test('a failed task can be retried once its model is well again', async () => {
  model.meet('Unwell', ({ response }) => void response.writeHead(500).end());
  const failed = await work('Unwell', '--max-retries', '0');
  model.meet('Unwell', ({ reply }) => reply());

  const answer = await home.json('retry', failed.id);
  const watched = await home.run('watch', failed.id);

  expect(failed.status).toBe('failed');
  expect(answer).toMatchObject({ task_id: failed.id, runs: 1 });
  expect(watched).toMatchObject({ code: 0, stderr: expect.stringContaining('is complete') });
  const { manifest } = await readTaskFolder(watched.stdout.trim().replace(/\/$/, ''));
  expect(manifest).toMatchObject({ published: true, failed_agents: [], task: { id: failed.id } });
  expect(manifest.files.length).toBeGreaterThan(1);
});

test('garbage is sent back twice and then fails the run with the exact reason', async () => {
  model.meet('Garbage', ({ response }) => writeReply(response, 'Here it is: {"headline": "Buy!"'));

  const task = await work('Garbage');

  expect(task).toMatchObject({ status: 'failed', runs: [{ error: { code: 'output_invalid' } }] });
  expect(task.runs[0]?.error?.message).toContain('never closes');
  expect(callsFor('Garbage')).toBe(3);
});

test('an address that is no model at all fails the run with words about the address', async () => {
  model.meet('A web site', ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>');
  });

  const task = await work('A web site', '--max-retries', '0');

  expect(task.status).toBe('failed');
  expect(task.runs[0]?.error?.message).toContain('OPENAI_BASE_URL');
});

test('cancel aborts the model call that hangs, and no other follows', async () => {
  const aborted = Promise.withResolvers<void>();
  model.meet('Hangs', ({ step, response, reply }) => {
    if (step === 1) reply(1);
    else response.once('close', () => aborted.resolve());
  });
  const submit = ['submit', 'Hangs', text, '--agents', 'echo'];
  const { id } = z.object({ id: z.string() }).parse(await home.json(...submit));
  await until(() => callsFor('Hangs') === 2);

  const cancelled = await home.json('cancel', id);

  expect(cancelled).toEqual({ task_id: id, status: 'cancelled' });
  await aborted.promise;
  // Another task goes through the same daemon: what the first still wanted, it would have asked for by then.
  expect(await work('Another')).toMatchObject({ status: 'complete' });
  expect(callsFor('Hangs')).toBe(2);
  const task = await home.json('status', id);
  expect(task).toMatchObject({ status: 'cancelled', runs: [{ status: 'cancelled' }] });
});
