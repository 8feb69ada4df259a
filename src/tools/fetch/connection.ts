// Opens connections to vetted addresses only: the address that was vetted is the one connected to.
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';

import type { Agent, buildConnector } from 'undici';

import { appError, messageOf } from '../../core/errors.ts';
import { addressRefusal, type AllowAddress } from './address.ts';

export type Answer = { address: string; family: number };

/** Resolves a host name to all its addresses. */
export type Resolve = (host: string) => Promise<Answer[]>;

export type ConnectionRules = {
  allowAddress: AllowAddress;
  resolve: Resolve;
  connectMs: number;
  headersMs: number;
  idleMs: number;
};

export const resolveByDns: Resolve = (host) => lookup(host, { all: true });

/** An agent for one fetch; `destroy` it afterwards. Connecting fails with `address_refused`. */
export async function createVettedAgent(rules: ConnectionRules): Promise<Agent> {
  const undici = await loadUndici();
  const connectTo = undici.buildConnector({
    timeout: rules.connectMs,
    lookup: vettedLookup(rules),
  });
  const connect: buildConnector.connector = (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    // Node asks no lookup about literal addresses.
    const refusal = isIP(host) === 0 ? null : addressRefusal(host, rules.allowAddress);

    if (refusal === null) connectTo(options, callback);
    else callback(refused(host, refusal), null);
  };

  return new undici.Agent({
    connect,
    connections: 1,
    headersTimeout: rules.headersMs,
    bodyTimeout: rules.idleMs,
    maxHeaderSize: 32_768,
  });
}

async function loadUndici() {
  // Reading `Headers` makes Node load its own fetch first: otherwise undici's import would put its agent under
  // Node's fetch, which other parts use and which may be of another version.
  void globalThis.Headers;

  return await import('undici');
}

function vettedLookup(rules: ConnectionRules): LookupFunction {
  return (host, options, callback) => {
    void answer(host);

    async function answer(name: string): Promise<void> {
      try {
        const answers = await vetted(name, rules);
        if (options.all === true) callback(null, answers);
        else callback(null, answers[0].address, answers[0].family);
      } catch (error) {
        callback(error instanceof Error ? error : new Error(messageOf(error)), []);
      }
    }
  };
}

/** All addresses of a host. One that is not public condemns them all: mixed answers are an attack. */
async function vetted(host: string, rules: ConnectionRules): Promise<[Answer, ...Answer[]]> {
  const [first, ...others] = await rules.resolve(host);
  if (first === undefined) {
    throw appError('fetch_failed', { detail: `${host} has no address: check the spelling`, host });
  }

  for (const { address } of [first, ...others]) {
    const refusal = addressRefusal(address, rules.allowAddress);
    if (refusal !== null) throw refused(host, refusal);
  }

  return [first, ...others];
}

function refused(host: string, refusal: string): Error {
  return appError('address_refused', {
    detail: `${host} is ${refusal}. Use a page on the public internet`,
    host,
  });
}
