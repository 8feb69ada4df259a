// Checks of Google Drive: whether the login works, and whether its owner has room.
import { createSign } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { z } from 'zod';

import { type Answer, ask, below } from './ask.ts';
import { type Check, fail, type Finding, ok, skip, warn } from './check.ts';
import { type DoctorPorts, secretsOf } from '../ports.ts';

const tokenAddress = 'https://oauth2.googleapis.com/token';
const driveAddress = 'https://www.googleapis.com';
const scope = 'https://www.googleapis.com/auth/drive';
const fullShare = 0.95;

const Account = z.looseObject({ client_email: z.string(), private_key: z.string() });
const Token = z.looseObject({ access_token: z.string() });
const Refusal = z.looseObject({ error: z.string() });
const About = z.looseObject({
  user: z.looseObject({ emailAddress: z.string().optional() }).optional(),
  storageQuota: z.looseObject({ limit: z.string().optional(), usage: z.string().optional() }),
});
const Parent = z.looseObject({
  driveId: z.string().optional(),
  capabilities: z.looseObject({ canAddChildren: z.boolean() }).optional(),
});

type Login = { body: URLSearchParams; isService: boolean };

export function driveChecks(ports: DoctorPorts): Check[] {
  return [{ id: 'drive', online: true, look: (signal) => checkDrive(ports, signal) }];
}

async function checkDrive(ports: DoctorPorts, signal: AbortSignal): Promise<Finding> {
  const secrets = secretsOf(ports);
  const tokenUrl = secrets.GOOGLE_TOKEN_URL ?? tokenAddress;
  const login = await loginOf(ports, tokenUrl);
  if (login === null) return skip('Google Drive is not set up: run nightshift connect drive');
  if ('status' in login) return login;

  const answer = await ask(ports.fetch, {
    url: tokenUrl,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: login.body.toString(),
    signal,
  });
  const token = answer.type === 'answered' ? Token.safeParse(answer.body).data : undefined;
  if (token === undefined) return refusedLogin(answer);

  const root = secrets.GOOGLE_DRIVE_ROOT_URL ?? driveAddress;
  const get = (path: string): Promise<Answer> =>
    ask(ports.fetch, {
      url: below(root, `drive/v3/${path}`),
      headers: { authorization: `Bearer ${token.access_token}` },
      signal,
    });
  const room = judgeRoom(await get('about?fields=user(emailAddress),storageQuota'), login);
  if (room.status === 'fail') return room;
  return (await checkParent(secrets.GOOGLE_DRIVE_PARENT_ID, login, get)) ?? room;
}

/** What to hand in for a token; a finding when that cannot be put together; null when nothing is set. */
async function loginOf(ports: DoctorPorts, tokenUrl: string): Promise<Login | Finding | null> {
  const secrets = secretsOf(ports);
  const { GOOGLE_CLIENT_ID: id, GOOGLE_CLIENT_SECRET: secret } = secrets;
  const { GOOGLE_REFRESH_TOKEN: refresh, GOOGLE_SERVICE_ACCOUNT_FILE: file } = secrets;

  if (id !== undefined && refresh !== undefined) {
    const grant = { grant_type: 'refresh_token', client_id: id, refresh_token: refresh };
    const body = new URLSearchParams({ ...grant, ...(secret && { client_secret: secret }) });
    return { body, isService: false };
  }
  if (file === undefined) return null;

  const text = await readFile(file, 'utf8').catch(() => '');
  const account = Account.safeParse(parsed(text)).data;
  if (account === undefined) {
    return fail(`${file} is no key file of a service account`, 'see GOOGLE_SERVICE_ACCOUNT_FILE');
  }
  const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  const assertion = signed(account, { tokenUrl, now: ports.now() });
  return { body: new URLSearchParams({ grant_type: grant, assertion }), isService: true };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function signed(
  account: z.infer<typeof Account>,
  { tokenUrl, now }: { tokenUrl: string; now: number },
): string {
  const seconds = Math.floor(now / 1_000);
  const claims = { iss: account.client_email, scope, aud: tokenUrl };
  const parts = [
    { alg: 'RS256', typ: 'JWT' },
    { ...claims, iat: seconds, exp: seconds + 600 },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const text = parts.join('.');

  return `${text}.${createSign('RSA-SHA256').update(text).sign(account.private_key, 'base64url')}`;
}

function refusedLogin(answer: Answer): Finding {
  if (answer.type === 'silent')
    return fail(`Google does not answer (${answer.reason})`, 'see the network');
  const reason = Refusal.safeParse(answer.body).data?.error ?? `${answer.status}`;

  return reason === 'invalid_grant'
    ? fail(
        'Google has withdrawn the login to Drive (invalid_grant)',
        'run nightshift connect drive',
      )
    : fail(`Google refuses the login to Drive (${reason})`, 'see GOOGLE_CLIENT_ID and its secret');
}

function judgeRoom(answer: Answer, { isService }: Login): Finding {
  if (answer.type === 'silent')
    return fail(`Drive does not answer (${answer.reason})`, 'see the network');
  const about = About.safeParse(answer.body).data;
  if (answer.status !== 200 || about === undefined) {
    return fail(
      `Drive answers with ${answer.status}`,
      'see that the Drive API is on in the project',
    );
  }

  const who = about.user?.emailAddress ?? 'the account';
  const { limit, usage = '0' } = about.storageQuota;
  // Service accounts own nothing: what counts is the shared drive.
  if (isService || limit === undefined) return ok(`Drive takes the login of ${who}`);
  const used = Number(usage) / Number(limit);
  const message = `the Drive of ${who} is ${Math.round(used * 100)} % full`;
  if (used >= 1) return fail(message, 'free some space there: nothing can be uploaded');

  return used > fullShare ? warn(message, 'free some space there') : ok(message);
}

async function checkParent(
  id: string | undefined,
  { isService }: Login,
  get: (path: string) => Promise<Answer>,
): Promise<Finding | null> {
  const mend = 'share the folder with the login, or correct GOOGLE_DRIVE_PARENT_ID';
  if (id === undefined) {
    if (!isService) return null;
    return fail(
      'a service account has no storage of its own, and GOOGLE_DRIVE_PARENT_ID is not set',
      'name a folder on a shared drive there',
    );
  }
  const fields = 'fields=id,driveId,capabilities(canAddChildren)&supportsAllDrives=true';
  const answer = await get(`files/${encodeURIComponent(id)}?${fields}`);
  const parent = answer.type === 'answered' ? Parent.safeParse(answer.body).data : undefined;
  if (answer.type === 'silent' || answer.status !== 200 || parent === undefined) {
    return fail('the folder of GOOGLE_DRIVE_PARENT_ID cannot be seen', mend);
  }
  if (parent.capabilities?.canAddChildren === false) {
    return fail('nothing may be put into the folder of GOOGLE_DRIVE_PARENT_ID', mend);
  }
  return isService && parent.driveId === undefined
    ? fail(
        'GOOGLE_DRIVE_PARENT_ID is not on a shared drive: a service account has no storage of its own',
        'name a folder on a shared drive, or log in with nightshift connect drive',
      )
    : null;
}
