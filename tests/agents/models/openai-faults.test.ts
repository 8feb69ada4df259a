// The language model adapter against servers that are busy, slow, broken or hostile.
import { expect, test } from 'vitest';

import {
  startModelServer,
  startRawServer,
  writeEvents,
  writeReply,
} from '../../support/model-server.ts';
import { key, openAIModel, requestOf } from '../fixtures.ts';

test('waits as long as a short Retry-After says and tries again', async () => {
  await using server = await startRawServer((response, count) => {
    if (count > 1) writeReply(response, 'Hi');
    else
      response.writeHead(429, { 'retry-after-ms': '5' }).end('{"error":{"message":"slow down"}}');
  });

  const { message } = await openAIModel(server.url, { maxRetries: 1 }).reply(requestOf());

  expect(message.content).toBe('Hi');
  expect(server.requests()).toHaveLength(2);
});

test('tries again after a 500 of a well-behaved server', async () => {
  await using server = await startModelServer({ content: 'Hi' });
  server.mock.nextRequestError(500, { message: 'broken' });

  const { message } = await openAIModel(server.url, { maxRetries: 1 }).reply(requestOf());

  expect(message.content).toBe('Hi');
});

test('hands a long Retry-After on at once', async () => {
  await using server = await startModelServer({
    error: { message: 'quota' },
    status: 429,
    retryAfter: 3_600,
  });

  const failure = openAIModel(server.url, { maxRetries: 5 }).reply(requestOf());

  await expect(failure).rejects.toMatchObject({
    code: 'model_rate_limited',
    facts: { retryAfterMs: 3_600_000 },
  });
  expect(server.requests()).toHaveLength(1);
});

test('reads the delay and the reason from the body of a Gemini error', async () => {
  const error = { code: 429, message: 'Quota exceeded', details: [{ retryDelay: '61.5s' }] };
  await using server = await startRawServer((response) =>
    response.writeHead(429).end(JSON.stringify([{ error }])),
  );

  const failure = openAIModel(server.url, { maxRetries: 5 }).reply(requestOf());

  await expect(failure).rejects.toMatchObject({
    code: 'model_rate_limited',
    message: expect.stringContaining('Quota exceeded'),
    facts: { retryAfterMs: 61_500 },
  });
});

test.each([
  { status: 500, code: 'model_unavailable', body: {} },
  { status: 529, code: 'model_unavailable', body: {} },
  { status: 400, code: 'model_refused', body: { message: 'too long' } },
  { status: 403, code: 'model_refused', body: { message: 'no' } },
  { status: 429, code: 'model_refused', body: { message: 'pay', code: 'insufficient_quota' } },
])('calls a $status with $body $code', async ({ status, code, body }) => {
  await using server = await startRawServer((response) =>
    response.writeHead(status).end(JSON.stringify({ error: body })),
  );

  const failure = openAIModel(server.url).reply(requestOf());

  await expect(failure).rejects.toMatchObject({ code });
});

test.each([
  { status: 404, message: 'model "x" not found, try pulling it first', unknownModel: true },
  { status: 400, message: 'x is not a valid model ID', unknownModel: true },
  { status: 400, message: 'context too long', unknownModel: false },
])(
  'tells an unknown model from other refusals: $message',
  async ({ status, message, unknownModel }) => {
    await using server = await startRawServer((response) =>
      response.writeHead(status).end(JSON.stringify({ error: { message } })),
    );

    const failure = openAIModel(server.url).reply(requestOf());

    await expect(failure).rejects.toMatchObject({ code: 'model_refused', facts: { unknownModel } });
  },
);

test.each([
  { name: 'never answers', events: null },
  {
    name: 'stops in the middle of a stream',
    events: [{ choices: [{ delta: { content: 'Hel' } }] }],
  },
])('gives up on a server that $name', async ({ events }) => {
  await using server = await startRawServer((response) => {
    if (events !== null) writeEvents(response, events);
  });

  const failure = openAIModel(server.url, {
    connectTimeoutMs: 300,
    idleTimeoutMs: 300,
    maxRetries: 3,
  }).reply(requestOf());

  await expect(failure).rejects.toMatchObject({ code: 'model_unavailable' });
  expect(server.requests()).toHaveLength(1);
});

test('gives up on a server that only drips comments', async () => {
  await using server = await startRawServer((response) => {
    writeEvents(response, []);
    const drip = setInterval(() => response.write(': still here\n\n'), 10);
    response.on('close', () => clearInterval(drip));
  });

  const failure = openAIModel(server.url, { idleTimeoutMs: 60 }).reply(requestOf());

  await expect(failure).rejects.toMatchObject({ code: 'model_unavailable' });
});

test('says so when the stream is cut', async () => {
  await using server = await startModelServer();
  server.mock.clearFixtures();
  server.mock.on({}, { content: 'x'.repeat(500) }, { truncateAfterChunks: 3 });

  const failure = openAIModel(server.url).reply(requestOf());

  await expect(failure).rejects.toMatchObject({ code: 'model_unavailable' });
});

