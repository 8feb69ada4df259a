// How a run ends early, and how it goes on later: cancel, shutdown, time, budget, faults, recorded steps.
import { expect, test } from 'vitest';

import { runAgent } from '../../src/agents/loop.ts';
import type { RecordedStep } from '../../src/core/run.ts';
import {
  startModelServer,
  startRawServer,
  writeEvents,
  writeReply,
} from '../support/model-server.ts';
import {
  definition,
  keptLog,
  measureTool,
  openAIModel,
  optionsFor,
  outputWith,
  realClock,
  recorder,
  run,
  validText,
} from './fixtures.ts';

const usage = {
  calls: 1,
  tokensIn: 50,
  tokensOut: 5,
  tokensCached: 0,
  costUsd: 0.5,
  model: 'main-model',
};
const askedForTool: RecordedStep = {
  seq: 1,
  usage,
  messages: [
    {
      role: 'assistant',
      content: 'Measuring.',
      tool_calls: [
        {
          id: 'a',
          type: 'function',
          function: { name: 'measure', arguments: '{"url":"https://one.example"}' },
          extra_content: { google: { thought_signature: 'sig' } },
        },
      ],
    },
  ],
};

test('resumes after a recorded tool call: calls the tool, not the model, again', async () => {
  const calls: unknown[] = [];
  const kept = recorder();
  await using server = await startModelServer({ content: validText });

  const outcome = await runAgent(
    optionsFor(server.url, {
      run: { ...run, attempt: 2, steps: [askedForTool] },
      tools: [measureTool(calls)],
      record: kept.record,
    }),
  );

  expect(calls).toEqual([{ url: 'https://one.example' }]);
  expect(server.requests()).toHaveLength(1);
  expect(server.requests()[0]?.messages[2]).toMatchObject(askedForTool.messages[0] ?? {});
  expect(kept.steps).toMatchObject([{ attempt: 2, seq: 2, messages: [{ role: 'tool' }, {}] }]);
  expect(outcome).toMatchObject({ type: 'complete', usage: { calls: 2, costUsd: null } });
});

test('resumes after a recorded answer without any model call', async () => {
  await using server = await startModelServer();
  const messages = [{ role: 'assistant' as const, content: validText }];

  const outcome = await runAgent(
    optionsFor(server.url, { run: { ...run, steps: [{ seq: 1, usage, messages }] } }),
  );

  expect(server.requests()).toHaveLength(0);
  expect(outcome).toMatchObject({ type: 'complete', usage: { calls: 1, costUsd: 0.5 } });
});

test('counts the repairs of earlier attempts', async () => {
  await using server = await startModelServer({ content: validText });
  const bad = { role: 'assistant' as const, content: outputWith({ score: 11 }) };
  const asked = { role: 'user' as const, content: 'Your output did not pass.' };
  const steps = [
    { seq: 1, usage, messages: [bad] },
    { seq: 2, usage, messages: [asked, bad] },
    { seq: 3, usage, messages: [asked, bad] },
  ];

  const outcome = await runAgent(optionsFor(server.url, { run: { ...run, steps } }));

  expect(server.requests()).toHaveLength(0);
  expect(outcome).toMatchObject({ type: 'fail', error: { code: 'output_invalid' } });
});

test.each(['cancelled', 'lost'] as const)(
  'makes no further call once a step is %s',
  async (answer) => {
    const calls: unknown[] = [];
    const toolCalls = [{ id: 'a', name: 'measure', arguments: '{"url":"x"}' }];
    await using server = await startModelServer({ toolCalls }, { content: validText });

    const outcome = await runAgent(
      optionsFor(server.url, { record: recorder(answer).record, tools: [measureTool(calls)] }),
    );

    expect(outcome).toEqual({ type: 'release' });
    expect(server.requests()).toHaveLength(1);
    expect(calls).toHaveLength(0);
  },
);

test('goes on while steps cannot be recorded and sends them again unchanged, in order', async () => {
  const kept = recorder(new Error('database away'));
  const toolCalls = [{ id: 'a', name: 'measure', arguments: '{"url":"x"}' }];
  await using server = await startModelServer({ toolCalls }, { content: validText });

  const outcome = await runAgent(optionsFor(server.url, { record: kept.record }));

  expect(outcome.type).toBe('complete');
  expect(kept.steps.map((step) => [step.seq, step.messages.length])).toEqual([
    [1, 1],
    [2, 2],
  ]);
});

test('releases the run when its signal aborts during a model call', async () => {
  const stop = new AbortController();
  await using server = await startRawServer(() => stop.abort(new Error('shutdown')));

  const outcome = await runAgent(optionsFor(server.url, { signal: stop.signal }));

  expect(outcome).toEqual({ type: 'release' });
});

test('releases the run when its signal aborts during a tool that does not listen', async () => {
  const stop = new AbortController();
  const deaf = measureTool();
  deaf.run = () => {
    stop.abort();
    return new Promise(() => {});
  };
  const toolCalls = [{ id: 'a', name: 'measure', arguments: '{}' }];
  await using server = await startModelServer({ toolCalls });

  const outcome = await runAgent(optionsFor(server.url, { signal: stop.signal, tools: [deaf] }));

  expect(outcome).toEqual({ type: 'release' });
});

