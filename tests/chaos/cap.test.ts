// No task spends more than its cap plus one call, however greedy its model is and however often its worker is killed.
import type { ServerResponse } from 'node:http';

import { expect, test } from 'vitest';
import { z } from 'zod';

import { temporaryHome } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { startRawServer, writeEvents } from '../support/model-server.ts';
import { until } from '../support/until.ts';
import { randomOf, scaled, seed } from './support/scale.ts';

const price = { input: 1, output: 10 };
const capUsd = 0.5;
const tasks = scaled(2, 20);
const kills = scaled(2, 20);

test(`a task of seven greedy agents stays within its cap (seed ${seed})`, async () => {
  await using db = await freshDatabase();
  await using model = await startGreedyModel();
  await using home = await temporaryHome({
    DATABASE_URL: db.adminUrl,
    OPENAI_BASE_URL: model.url,
    OPENAI_API_KEY: 'test-0123456789abcdef',
    NIGHTSHIFT_MODELS_DEFAULT: 'greedy-model',
    NIGHTSHIFT_MODELS_PRICES: JSON.stringify({ 'greedy-model': price }),
    NIGHTSHIFT_RETRY_BASE_MS: '50',
  });
  const random = randomOf(seed);
  let daemon = await home.start({ args: ['--no-sample'] });
  await db.sql(submission);

  for (let kill = 1; kill <= kills; kill += 1) {
    const before = model.bills().length;
    const more = Math.ceil(random() * 5);
    await until(async () => model.bills().length >= before + more || (await allEnded()));
    await daemon.murder();
    daemon = await home.start();
  }
  await until(allEnded, { boundMs: 120_000 });

  const ended = await db.sql(`select distinct status, error ->> 'code' as code from agent_runs`);
  expect(ended).toContainEqual({ status: 'failed', code: 'over_budget' });
  for (const { title, spent, dearest } of model.totals()) {
    expect({ title, isWithin: spent <= capUsd + dearest, spent }).toMatchObject({ isWithin: true });
    // The money is there to be spent: a cap that stops everything would hold as well.
    expect(spent).toBeGreaterThan(capUsd / 10);
  }
  expect(await daemon.stop()).toBe(0);

  async function allEnded(): Promise<boolean> {
    const [row] = await db.sql(
      `select count(*)::integer as open from tasks where completed_at is null`,
    );
    return row?.['open'] === 0;
  }
}, 240_000);

const submission = `
  insert into tasks (title, description, brief, max_retries)
  select 'Task ' || number, 'Announce our refill subscription in spring.',
    jsonb_build_object('limits', jsonb_build_object('max_cost_usd', ${capUsd})), 20
  from generate_series(1, ${tasks}) as number`;

const Request = z.looseObject({
  messages: z.array(z.unknown()),
  max_tokens: z.number().optional(),
  max_completion_tokens: z.number().optional(),
});
type Bill = { title: string; usd: number };

/** A model that uses every token it may, and never comes to an end: it always wants one page more. */
async function startGreedyModel() {
  const bills: Bill[] = [];
  const server = await startRawServer((response, count) => {
    const request = Request.parse(server.requests()[count - 1]);
    const text = JSON.stringify(request.messages);
    const tokensIn = Math.ceil(text.length / 4);
    const tokensOut = Math.min(
      2_000,
      request.max_completion_tokens ?? request.max_tokens ?? Infinity,
    );
    const [title = ''] = /Task \d+/.exec(text) ?? [];
    const usd = (tokensIn * price.input + tokensOut * price.output) / 1e6;
    // Billed when it arrives: whether the answer was heard is no concern of a provider.
    bills.push({ title, usd });
    answer(response, { count, tokensIn, tokensOut });
  });

  return {
    url: server.url,
    bills: () => bills,
    totals: () =>
      Object.entries(Object.groupBy(bills, ({ title }) => title)).map(([title, own = []]) => ({
        title,
        spent: own.reduce((sum, { usd }) => sum + usd, 0),
        dearest: Math.max(...own.map(({ usd }) => usd)),
      })),
    [Symbol.asyncDispose]: server[Symbol.asyncDispose],
  };
}

function answer(
  response: ServerResponse,
  { count, tokensIn, tokensOut }: { count: number; tokensIn: number; tokensOut: number },
): void {
  const call = {
    index: 0,
    id: `call_${count}`,
    type: 'function',
    function: { name: 'fetch_page', arguments: JSON.stringify({ url: 'http://127.0.0.1:9/' }) },
  };
  writeEvents(response, [
    {
      model: 'greedy-model',
      choices: [{ index: 0, delta: { role: 'assistant', tool_calls: [call] } }],
    },
    { model: 'greedy-model', choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
    { choices: [], usage: { prompt_tokens: tokensIn, completion_tokens: tokensOut } },
    '[DONE]',
  ]);
  response.end();
}
