// The cost cap of a task as an agent meets it: what is asked for before a call, and what becomes of the answer.
import { expect, test } from 'vitest';

import { type RunAgentOptions, runAgent } from '../../src/agents/loop.ts';
import type { CostRequest, CostReservation } from '../../src/core/run.ts';
import { openAIModel, optionsFor, run, validText } from './fixtures.ts';
import { startModelServer } from '../support/model-server.ts';

const prices = { 'main-model': { input: 1, output: 100 } };
const capped = { ...run, brief: { ...run.brief, limits: { max_cost_usd: 1 } } };

test('asks for no more than the longest reply costs, and cuts the reply to what is granted', async () => {
  await using server = await startModelServer({ content: validText });
  const till = tillWith({ answer: 'granted', usd: 0.15 });

  const outcome = await runAgent(cappedOptions(server.url, till));

  const [asked] = till.requests;
  const most = server.requests()[0]?.max_tokens;
  expect(outcome.type).toBe('complete');
  expect(asked).toMatchObject({ runId: run.id, attempt: run.attempt, seq: 1 });
  expect(asked?.leastUsd).toBeLessThan(asked?.wantUsd ?? 0);
  // USD 0.15 at 100 a million pays for 1,500 tokens, less what the question costs.
  expect(most).toBeGreaterThan(1_400);
  expect(most).toBeLessThan(1_500);
});

test('waits while calls under way hold the money, then goes on', async () => {
  await using server = await startModelServer({ content: validText });
  const till = tillWith(
    { answer: 'wait', capUsd: 1, spentUsd: 0, reservedUsd: 1 },
    { answer: 'granted', usd: 1 },
  );

  const outcome = await runAgent(cappedOptions(server.url, till));

  expect(outcome.type).toBe('complete');
  expect(till.requests).toHaveLength(2);
});

test('ends without a call when the money of the task is spent, and says which setting says so', async () => {
  await using server = await startModelServer({ content: validText });
  const till = tillWith({ answer: 'spent', capUsd: 1, spentUsd: 0.9, reservedUsd: 0 });

  const outcome = await runAgent(cappedOptions(server.url, till));

  expect(server.requests()).toHaveLength(0);
  expect(outcome).toMatchObject({
    type: 'fail',
    error: { code: 'over_budget', message: expect.stringContaining('limits.max_cost_usd') },
  });
});

test('makes no call whose price nobody knows: a cap could not be kept', async () => {
  await using server = await startModelServer({ content: validText });
  const till = tillWith({ answer: 'granted', usd: 1 });

  const outcome = await runAgent({ ...cappedOptions(server.url, till), prices: {} });

  expect(server.requests()).toHaveLength(0);
  expect(outcome).toMatchObject({
    type: 'fail',
    error: { message: expect.stringContaining('set models.prices') },
  });
});

test('gives the money back when the model could not be reached', async () => {
  const nobody = 'http://127.0.0.1:9/v1';
  const till = tillWith({ answer: 'granted', usd: 1 });

  const outcome = await runAgent(cappedOptions(nobody, till));

  expect(outcome.type).toBe('retry');
  expect(till.requests.map(({ wantUsd }) => wantUsd > 0)).toEqual([true, false]);
});

test('hands the run back when it was taken away meanwhile', async () => {
  await using server = await startModelServer({ content: validText });

  const outcome = await runAgent(cappedOptions(server.url, tillWith({ answer: 'lost' })));

  expect(server.requests()).toHaveLength(0);
  expect(outcome).toEqual({ type: 'release' });
});

type Till = Pick<RunAgentOptions, 'reserve'> & { requests: CostRequest[] };

/** Stands where the database would: keeps the requests and gives these answers in turn, the last one for ever. */
function tillWith(...answers: [CostReservation, ...CostReservation[]]): Till {
  const requests: CostRequest[] = [];

  return {
    requests,
    async reserve(request) {
      requests.push(request);
      return answers[requests.length - 1] ?? answers[0];
    },
  };
}

function cappedOptions(url: string, { reserve }: Till): RunAgentOptions {
  return optionsFor(url, { run: capped, model: openAIModel(url, { prices }), prices, reserve });
}
