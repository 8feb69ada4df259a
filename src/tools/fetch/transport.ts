// Makes one GET request over a vetted connection, with every cap applied, following nothing.
import { appError } from '../../core/errors.ts';
import { acceptedEncodings, type Body, readBody } from './body.ts';
import { type ConnectionRules, createVettedAgent } from './connection.ts';
import { parseTarget, type TargetRules } from './target.ts';

export type Get = { signal: AbortSignal; maxBytes: number; accept: string };

export type Response = Body & {
  status: number;
  /** Lower-case names; cookies left out. */
  headers: Record<string, string>;
  /** Where a redirect points, as sent. */
  location: string | null;
};

/** Sends nothing but these headers: no cookie, no referrer, no key. Throws whatever the connection throws. */
export type Transport = (url: URL, get: Get) => Promise<Response>;

const redirects = [301, 302, 303, 307, 308];

export function createTransport(userAgent: string, rules: ConnectionRules): Transport {
  return async (url, get) => {
    const agent = await createVettedAgent(rules);
    try {
      const { statusCode, headers, body } = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'GET',
        headers: {
          'user-agent': userAgent,
          accept: get.accept,
          'accept-encoding': acceptedEncodings,
        },
        signal: get.signal,
      });
      const kept = keptHeaders(headers);
      const location = redirects.includes(statusCode) ? (kept['location'] ?? null) : null;
      // Destroying the agent below fails a body that nobody read; that is no news.
      if (location !== null) body.on('error', () => {});
      const content =
        location === null
          ? await readBody(body, kept['content-encoding'], get.maxBytes)
          : { bytes: new Uint8Array(), truncated: false };

      return { status: statusCode, headers: kept, location, ...content };
    } finally {
      await agent.destroy();
    }
  };
}

export type Followed = { response: Response; finalUrl: URL; passed: string[] };

/** Fetches `start` by `hop`, following redirects by hand: each target is vetted like the first. */
export async function followRedirects(
  start: URL,
  rules: TargetRules & { maxRedirects: number },
  hop: (url: URL) => Promise<Response>,
): Promise<Followed> {
  const passed: string[] = [];
  let url = start;

  for (;;) {
    const response = await hop(url);
    if (response.location === null) return { response, finalUrl: url, passed };

    passed.push(url.href);
    if (passed.length > rules.maxRedirects) {
      throw appError('fetch_failed', {
        detail: `${start.hostname} redirects more than ${rules.maxRedirects} times: use the final address`,
        host: start.hostname,
      });
    }
    url = parseTarget(response.location, rules, url);
  }
}

function keptHeaders(headers: Record<string, string | string[] | undefined>) {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name === 'set-cookie') continue;
    kept[name] = Array.isArray(value) ? value.join(', ') : value;
  }

  return kept;
}
