// Checks of the keys of Supabase, by their form: which of them is which, and whose.
import { z } from 'zod';

import { type Check, fail, type Finding, ok, skip, warn } from './check.ts';
import { type DoctorPorts, secretsOf } from '../ports.ts';

const Claims = z.looseObject({ role: z.string(), ref: z.string().optional() });
type Kind = { kind: 'secret' | 'public'; isLegacy: boolean; project: string | null };

export function supabaseChecks(ports: DoctorPorts): Check[] {
  return [{ id: 'supabase-keys', look: async () => checkKeys(ports) }];
}

function checkKeys(ports: DoctorPorts): Finding {
  const secrets = secretsOf(ports);
  const { SUPABASE_URL: url, SUPABASE_SECRET_KEY: secret } = secrets;
  const { SUPABASE_PUBLISHABLE_KEY: publishable } = secrets;
  if (url === undefined || !URL.canParse(url)) return skip('there is no SUPABASE_URL');
  if (secret === undefined) {
    return fail(
      'SUPABASE_SECRET_KEY is not set',
      'copy it from the project: Settings, API keys, secret key (sb_secret_...)',
    );
  }

  return (
    checkSecretKey(secret, url) ??
    checkPublicKey(publishable) ??
    (kindOf(secret)?.isLegacy === true
      ? warn('SUPABASE_SECRET_KEY is a legacy key', 'make a key of the new form (sb_secret_...)')
      : ok('the keys have the right form'))
  );
}

function checkSecretKey(key: string, url: string): Finding | null {
  const found = kindOf(key);
  if (found === null) {
    return fail('SUPABASE_SECRET_KEY is no key of Supabase', 'it begins with sb_secret_');
  }
  if (found.kind === 'public') {
    return fail(
      'SUPABASE_SECRET_KEY holds a public key, which may not work on the queue',
      'put the secret key there (sb_secret_...)',
    );
  }
  const [project] = new URL(url).hostname.split('.');
  const isHosted = new URL(url).hostname.endsWith('.supabase.co');
  return isHosted && found.project !== null && found.project !== project
    ? fail(
        `SUPABASE_SECRET_KEY belongs to the project ${found.project}, SUPABASE_URL to ${project}`,
        'take both from the same project',
      )
    : null;
}

function checkPublicKey(key: string | undefined): Finding | null {
  if (key === undefined || kindOf(key)?.kind === 'public') return null;

  // It goes to browsers.
  return fail(
    'SUPABASE_PUBLISHABLE_KEY holds no publishable key',
    'put the key there that begins with sb_publishable_, and renew the other one if it got out',
  );
}

function kindOf(key: string): Kind | null {
  if (key.startsWith('sb_secret_')) return { kind: 'secret', isLegacy: false, project: null };
  if (key.startsWith('sb_publishable_')) return { kind: 'public', isLegacy: false, project: null };

  const claims = claimsOf(key);
  if (claims === null) return null;
  const kind = claims.role === 'service_role' ? 'secret' : 'public';
  return { kind, isLegacy: true, project: claims.ref ?? null };
}

/** What a legacy key, a JWT, says of itself. Its signature is the server's to check. */
function claimsOf(key: string): z.infer<typeof Claims> | null {
  const [, payload = ''] = key.split('.');
  try {
    return Claims.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
  } catch {
    return null;
  }
}