const hello = { choices: [{ delta: { content: 'Hel' } }] };

test.each([
  { name: 'a stream that ends early', events: [hello, '[DONE]'], code: 'model_unavailable' },
  { name: 'broken JSON', events: [hello, '{"choices": [{'], code: 'model_garbled' },
  { name: 'events of another form', events: [{ choices: 'none' }], code: 'model_garbled' },
  {
    name: 'an empty reply',
    events: [{ choices: [{ delta: {}, finish_reason: 'stop' }] }],
    code: 'model_garbled',
  },
  {
    name: 'an error event',
    events: [hello, { error: { message: 'overloaded' } }],
    code: 'model_unavailable',
  },
  {
    name: 'a limit as an event',
    events: [{ error: { code: 429, message: 'slow' } }],
    code: 'model_rate_limited',
  },
])('calls $name $code', async ({ events, code }) => {
  await using server = await startRawServer((response) => {
    writeEvents(response, events);
    response.end();
  });

  const failure = openAIModel(server.url).reply(requestOf());

  await expect(failure).rejects.toMatchObject({ code });
});

test.each([
  { name: 'ends early', events: [hello, '[DONE]'] },
  { name: 'breaks', events: [hello, '{"choices": [{'] },
  { name: 'breaks at once', events: ['{"choices": [{'] },
  { name: 'changes its form', events: [hello, { choices: 'none' }] },
  { name: 'ends in an error', events: [hello, { error: { message: 'overloaded' } }] },
  { name: 'falls silent', events: [hello], end: false },
])('counts a reply that $name, at a cost that nobody knows', async ({ events, end = true }) => {
  await using server = await startRawServer((response) => {
    writeEvents(response, events);
    if (end) response.end();
  });

  const failure = openAIModel(server.url, {
    idleTimeoutMs: 200,
    prices: { 'main-model': { input: 1, output: 1 } },
  }).reply(requestOf());

  await expect(failure).rejects.toMatchObject({
    facts: { usage: { calls: 1, tokensIn: expect.any(Number), costUsd: null } },
  });
});

test('counts nothing where no reply began', async () => {
  await using server = await startRawServer((response) => {
    writeEvents(response, [{ error: { code: 429, message: 'slow' } }]);
    response.end();
  });

  const failure = openAIModel(server.url).reply(requestOf());

  await expect(failure).rejects.toMatchObject({
    facts: expect.not.objectContaining({ usage: expect.anything() }),
  });
});

test('calls a page that is no stream garbled, and names the setting to look at', async () => {
  await using server = await startRawServer((response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome</html>'),
  );

  const failure = openAIModel(server.url).reply(requestOf());

  await expect(failure).rejects.toMatchObject({
    code: 'model_garbled',
    message: expect.stringContaining('OPENAI_BASE_URL'),
  });
});

test('stops reading a reply that never ends', async () => {
  await using server = await startRawServer((response) => {
    const more = () => {
      writeEvents(response, [{ choices: [{ delta: { content: 'x'.repeat(10_000) } }] }]);
      if (!response.destroyed) setImmediate(more);
    };
    more();
  });

  const failure = openAIModel(server.url).reply(requestOf());

  await expect(failure).rejects.toMatchObject({
    code: 'model_garbled',
    message: expect.stringContaining('64000'),
  });
});

test('never lets the key into an error', async () => {
  const echo = `Incorrect API key provided: ${key}. Authorization: Bearer ${key}, also sk-sec***3456`;
  await using server = await startRawServer((response) =>
    response.writeHead(401).end(JSON.stringify({ error: { message: echo } })),
  );

  const failure: unknown = await openAIModel(server.url)
    .reply(requestOf())
    .catch((error: unknown) => error);

  const all = JSON.stringify(failure, Object.getOwnPropertyNames(failure)) + String(failure);
  expect(all).toContain('Incorrect API key');
  expect(all).not.toContain('sk-sec');
});

test('rejects with the reason of the abort', async () => {
  const stop = new AbortController();
  await using server = await startRawServer(() => stop.abort(new Error('cancelled')));

  const failure = openAIModel(server.url, { maxRetries: 3 }).reply(
    requestOf({ signal: stop.signal }),
  );

  await expect(failure).rejects.toThrow('cancelled');
  expect(server.requests()).toHaveLength(1);
});

test('does not wait out a pause once aborted', async () => {
  const stop = new AbortController();
  await using server = await startRawServer((response) => {
    response.writeHead(429, { 'retry-after': '29' }).end('{}');
    response.on('close', () => stop.abort(new Error('cancelled')));
  });

  const failure = openAIModel(server.url, { maxRetries: 3 }).reply(
    requestOf({ signal: stop.signal }),
  );

  await expect(failure).rejects.toThrow('cancelled');
});

test('is unavailable where nothing listens', async () => {
  const failure = openAIModel('http://127.0.0.1:1/v1').reply(requestOf());

  await expect(failure).rejects.toMatchObject({
    code: 'model_unavailable',
    message: expect.stringMatching(/ECONNREFUSED|bad port/),
  });
});
