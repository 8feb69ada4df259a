// Turns text from outside into an address worth connecting to, or refuses it with the reason.
import { isIP } from 'node:net';

import { appError } from '../../core/errors.ts';
import { addressRefusal, type AllowAddress } from './address.ts';

export type TargetRules = { allowAddress: AllowAddress; allowPort: (port: number) => boolean };

const maxLength = 2_048;
const bareHost = /^[a-z0-9-]+(\.[a-z0-9-]+)+(\/|$)/i;

/** The host of an address without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

/**
 * Parses an address and applies every rule that needs no DNS. `base` is where a redirect came from.
 * Throws `address_refused`. A bare host such as `example.com` is read as `https://example.com`.
 */
export function parseTarget(text: string, rules: TargetRules, base?: URL): URL {
  const url = parse(text.trim(), base);
  const refusal = url === null ? 'it is no web address' : refusalOf(url, rules);
  if (url === null || refusal !== null) {
    throw appError('address_refused', {
      detail: `${refusal}. Use a public page such as https://example.com/`,
      ...(url === null ? {} : { host: url.hostname }),
    });
  }
  url.hash = '';

  return url;
}

function parse(text: string, base: URL | undefined): URL | null {
  if (text.length > maxLength) return null;
  if (base !== undefined) return URL.parse(text, base.href);

  return URL.parse(bareHost.test(text) ? `https://${text}` : text);
}

function refusalOf(url: URL, rules: TargetRules): string | null {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return `only http and https are fetched, not ${url.protocol}`;
  }
  if (url.username !== '' || url.password !== '') return 'it holds a user name or password';
  if (url.hostname === '') return 'it names no host';
  if (!rules.allowPort(portOf(url))) return `port ${portOf(url)} is not a port of web pages`;

  const host = hostOf(url);
  if (isIP(host) === 0) return null;
  const refusal = addressRefusal(host, rules.allowAddress);

  return refusal === null ? null : `${host} is ${refusal}`;
}