test('fails with run_timeout when the attempt is out of time', async () => {
  let timeIsUp = () => {};
  const clock = {
    ...realClock,
    delay: () => new Promise<void>((resolve) => (timeIsUp = () => resolve())),
  };
  await using server = await startRawServer(() => timeIsUp());

  const outcome = await runAgent(optionsFor(server.url, { clock }));

  expect(outcome).toMatchObject({ type: 'fail', error: { code: 'run_timeout', retriable: false } });
});

test.each([
  {
    name: 'tokens of the agent',
    limits: { max_tokens: 1_200 },
    maxCostUsd: 99,
    says: 'max_tokens',
  },
  { name: 'money of the brief', limits: {}, maxCostUsd: 0.4, says: 'max_cost_usd' },
])('stops before a call that is over the budget: $name', async ({ limits, maxCostUsd, says }) => {
  await using server = await startModelServer({ content: validText });

  const outcome = await runAgent(
    optionsFor(server.url, {
      definition: { ...definition, limits: { ...definition.limits, ...limits } },
      run: {
        ...run,
        steps: [askedForTool],
        brief: { ...run.brief, limits: { max_cost_usd: maxCostUsd } },
      },
    }),
  );

  expect(server.requests()).toHaveLength(0);
  expect(outcome).toMatchObject({
    type: 'fail',
    error: { code: 'over_budget', message: expect.stringContaining(says) },
    usage: { calls: 1 },
  });
});

test('shortens the reply to what the budget still pays for', async () => {
  await using server = await startModelServer({ content: validText });
  const prices = { 'main-model': { input: 0, output: 100 } };

  await runAgent(optionsFor(server.url, { prices, budget: { maxCostUsd: 0.5 } }));

  expect(server.requests()[0]?.max_tokens).toBe(5_000);
});

test('turns to the fallback models in their order, and stays with the one that answers', async () => {
  const log = keptLog();
  await using server = await startRawServer((response, count) => {
    if (count === 1) response.writeHead(500).end('{"error":{"message":"broken"}}');
    else if (count === 2) response.writeHead(404).end('{"error":{"message":"no such model"}}');
    else writeReply(response, count === 3 ? 'no JSON' : validText);
  });
  const fallbacks = { ...definition, fallback_models: ['second', 'third'] };

  const outcome = await runAgent(optionsFor(server.url, { definition: fallbacks, log }));

  const models = server.requests().map((request) => request.model);
  expect(models).toEqual(['main-model', 'second', 'third', 'third']);
  expect(outcome).toMatchObject({ type: 'complete', usage: { calls: 2, tokensIn: 200 } });
  expect(log.lines.join('\n')).toContain('model_unavailable');
});

test.each([
  {
    status: 429,
    headers: { 'retry-after': '90' },
    outcome: { type: 'retry', retryAfterMs: 90_000 },
  },
  { status: 500, headers: {}, outcome: { type: 'retry' } },
  { status: 401, headers: {}, outcome: { type: 'fail', error: { code: 'model_refused' } } },
])(
  'ends with $outcome.type when the provider says $status',
  async ({ status, headers, outcome }) => {
    await using server = await startRawServer((response) =>
      response.writeHead(status, headers).end('{"error":{"message":"no"}}'),
    );

    const ended = await runAgent(optionsFor(server.url));

    expect(ended).toMatchObject(outcome);
    expect(server.requests()).toHaveLength(1);
  },
);

test('asks for the default model by its configured name', async () => {
  await using server = await startModelServer({ content: validText });

  await runAgent(
    optionsFor(server.url, {
      definition: { ...definition, model: 'default' },
      defaultModel: 'house-model',
      model: openAIModel(server.url),
    }),
  );

  expect(server.requests()[0]?.model).toBe('house-model');
});

test('counts a reply of no use in the outcome, and in a step for the next attempt', async () => {
  const kept = recorder();
  await using server = await startRawServer((response) => {
    writeEvents(response, [{ choices: [{ delta: { content: 'x'.repeat(400) } }] }]);
    response.end();
  });

  const outcome = await runAgent(optionsFor(server.url, { record: kept.record }));

  const counted = { calls: 1, tokensOut: 100, costUsd: null };
  expect(outcome).toMatchObject({ type: 'retry', usage: counted });
  expect(kept.steps).toMatchObject([{ seq: 1, messages: [], usage: counted }]);
});

test('goes on after a reply of no use of an earlier attempt, which the budget remembers', async () => {
  await using server = await startModelServer({ content: validText });
  const useless: RecordedStep = { seq: 1, messages: [], usage: { ...usage, costUsd: null } };

  const outcome = await runAgent(
    optionsFor(server.url, { run: { ...run, attempt: 2, steps: [useless] } }),
  );

  expect(outcome).toMatchObject({ type: 'complete', usage: { calls: 2, costUsd: null } });
});

test('counts a reply that the deadline cut off', async () => {
  await using server = await startRawServer((response) => {
    writeEvents(response, [{ choices: [{ delta: { content: 'x'.repeat(400) } }] }]);
  });
  const reached = Promise.withResolvers<void>();

  const outcome = await runAgent(
    optionsFor(server.url, {
      clock: { ...realClock, delay: () => reached.promise },
      onText: () => reached.resolve(),
    }),
  );

  expect(outcome).toMatchObject({
    error: { code: 'run_timeout' },
    usage: { calls: 1, tokensOut: 100, costUsd: null },
  });
});
