// The one seam to Google: every request, for tokens, calls and uploads, leaves through here and only to known places.
import { appError } from '../../core/errors.ts';

export type Addresses = {
  /** Where the API and its uploads are; default https://www.googleapis.com. */
  rootUrl?: string | undefined;
  /** Where tokens are given out; default https://oauth2.googleapis.com/token. */
  tokenUrl?: string | undefined;
};

export const googleRootUrl = 'https://www.googleapis.com';
export const googleTokenUrl = 'https://oauth2.googleapis.com/token';

/** Bounds requests that come without a signal of their own, as those for tokens do. */
const unsignalledMs = 30_000;

/**
 * A `fetch` that sends Google's addresses to the given ones, refuses all others, and follows no redirect:
 * whatever a reply says, tokens go nowhere else.
 */
export function createRoute({ rootUrl, tokenUrl }: Addresses): typeof fetch {
  const root = new URL(rootUrl ?? googleRootUrl);
  const token = new URL(tokenUrl ?? googleTokenUrl);

  return async (input, init) => {
    const target = targetOf(new URL(input instanceof Request ? input.url : input), root, token);
    const signal = init?.signal ?? AbortSignal.timeout(unsignalledMs);

    return await fetch(target, { ...init, signal, redirect: 'manual' });
  };
}

function targetOf(url: URL, root: URL, token: URL): URL {
  if (url.href === googleTokenUrl || url.href === token.href) return token;
  // An upload goes on at the address that the reply to its start names.
  if (url.origin === root.origin) return url;
  if (url.origin === googleRootUrl) {
    return new URL(`${root.href.replace(/\/$/, '')}${url.pathname}${url.search}`);
  }

  throw appError('drive_refused', {
    detail: `a reply leads to ${url.origin}, which is not Google`,
  });
}
