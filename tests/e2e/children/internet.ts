// Preloaded into a spawned daemon (`--import`), it puts an internet of the test's own around it: names are resolved
// from a table, and connections to public addresses end at local servers. What the daemon itself decides stays as it is.
import type { LookupAddress } from 'node:dns';
import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';

import { z } from 'zod';

const Internet = z.object({
  /** Host names and their addresses; every other name is not found. */
  names: z.record(z.string(), z.string()),
  /** `address:port` and the local port where its connections end. */
  routes: z.record(z.string(), z.number()),
});

const closedPort = 1;

type Connect = (request: unknown, address: string, port: number) => number;
const Binding = z.object({ TCP: z.custom<{ prototype: { connect: Connect } }>(Boolean) });

const { names, routes } = Internet.parse(JSON.parse(process.env.TEST_INTERNET ?? '{}'));

async function lookup(host: string): Promise<LookupAddress[]> {
  const address = names[host];
  if (address !== undefined) return [{ address, family: 4 }];
  throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
}

Reflect.set(dns, 'lookup', lookup);
syncBuiltinESMExports();

// The last step before the system: nothing that vets addresses comes after it.
const bind: unknown = Reflect.get(process, 'binding');
const { TCP } = Binding.parse(typeof bind === 'function' ? bind.call(process, 'tcp_wrap') : null);
const connect: Connect = Reflect.get(TCP.prototype, 'connect');

TCP.prototype.connect = function reroute(request, address, port) {
  const local = routes[`${address}:${port}`];
  if (local !== undefined) return connect.call(this, request, '127.0.0.1', local);
  if (address === '127.0.0.1') return connect.call(this, request, address, port);

  // Nothing listens there: no test reaches the internet outside.
  return connect.call(this, request, '127.0.0.1', closedPort);
};
