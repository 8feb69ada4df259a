// Connects a Google account: the sign-in for desktop programs, with the browser's answer taken on this machine.
import { randomBytes, timingSafeEqual } from 'node:crypto';

import type { OAuth2Client } from 'google-auth-library';

import { type AppError, appError } from '../../core/errors.ts';
import { orAborted } from '../../core/abort.ts';
import { userScope } from './credentials.ts';
import { judge } from './faults.ts';
import { openLoopback } from './loopback.ts';
import { createRoute } from './route.ts';

export type ConnectOptions = {
  clientId: string;
  clientSecret: string;
  /** Shows the address to the user: opens a browser, or prints it. */
  openBrowser(url: string): void | Promise<void>;
  /** Default https://oauth2.googleapis.com/token. */
  tokenUrl?: string | undefined;
  /** Default https://accounts.google.com/o/oauth2/v2/auth. */
  authUrl?: string | undefined;
  /** How long the user has; default five minutes. */
  waitMs?: number;
  signal: AbortSignal;
};

const googleAuthUrl = 'https://accounts.google.com/o/oauth2/v2/auth';
const fiveMinutesMs = 300_000;

/** Rejects with `drive_not_connected`, which says why, or with the signal's reason. The token is the caller's to keep. */
export async function connectDrive(options: ConnectOptions): Promise<{ refreshToken: string }> {
  const { clientId, clientSecret, tokenUrl, authUrl = googleAuthUrl, signal } = options;
  signal.throwIfAborted();
  const { CodeChallengeMethod, OAuth2Client: Client } = await import('google-auth-library');
  await using loopback = await openLoopback();
  const client = new Client({
    clientId,
    clientSecret,
    redirectUri: loopback.address,
    endpoints: { oauth2AuthBaseUrl: authUrl },
    transporterOptions: { fetchImplementation: createRoute({ tokenUrl }) },
    useAuthRequestParameters: false,
  });
  const { codeVerifier, codeChallenge = '' } = await client.generateCodeVerifierAsync();
  const state = randomBytes(32).toString('base64url');

  await options.openBrowser(
    client.generateAuthUrl({
      access_type: 'offline',
      // Asked every time: Google gives a refresh token only along with a consent.
      prompt: 'consent',
      scope: userScope,
      state,
      code_challenge: codeChallenge,
      code_challenge_method: CodeChallengeMethod.S256,
    }),
  );
  const limit = AbortSignal.timeout(options.waitMs ?? fiveMinutesMs);
  const bounds = AbortSignal.any([signal, limit]);

  try {
    const refreshToken = await loopback.answer(bounds, async (query) => {
      const code = codeOf(query, state);
      return await orAborted(exchange(client, { code, codeVerifier, clientSecret }), bounds);
    });
    return { refreshToken };
  } catch (error) {
    signal.throwIfAborted();
    throw limit.aborted ? refusal('nobody answered in time: run the command again') : error;
  }
}

/** Throws what the browser brought instead of a code. */
function codeOf(query: URLSearchParams, state: string): string {
  const given = Buffer.from(query.get('state') ?? '');
  const expected = Buffer.from(state);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw refusal(
      'the answer does not belong to this sign-in (state mismatch): close old tabs and run the command again',
    );
  }

  const error = query.get('error');
  if (error === 'access_denied') {
    throw refusal(
      'access was denied in the browser (access_denied): run the command again to allow it',
    );
  }
  const code = query.get('code');
  if (error !== null || code === null || code === '') {
    throw refusal(`Google answered ${/^\w{1,60}$/.test(error ?? '') ? error : 'without a code'}`);
  }
  return code;
}

type Exchange = { code: string; codeVerifier: string; clientSecret: string };

async function exchange(
  client: OAuth2Client,
  { code, codeVerifier, clientSecret }: Exchange,
): Promise<string> {
  const { refresh_token: token, scope } = await client
    .getToken({ code, codeVerifier })
    .then(({ tokens }) => tokens)
    .catch((thrown: unknown) => {
      throw exchangeFault(thrown, [clientSecret, code, codeVerifier]);
    });

  if (scope !== undefined && !scope.split(' ').includes(userScope)) {
    throw refusal(
      'the access to Drive was not ticked in the browser: run the command again, and tick it',
    );
  }
  if (!token) {
    throw refusal(
      'Google gave no refresh token: remove Nightshift at https://myaccount.google.com/connections, then run the command again',
    );
  }
  return token;
}

function exchangeFault(thrown: unknown, secrets: string[]): AppError {
  const { error } = judge(thrown, { account: 'oauth', call: 'token', secrets });
  const isOldCode = error.facts['reason'] === 'invalid_grant';

  return refusal(
    isOldCode ? 'the code had expired (invalid_grant): run the command again' : error.message,
  );
}

function refusal(detail: string): AppError {
  return appError('drive_not_connected', { detail });
}
