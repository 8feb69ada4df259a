// What really went over the wire for one call: the client library keeps part of it to itself.

/** The HTTP answer to one request, as far as there was one. */
export type Exchange = {
  /** Undefined until the head of an answer came. */
  status?: number;
  retryAfterMs?: number;
  /** Why the request failed before an answer came. */
  failure?: unknown;
};

export type Fetch = typeof fetch;

export type Exchanges = {
  /** A fetch that takes notes. */
  fetch: Fetch;
  /** Begins the notes on the request that carries this signal. */
  note(signal: AbortSignal): Exchange;
};

const longestRetryAfterMs = 3_600_000;

export function createExchanges(send: Fetch): Exchanges {
  const noted = new WeakMap<AbortSignal, Exchange>();

  return {
    note(signal) {
      const exchange: Exchange = {};
      noted.set(signal, exchange);
      return exchange;
    },

    async fetch(input, init) {
      const exchange = (init?.signal && noted.get(init.signal)) ?? {};

      try {
        // A redirect would carry the key to wherever it points.
        const response = await send(input, { ...init, redirect: 'error' });
        exchange.status = response.status;
        const retryAfterMs = readRetryAfter(response.headers.get('retry-after'));
        if (retryAfterMs !== undefined) exchange.retryAfterMs = retryAfterMs;
        return response;
      } catch (error) {
        exchange.failure = error;
        throw error;
      }
    },
  };
}

// Seconds, or a date: then measured from now by this machine's clock, which is all there is to measure with.
function readRetryAfter(text: string | null): number | undefined {
  if (text === null || text.trim() === '') return undefined;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - Date.now();

  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), longestRetryAfterMs) : undefined;
}
