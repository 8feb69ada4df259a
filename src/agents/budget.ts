// Decides before a model call whether the run can still afford it, and how long the reply may be.
import type { Message, Usage } from '../core/run.ts';
import type { ToolSpec } from '../core/ports.ts';
import { affordableTokens, type Price } from './prices.ts';

/** Limits of one whole run, all attempts together. */
export type Budget = { maxTokens: number; maxCostUsd: number };

export type Allowance =
  | { type: 'affordable'; maxOutputTokens: number }
  | { type: 'over'; detail: string };

type Plan = {
  budget: Budget;
  /** Usage of every call so far, earlier attempts included. */
  spent: Usage[];
  /** Estimated input tokens of the call to make. */
  tokensIn: number;
  maxOutputTokens: number;
  /** Null when unknown: then only what is known to be spent counts against the money. */
  price: Price | null;
};

// A reply shorter than this cannot hold an output: paying for it would be waste.
export const leastReplyTokens = 1_000;
// English text and JSON hold about four characters in a token.
const charsPerToken = 4;

/** Estimates tokens from the length of the JSON that is sent. */
export function estimateTokens(sent: { messages: Message[]; tools: ToolSpec[] }): number {
  return tokensOfText(JSON.stringify(sent));
}

export function tokensOfText(text: string): number {
  return Math.ceil(text.length / charsPerToken);
}

/** Says whether the next call fits, with the reply capped so that the whole call stays within the budget. */
export function allowanceOf(plan: Plan): Allowance {
  const least = Math.min(leastReplyTokens, plan.maxOutputTokens);
  const tokensLeft = plan.budget.maxTokens - tokensOf(plan.spent) - plan.tokensIn;
  if (tokensLeft < least) return over(plan, 'tokens');

  const affordable = affordableOutput(plan);
  if (affordable < least) return over(plan, 'cost');

  return {
    type: 'affordable',
    maxOutputTokens: Math.min(plan.maxOutputTokens, tokensLeft, affordable),
  };
}

function affordableOutput(plan: Plan): number {
  const usdLeft = plan.budget.maxCostUsd - knownCostOf(plan.spent);
  if (plan.price === null) return usdLeft > 0 ? Infinity : 0;

  return affordableTokens(plan.price, usdLeft, plan.tokensIn);
}

function tokensOf(spent: Usage[]): number {
  return spent.reduce((sum, usage) => sum + usage.tokensIn + usage.tokensOut, 0);
}

// A lower bound: calls of unknown price are left out, so that one of them does not lift the limit for the rest.
function knownCostOf(spent: Usage[]): number {
  return spent.reduce((sum, usage) => sum + (usage.costUsd ?? 0), 0);
}

function over(plan: Plan, what: 'tokens' | 'cost'): Allowance {
  const { budget, spent, tokensIn } = plan;
  const detail =
    what === 'tokens'
      ? `${tokensOf(spent)} tokens spent and about ${tokensIn} to send, of ${budget.maxTokens}`
      : `USD ${knownCostOf(spent).toFixed(4)} spent and about ${tokensIn} tokens to send, of USD ${budget.maxCostUsd}`;

  return {
    type: 'over',
    detail: `${detail}: raise limits.max_${what === 'cost' ? 'cost_usd' : what}`,
  };
}
