// Makers that the tests of the tools share: a fetch that may reach 127.0.0.1, and the signal of nobody.
import { systemClock } from '../../src/daemon/clock.ts';
import {
  createSafeFetch,
  type SafeFetch,
  type SafeFetchOptions,
} from '../../src/tools/safe-fetch.ts';

export const signal = new AbortController().signal;

/** A safe fetch for local servers: 127.0.0.1 and every port allowed, no pauses. */
export function localFetch(options: Partial<SafeFetchOptions> = {}): SafeFetch {
  return createSafeFetch({
    version: '1.2.3',
    clock: systemClock,
    allowAddress: (address) => address === '127.0.0.1',
    allowPort: () => true,
    ...options,
    limits: { spacingMs: 0, ...options.limits },
  });
}

/** A safe fetch as it is used in earnest: only public addresses, only ports 80 and 443. */
export function strictFetch(options: Partial<SafeFetchOptions> = {}): SafeFetch {
  return createSafeFetch({ version: '1.2.3', clock: systemClock, ...options });
}

export function decoded(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}
