// Carries the queue's calls to a Supabase project over HTTP: one request per call of a function.
import { createClient } from '@supabase/supabase-js';

import { appError } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import type { SqlFunction, Transport } from './functions.ts';
import { createExchanges, type Fetch } from './supabase/exchange.ts';
import { faultOf, garbled } from './supabase/faults.ts';
import { kindOf } from './supabase/key.ts';

export type SupabaseTransportOptions = {
  /** The project's address, such as `https://abcdefgh.supabase.co`. */
  url: string;
  /** The secret key. A legacy `service_role` key works, with one warning; any other throws `config_invalid`. */
  key: string;
  log: Log;
  fetch?: Fetch;
  /**
   * For one request, its answer included. Default 12 s: longer than the 8 s that Supabase gives a statement, and short
   * enough for a daemon to be back within 15 s after an outage that swallowed a call.
   */
  timeoutMs?: number;
};

const defaultTimeoutMs = 12_000;

/** Nothing is repeated here: whoever calls knows the claim id that makes a repeat harmless. */
export function createSupabaseTransport(options: SupabaseTransportOptions): Transport {
  const { url, key, timeoutMs = defaultTimeoutMs } = options;
  const { origin } = checkAddress(url);
  warn(options);
  const exchanges = createExchanges(options.fetch ?? fetch);
  const client = createClient(url, key, {
    // No session: the key alone says who calls.
    accessToken: () => Promise.resolve(null),
    global: { fetch: exchanges.fetch },
  });

  return {
    async call(target, args) {
      const signal = AbortSignal.timeout(timeoutMs);
      const exchange = exchanges.note(signal);
      const fault = { call: target.name, origin, key, timeoutMs };

      const { data, error } = await client
        .rpc(target.name, bodyOf(target, args))
        .abortSignal(signal);

      // The library takes some answers of 404 for good ones, and knows no status when the body breaks off.
      const isGood =
        exchange.status !== undefined && exchange.status >= 200 && exchange.status < 300;
      if (error === null && isGood) return data;
      throw isGood ? garbled(exchange, fault) : faultOf(error, exchange, fault);
    },
  };
}

// PostgREST finds a function by the names of its arguments: one that is left out makes it another function.
function bodyOf(target: SqlFunction<string, unknown>, args: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(target.args.map((argument) => [argument, args[argument] ?? null]));
}

function checkAddress(url: string): URL {
  const address = URL.parse(url);
  if (address !== null && /^https?:$/.test(address.protocol)) return address;

  throw appError('config_invalid', {
    detail: 'SUPABASE_URL is not an http or https address, such as https://abcdefgh.supabase.co',
  });
}

function warn({ url, key, log }: SupabaseTransportOptions): void {
  const { protocol, hostname } = new URL(url);
  if (kindOf(key) === 'legacy') {
    log.warn(
      'SUPABASE_SECRET_KEY is a legacy service_role key: replace it by a secret key (sb_secret_…)',
    );
  }
  if (protocol === 'http:' && !['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) {
    log.warn('SUPABASE_URL is not https: the key crosses the network in the clear', { hostname });
  }
}
