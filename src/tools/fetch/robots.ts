// Honours robots.txt as RFC 9309 says, remembering each site's rules for a while.
import robotsModule from 'robots-parser';
import { z } from 'zod';

import { type AppError, appError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports.ts';
import { fetchFailure } from './failure.ts';
import { untilAborted } from './host-gate.ts';
import type { Response } from './transport.ts';

export type Robots = {
  /**
   * Milliseconds that the site wants between requests, when the page may be read. Throws `address_refused`
   * when it may not, `fetch_failed` when the site does not say, which must be read as a no.
   */
  check(url: URL, signal: AbortSignal): Promise<{ spacingMs: number }>;
};

type Rules =
  | { type: 'open' }
  | { type: 'listed'; isAllowed(url: string): boolean; spacingMs: number }
  | { type: 'unknown'; error: AppError };

type Remembered = { rules: Promise<Rules>; untilMs: number };

/** RFC 9309 asks parsers for at least this much. */
export const maxRobotsBytes = 500 * 1_024;

const rememberMs = 3_600_000;
const rememberFailureMs = 60_000;
const maxSites = 500;
const maxLineLength = 2_000;
/** Matching costs the length of all wildcard rules times that of the path: this much is still quick. */
const maxWildcardLength = 64_000;
const maxSpacingMs = 5_000;

/** `read` fetches a robots.txt within its own time limit, redirects followed. */
export function createRobots(
  product: string,
  read: (url: URL) => Promise<Response>,
  clock: Clock,
): Robots {
  const sites = new Map<string, Remembered>();

  return {
    async check(url, signal) {
      const rules = await untilAborted(rulesOf(url.origin), signal);

      switch (rules.type) {
        case 'open':
          return { spacingMs: 0 };
        case 'unknown':
          throw rules.error;
        case 'listed':
          if (!rules.isAllowed(url.href)) throw disallowed(url);
          return { spacingMs: rules.spacingMs };
      }
    },
  };

  function rulesOf(origin: string): Promise<Rules> {
    const known = sites.get(origin);
    if (known !== undefined && known.untilMs > clock.monotonic()) return known.rules;

    sites.delete(origin);
    const [oldest] = sites.keys();
    if (sites.size >= maxSites && oldest !== undefined) sites.delete(oldest);

    const remembered = { rules: readRules(origin), untilMs: clock.monotonic() + rememberMs };
    sites.set(origin, remembered);
    void remembered.rules.then((rules) => {
      if (rules.type === 'unknown') remembered.untilMs = clock.monotonic() + rememberFailureMs;
    });

    return remembered.rules;
  }

  async function readRules(origin: string): Promise<Rules> {
    const url = new URL('/robots.txt', origin);
    try {
      const { status, bytes } = await read(url);
      if (status >= 500) return { type: 'unknown', error: unsaid(url, status) };
      if (status >= 400) return { type: 'open' };

      return listed(url, product, new TextDecoder().decode(bytes));
    } catch (error) {
      return { type: 'unknown', error: fetchFailure(error, url.hostname) };
    }
  }
}

// The package's types put its one function a level deeper than Node does.
const robotsParser = z
  .custom<typeof robotsModule.default>((value) => typeof value === 'function')
  .parse(robotsModule);

function listed(url: URL, product: string, text: string): Rules {
  // Rules this long are no paths, only work for the matcher.
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line.length <= maxLineLength);
  const wildcards = lines.filter((line) => line.includes('*'));
  if (wildcards.join('').length > maxWildcardLength)
    return { type: 'unknown', error: endless(url) };

  const robot = robotsParser(url.href, lines.join('\n'));
  const delayMs = Math.max(0, (robot.getCrawlDelay(product) ?? 0) * 1_000);

  return {
    type: 'listed',
    isAllowed: (address) => robot.isAllowed(address, product) !== false,
    spacingMs: Math.min(delayMs, maxSpacingMs),
  };
}

function disallowed(url: URL): AppError {
  return appError('address_refused', {
    detail: `robots.txt of ${url.hostname} keeps robots away from this page. Use another page, or ask the client for its text`,
    host: url.hostname,
  });
}

function endless(url: URL): AppError {
  return appError('address_refused', {
    detail: `robots.txt of ${url.hostname} has more rules than can be followed. Use another site`,
    host: url.hostname,
  });
}

function unsaid(url: URL, status: number): AppError {
  return appError('fetch_failed', {
    detail: `robots.txt of ${url.hostname} answers ${status}, which must be read as "keep out": try later`,
    host: url.hostname,
    status,
  });
}
