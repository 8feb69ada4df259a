// What a model's tokens cost, by the configuration's price list.
import type { Usage } from '../core/run.ts';

/** US dollars per million tokens. `cached` is the price of input read from the provider's cache. */
export type Price = { input: number; output: number; cached?: number | undefined };

/** Prices by model name. A model that is not listed has an unknown price, which is never taken for 0. */
export type Prices = Record<string, Price>;

type Tokens = Pick<Usage, 'tokensIn' | 'tokensOut' | 'tokensCached'>;

/** The price of the first name that is listed: providers answer with dated names of what was asked for. */
export function priceOf(prices: Prices, names: (string | null)[]): Price | null {
  const listed = names.find((name) => name !== null && Object.hasOwn(prices, name));

  return listed === undefined || listed === null ? null : (prices[listed] ?? null);
}

/** US dollars of one call, or null when the price is unknown. */
export function costOf(price: Price | null, tokens: Tokens): number | null {
  if (price === null) return null;

  const cached = Math.min(tokens.tokensCached, tokens.tokensIn);
  const fresh = tokens.tokensIn - cached;
  const cachedPrice = price.cached ?? price.input;

  return (fresh * price.input + cached * cachedPrice + tokens.tokensOut * price.output) / 1e6;
}

/** How many tokens of reply some US dollars pay for, the question paid first; 0 when they do not even pay for that. */
export function affordableTokens(price: Price, usd: number, tokensIn: number): number {
  const usdForReply = usd - (tokensIn * price.input) / 1e6;
  if (usdForReply < 0) return 0;

  return price.output === 0 ? Infinity : Math.floor((usdForReply * 1e6) / price.output);
}
