// The Drive sink at work on a fake Google of its own, with a clock on which waiting takes no time.
import { generateKeyPairSync } from 'node:crypto';

import type { Clock, Log } from '../../../src/core/ports.ts';
import { systemClock } from '../../../src/daemon/clock.ts';
import { createDriveSink, type DriveOptions } from '../../../src/deliver/drive.ts';
import { parseServiceAccountKey } from '../../../src/deliver/drive/credentials.ts';
import type { SinkAtWork } from '../../contracts/sinks.ts';
import { type DriveServer, startDriveServer } from '../drive-server.ts';
import { client } from './tokens.ts';

export type DriveAtWork = SinkAtWork & {
  server: DriveServer;
  /** How long each wait before another try was. */
  waits: number[];
  /** Everything that was logged, as one text. */
  logged(): string;
  /** Another sink on the same Drive, as after a crash or on another machine. */
  another(more?: Partial<DriveOptions>): SinkAtWork['sink'];
};

export const oauth = {
  type: 'oauth' as const,
  ...client,
  refreshToken: '1//refresh-token-of-the-user',
};

export async function driveAtWork(more: Partial<DriveOptions> = {}): Promise<DriveAtWork> {
  const server = await startDriveServer();
  const waits: number[] = [];
  const lines: unknown[] = [];
  const log = logInto(lines);
  const another: DriveAtWork['another'] = (other = {}) =>
    createDriveSink({
      credentials: oauth,
      rootUrl: server.url,
      tokenUrl: server.tokenUrl,
      clock: hurriedClock(waits),
      log,
      ...more,
      ...other,
    });

  return {
    sink: another(),
    server,
    waits,
    logged: () => JSON.stringify(lines),
    another,
    shown: async () => server.shown(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A service account that the fake Google knows. */
export function serviceAccount(server: DriveServer) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const email = 'nightshift@project-1.iam.gserviceaccount.example';
  server.tokens.accounts.set(email, publicKey);
  const file = { type: 'service_account', client_email: email, private_key: privateKey };

  return {
    type: 'service_account' as const,
    key: parseServiceAccountKey(JSON.stringify(file)),
  };
}

/** Waits are noted and counted, and take no time. */
function hurriedClock(waits: number[]): Clock {
  let skippedMs = 0;

  return {
    now: () => systemClock.now() + skippedMs,
    monotonic: () => systemClock.monotonic() + skippedMs,
    async delay(ms, signal) {
      signal?.throwIfAborted();
      waits.push(ms);
      skippedMs += ms;
    },
  };
}

export function logInto(lines: unknown[]): Log {
  const write = (message: string, fields?: Record<string, unknown>): void =>
    void lines.push({ message, ...fields });

  return { debug: write, info: write, warn: write, error: write };
}
