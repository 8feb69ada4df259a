// Keeps a task with a cost cap within it: the most that a model call may cost is set aside before the call is made.
import { orAborted } from '../core/abort.ts';
import type { Attempt } from './attempt.ts';
import { affordableTokens, costOf, type Price, priceOf } from './prices.ts';

/** A call as planned within the limits of the run alone. */
export type PlannedCall = {
  model: string;
  tokensIn: number;
  /** The shortest and the longest reply that the run alone could have. */
  leastOutputTokens: number;
  maxOutputTokens: number;
};

export type Reserved =
  | { type: 'granted'; maxOutputTokens: number }
  | { type: 'over'; detail: string }
  /** The run was taken away: nobody wants the call any more. */
  | { type: 'gone' };

// How long money that others have set aside is waited for before it is asked for again.
const pauseMs = 1_000;

/** Says how long the reply may be under the cap of the task; waits while other calls may turn out cheaper than feared. */
export async function reserveCost(attempt: Attempt, call: PlannedCall): Promise<Reserved> {
  const { clock, log, prices, run } = attempt.options;
  if (capOf(attempt) === undefined) return granted(call);

  const price = priceOf(prices, [call.model]);
  if (price === null) {
    const detail = `limits.max_cost_usd cannot be kept while the price of ${call.model} is unknown: set models.prices`;
    return { type: 'over', detail };
  }

  for (let waits = 0; ; waits += 1) {
    const answer = await request(attempt, {
      wantUsd: usdOf(price, call, call.maxOutputTokens),
      leastUsd: usdOf(price, call, call.leastOutputTokens),
    });

    switch (answer.answer) {
      case 'granted':
        return granted(call, affordableTokens(price, answer.usd, call.tokensIn));
      case 'lost':
      case 'cancelled':
        return { type: 'gone' };
      case 'spent':
        return { type: 'over', detail: detailOf(answer) };
      case 'wait':
        if (waits === 0) log.info('a run waits for money of its task', { runId: run.id });
        await clock.delay(pauseMs, attempt.signal);
    }
  }
}

/** Gives back what was set aside for a call that came to nothing. */
export async function releaseCost(attempt: Attempt): Promise<void> {
  if (capOf(attempt) !== undefined) await request(attempt, { wantUsd: 0, leastUsd: 0 });
}

/** US dollars for the whole task, all agents together; rules cost nothing and have no cap. */
function capOf({ options }: Attempt): number | undefined {
  return options.model.kind === 'offline' ? undefined : options.run.brief.limits?.max_cost_usd;
}

async function request(attempt: Attempt, usd: { wantUsd: number; leastUsd: number }) {
  const { reserve, run } = attempt.options;
  const call = { runId: run.id, attempt: run.attempt, seq: attempt.nextSeq, ...usd };

  return await orAborted(reserve(call), attempt.signal);
}

function granted(call: PlannedCall, outputTokens = Infinity): Reserved {
  return { type: 'granted', maxOutputTokens: Math.min(call.maxOutputTokens, outputTokens) };
}

function usdOf(price: Price, { tokensIn }: PlannedCall, tokensOut: number): number {
  return costOf(price, { tokensIn, tokensOut, tokensCached: 0 }) ?? 0;
}

function detailOf(costs: { capUsd: number; spentUsd: number; reservedUsd: number }): string {
  const { capUsd, spentUsd, reservedUsd } = costs;
  const aside = reservedUsd > 0 ? ` and ${dollars(reservedUsd)} set aside for calls under way` : '';

  return `the task may cost ${dollars(capUsd)} (limits.max_cost_usd): ${dollars(spentUsd)} spent${aside}`;
}

const dollars = (usd: number): string => `USD ${usd.toFixed(4)}`;
