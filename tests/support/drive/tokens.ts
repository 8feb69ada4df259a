// The fake Google's sign-in: consent in a browser, and tokens for codes, refresh tokens and signed assertions.
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';

import { z } from 'zod';

import { type Reply, tokenRefusal } from './reply.ts';

export const client = { clientId: 'client-1.apps.example', clientSecret: 'GOCSPX-client-secret-1' };
export const fileScope = 'https://www.googleapis.com/auth/drive.file';
export const driveScope = 'https://www.googleapis.com/auth/drive';

export type Tokens = {
  /** Answers the token endpoint. */
  grant(form: URLSearchParams): Reply;
  /** Answers the page where users consent: sends the browser back with a code, or as `consent` says. */
  authorise(query: URLSearchParams): Reply;
  /** What users do on the page. */
  consent: 'allow' | 'deny' | 'wrong_state' | 'untick' | 'no_refresh_token';
  /** The scope of an access token that is good; undefined for any other. */
  scopeOf(authorization: string | undefined): string | undefined;
  refreshTokens: Set<string>;
  /** Public keys (PEM) of service accounts, by address. */
  accounts: Map<string, string>;
  /** Makes all access tokens worthless. */
  dropAccessTokens(): void;
  /** Every secret given out so far. */
  secrets: Set<string>;
};

type Code = { challenge: string; redirectUri: string };

export function createTokens(): Tokens {
  const codes = new Map<string, Code>();
  const access = new Map<string, string>();
  const refreshTokens = new Set(['1//refresh-token-of-the-user']);
  const secrets = new Set([client.clientSecret, ...refreshTokens]);
  const fresh = (prefix: string): string => {
    const token = `${prefix}${randomBytes(24).toString('base64url')}`;
    secrets.add(token);
    return token;
  };
  const accessReply = (scope: string, more: Record<string, string> = {}): Reply => {
    const token = fresh('ya29.');
    access.set(token, scope);
    const body = { access_token: token, expires_in: 3_599, scope, token_type: 'Bearer', ...more };
    return { status: 200, body };
  };

  const tokens: Tokens = {
    consent: 'allow',
    refreshTokens,
    accounts: new Map(),
    secrets,
    scopeOf: (header) => access.get(/^Bearer (.+)$/.exec(header ?? '')?.[1] ?? ''),
    dropAccessTokens: () => access.clear(),
    authorise(query) {
      const problem = authFault(query);
      if (problem !== undefined) return { status: 400, body: problem };

      const back = new URL(query.get('redirect_uri') ?? '');
      const code = fresh('4/0A');
      codes.set(code, {
        challenge: query.get('code_challenge') ?? '',
        redirectUri: back.href,
      });
      const isDenied = tokens.consent === 'deny';
      back.searchParams.set(isDenied ? 'error' : 'code', isDenied ? 'access_denied' : code);
      const state = query.get('state') ?? '';
      // As long as the true one: only a comparison can tell.
      const isForged = tokens.consent === 'wrong_state';
      back.searchParams.set('state', isForged ? `${state.slice(1)}-` : state);
      return { status: 302, headers: { location: back.href } };
    },
    grant(form) {
      const type = form.get('grant_type');
      if (type === 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
        return assertionGrant(form, tokens.accounts) ?? accessReply(driveScope);
      }
      if (
        form.get('client_id') !== client.clientId ||
        form.get('client_secret') !== client.clientSecret
      ) {
        return tokenRefusal('invalid_client', 'The OAuth client was not found.', 401);
      }
      if (type === 'refresh_token') {
        if (refreshTokens.has(form.get('refresh_token') ?? '')) return accessReply(fileScope);
        return tokenRefusal('invalid_grant', 'Token has been expired or revoked.');
      }
      if (type !== 'authorization_code')
        return tokenRefusal('unsupported_grant_type', String(type));

      const problem = codeFault(form, codes);
      if (problem !== undefined) return tokenRefusal('invalid_grant', problem);
      if (tokens.consent === 'no_refresh_token') return accessReply(fileScope);
      const refreshToken = fresh('1//');
      refreshTokens.add(refreshToken);
      const scope = tokens.consent === 'untick' ? 'openid' : fileScope;
      return accessReply(scope, { refresh_token: refreshToken });
    },
  };
  return tokens;
}

const authParameters: Record<string, RegExp> = {
  client_id: new RegExp(`^${client.clientId}$`),
  redirect_uri: /^http:\/\/127\.0\.0\.1:\d+\/\w*$/,
  response_type: /^code$/,
  scope: new RegExp(`^${fileScope}$`),
  access_type: /^offline$/,
  prompt: /^consent$/,
  state: /^[\w-]{32,}$/,
  code_challenge: /^[\w-]{43}$/,
  code_challenge_method: /^S256$/,
};

function authFault(query: URLSearchParams): string | undefined {
  const wrong = Object.entries(authParameters).filter(
    ([key, rule]) => !rule.test(query.get(key) ?? ''),
  );
  const unknown = [...query.keys()].filter((key) => !(key in authParameters));
  const names = [...wrong.map(([key]) => key), ...unknown];

  return names.length === 0 ? undefined : `Error 400: invalid_request: ${names.join(', ')}`;
}

function codeFault(form: URLSearchParams, codes: Map<string, Code>): string | undefined {
  const code = codes.get(form.get('code') ?? '');
  codes.delete(form.get('code') ?? '');
  const verifier = form.get('code_verifier') ?? '';
  const challenge = createHash('sha256').update(verifier).digest('base64url');

  if (code === undefined) return 'Malformed auth code.';
  if (!/^[\w.~-]{43,128}$/.test(verifier)) return 'Invalid code verifier.';
  if (code.challenge !== challenge) return 'Invalid code verifier.';
  return code.redirectUri === form.get('redirect_uri') ? undefined : 'redirect_uri_mismatch';
}

const Claims = z.strictObject({
  iss: z.string(),
  scope: z.literal(driveScope),
  aud: z.literal('https://oauth2.googleapis.com/token'),
  exp: z.number(),
  iat: z.number(),
});

function assertionGrant(form: URLSearchParams, accounts: Map<string, string>): Reply | undefined {
  const [head = '', body = '', signature = ''] = (form.get('assertion') ?? '').split('.');
  const claims = Claims.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString() || '{}'));
  if (!claims.success)
    return tokenRefusal('invalid_request', 'The claims are not as they must be.');

  const { iss, exp, iat } = claims.data;
  const pem = accounts.get(iss);
  if (pem === undefined) return tokenRefusal('invalid_grant', 'Invalid grant: account not found');
  const isSigned = verify(
    'RSA-SHA256',
    Buffer.from(`${head}.${body}`),
    createPublicKey(pem),
    Buffer.from(signature, 'base64url'),
  );
  if (!isSigned) return tokenRefusal('invalid_grant', 'Invalid JWT Signature.');
  return exp - iat <= 3_600 ? undefined : tokenRefusal('invalid_grant', 'Invalid JWT: too long');
}
