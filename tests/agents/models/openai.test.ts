// The language model adapter against servers that are well-behaved, or odd in a way that must be borne.
import { expect, test } from 'vitest';

import { startModelServer, startRawServer, writeEvents } from '../../support/model-server.ts';
import { openAIModel, requestOf } from '../fixtures.ts';

test('streams the text and answers with the message and its usage', async () => {
  const pieces: string[] = [];
  const text = 'The quick brown fox jumps over the lazy dog.';
  await using server = await startModelServer({
    content: text,
    usage: { prompt_tokens: 1_000, completion_tokens: 200 },
  });

  const reply = await openAIModel(server.url).reply(
    requestOf({ onText: (piece) => pieces.push(piece) }),
  );

  expect(reply.message).toMatchObject({ role: 'assistant', content: text });
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.join('')).toBe(text);
  expect(reply.usage).toMatchObject({ calls: 1, tokensIn: 1_000, tokensOut: 200 });
});

test('counts the cost by the price list, cached input at its own price', async () => {
  const usage = {
    prompt_tokens: 1_000,
    completion_tokens: 200,
    prompt_tokens_details: { cached_tokens: 600 },
  };
  await using server = await startRawServer((response) => {
    writeEvents(response, [
      { choices: [{ delta: { content: 'Hi' }, finish_reason: 'stop' }], usage },
      '[DONE]',
    ]);
    response.end();
  });
  const prices = { 'main-model': { input: 2, output: 10, cached: 0.5 } };

  const reply = await openAIModel(server.url, { prices }).reply(requestOf());

  expect(reply.usage.tokensCached).toBe(600);
  expect(reply.usage.costUsd).toBeCloseTo((400 * 2 + 600 * 0.5 + 200 * 10) / 1e6);
});

test('leaves the cost of an unknown price unknown', async () => {
  await using server = await startModelServer({ content: 'Hi' });

  const reply = await openAIModel(server.url, { prices: { other: { input: 1, output: 1 } } }).reply(
    requestOf(),
  );

  expect(reply.usage.costUsd).toBeNull();
});

test('estimates tokens and leaves the cost unknown when the provider sends no usage', async () => {
  await using server = await startRawServer((response) => {
    writeEvents(response, [
      { choices: [{ delta: { content: 'x'.repeat(400) } }] },
      { choices: [{ delta: {}, finish_reason: 'stop' }] },
      '[DONE]',
    ]);
    response.end();
  });
  const prices = { 'main-model': { input: 1, output: 1 } };

  const reply = await openAIModel(server.url, { prices }).reply(requestOf());

  expect(reply.usage).toMatchObject({ tokensOut: 100, costUsd: null });
  expect(reply.usage.tokensIn).toBeGreaterThan(0);
});

test('reads chunks as Gemini sends them and keeps what it wants back', async () => {
  const signature = { google: { thought_signature: 'sig-1' } };
  const call = (id: string, extra: object) => ({
    ...extra,
    id,
    type: 'function',
    function: { name: 'measure', arguments: `{"url":"${id}"}` },
  });
  await using server = await startRawServer((response) => {
    writeEvents(response, [
      { choices: [{ delta: { tool_calls: [call('one', { extra_content: signature })] } }] },
      { choices: [{ delta: { tool_calls: [call('two', { index: 0 })] } }] },
      {
        choices: [{ delta: { tool_calls: [call('three', { index: 0 })] }, finish_reason: 'stop' }],
      },
      { usage: { prompt_tokens: 5, completion_tokens: 5 } },
    ]);
    response.end('data: [DONE]\n\n');
  });

  const { message } = await openAIModel(server.url).reply(requestOf());

  expect(message).toMatchObject({ role: 'assistant', content: null });
  expect(message.tool_calls).toEqual([
    call('one', { extra_content: signature }),
    call('two', {}),
    call('three', {}),
  ]);
});

test('joins the pieces of calls by index, and names calls that have no id', async () => {
  const piece = (index: number, called: object) => ({
    choices: [{ delta: { reasoning_content: 'hm', tool_calls: [{ index, function: called }] } }],
  });
  await using server = await startRawServer((response) => {
    writeEvents(response, [
      piece(0, { name: 'measure', arguments: '{"url"' }),
      piece(1, { name: 'measure', arguments: '' }),
      piece(0, { arguments: ':"a"}' }),
      piece(1, { arguments: '{"url":"b"}' }),
      { choices: [{ delta: {}, finish_reason: 'tool_calls' }] },
      '[DONE]',
    ]);
    response.end();
  });

  const { message } = await openAIModel(server.url).reply(requestOf());

  expect(message).toMatchObject({
    reasoning_content: 'hmhmhmhm',
    tool_calls: [
      { id: expect.stringMatching(/^call_/), function: { arguments: '{"url":"a"}' } },
      { id: expect.stringMatching(/^call_/), function: { arguments: '{"url":"b"}' } },
    ],
  });
});

test('sends past messages with unknown fields, but no arguments that cannot be parsed', async () => {
  await using server = await startModelServer({ content: 'Hi' });
  const call = {
    id: 'a',
    type: 'function',
    extra_content: { x: 1 },
    function: { name: 'measure', arguments: '{"u' },
  };
  const messages = [
    { role: 'user' as const, content: 'Hello' },
    { role: 'assistant' as const, content: null, tool_calls: [call] },
    { role: 'tool' as const, tool_call_id: 'a', content: '{}' },
  ];

  await openAIModel(server.url).reply(requestOf({ messages }));

  const sent = server.requests()[0]?.messages[1];
  expect(sent?.tool_calls).toEqual([{ ...call, function: { name: 'measure', arguments: '{}' } }]);
});
