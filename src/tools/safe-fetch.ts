// The one door to the web for addresses that come from outside: vetted, bounded, polite.
import type { Clock } from '../core/ports.ts';
import { resolveByDns, type Resolve } from './fetch/connection.ts';
import { fetchFailure, tooSlow } from './fetch/failure.ts';
import { createHostGate } from './fetch/host-gate.ts';
import { createRobots, maxRobotsBytes } from './fetch/robots.ts';
import { parseTarget, portOf } from './fetch/target.ts';
import { createTransport, type Followed, followRedirects } from './fetch/transport.ts';

export type SafeFetchOptions = {
  /** Our version, for the user agent. */
  version: string;
  clock: Clock;
  /**
   * Lets loopback and private addresses through; default: none. DANGEROUS: with it, whoever writes a page or a
   * brief can make us read servers of the local network. Set in code or by the setting `fetch.allow_private`,
   * never from what a model or a page says. Link-local and metadata addresses stay closed whatever it says.
   */
  allowAddress?: (address: string) => boolean;
  /** Ports beside 80 and 443 that may be connected to; default: none. */
  allowPort?: (port: number) => boolean;
  /** Default: the system's resolver. */
  resolve?: Resolve;
  limits?: Partial<FetchLimits>;
};

export type FetchLimits = {
  /** Size of an unpacked body; what is beyond is cut off. Default 2 MB. */
  maxBytes: number;
  /** Time of one fetch in all: robots.txt, waiting for its turn, redirects, body. Default 30 s. */
  timeoutMs: number;
  connectMs: number;
  headersMs: number;
  /** Longest silence within a body. */
  idleMs: number;
  robotsMs: number;
  maxRedirects: number;
  /** Requests at once to one host. */
  perHost: number;
  /** Least time between the starts of two requests to one host; a site's crawl-delay can raise it to 5 s. */
  spacingMs: number;
};

export type FetchRequest = {
  signal: AbortSignal;
  maxBytes?: number;
  timeoutMs?: number;
  accept?: string;
};

export type FetchedPage = {
  url: string;
  finalUrl: string;
  /** The addresses that redirected, in order. */
  redirects: string[];
  status: number;
  /** Lower-case names; cookies left out. */
  headers: Record<string, string>;
  /** Lower case, without parameters; empty when the server did not say. */
  contentType: string;
  /** Unpacked. */
  body: Uint8Array;
  /** True when the body was longer than `maxBytes`. */
  truncated: boolean;
  /** ISO 8601. */
  retrievedAt: string;
};

/**
 * Fetches a page by GET. Any status is an answer, 404 too. Throws AppError `address_refused` or `fetch_failed`
 * with a text that says what to do, or the reason of `signal` once that aborts.
 */
export type SafeFetch = (url: string, request: FetchRequest) => Promise<FetchedPage>;

const product = 'NightshiftBot';

const defaults: FetchLimits = {
  maxBytes: 2_000_000,
  timeoutMs: 30_000,
  connectMs: 10_000,
  headersMs: 15_000,
  idleMs: 10_000,
  robotsMs: 15_000,
  maxRedirects: 5,
  perHost: 2,
  spacingMs: 250,
};

export function createSafeFetch(options: SafeFetchOptions): SafeFetch {
  const limits = { ...defaults, ...options.limits };
  const allowAddress = options.allowAddress ?? (() => false);
  const targetRules = {
    allowAddress,
    allowPort: (port: number) => port === 80 || port === 443 || options.allowPort?.(port) === true,
    maxRedirects: limits.maxRedirects,
  };
  const userAgent = `${product}/${options.version} (reads public pages for marketing reports; honours robots.txt)`;
  const transport = createTransport(userAgent, {
    ...limits,
    allowAddress,
    resolve: options.resolve ?? resolveByDns,
  });
  const gate = createHostGate(limits.perHost, options.clock);
  const robots = createRobots(product, readRobots, options.clock);

  return async (text, request) => {
    const url = parseTarget(text, targetRules);
    const timeoutMs = request.timeoutMs ?? limits.timeoutMs;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([request.signal, timeout]);
    let host = url.hostname;

    try {
      const followed = await followRedirects(url, targetRules, async (target) => {
        host = target.hostname;
        const { spacingMs } = await robots.check(target, signal);
        const get = {
          signal,
          accept: request.accept ?? '*/*',
          maxBytes: request.maxBytes ?? limits.maxBytes,
        };
        const turn = { signal, spacingMs: Math.max(spacingMs, limits.spacingMs) };

        return await gate.pass(hostKey(target), turn, () => transport(target, get));
      });
      return fetchedPage(url, followed, options.clock);
    } catch (error) {
      request.signal.throwIfAborted();
      throw timeout.aborted ? tooSlow(host, timeoutMs) : fetchFailure(error, host);
    }
  };

  async function readRobots(url: URL) {
    const signal = AbortSignal.timeout(limits.robotsMs);
    const get = { signal, accept: 'text/plain', maxBytes: maxRobotsBytes };
    const turn = { signal, spacingMs: 0 };
    const followed = await followRedirects(url, targetRules, (target) =>
      gate.pass(hostKey(target), turn, () => transport(target, get)),
    );

    return followed.response;
  }
}

function hostKey(url: URL): string {
  return `${url.hostname}:${portOf(url)}`;
}

function fetchedPage(url: URL, followed: Followed, clock: Clock): FetchedPage {
  const { response, finalUrl, passed } = followed;
  const [contentType = ''] = (response.headers['content-type'] ?? '').split(';');

  return {
    url: url.href,
    finalUrl: finalUrl.href,
    redirects: passed,
    status: response.status,
    headers: response.headers,
    contentType: contentType.trim().toLowerCase(),
    body: response.bytes,
    truncated: response.truncated,
    retrievedAt: new Date(clock.now()).toISOString(),
  };
}
