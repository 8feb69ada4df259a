// Tells Supabase's kinds of key apart, and keeps a key out of every text.
import { z } from 'zod';

import { appError } from '../../core/errors.ts';

/** `legacy` is the JWT of `service_role` that older projects have. */
export type KeyKind = 'secret' | 'legacy';

const Claims = z.object({ role: z.string() });
const whereToFind = 'it begins with sb_secret_ and stands under Settings → API Keys of the project';

/** Throws `config_invalid`, naming what the key is instead, unless it may act for the workers. */
export function kindOf(key: string): KeyKind {
  // Anything else could not be sent as a header, and the fault would show the key.
  if (!/^[\x21-\x7e]+$/.test(key)) throw refused('is empty, or has spaces or line breaks in it');
  if (key.startsWith('sb_secret_')) return 'secret';
  if (key.startsWith('sb_publishable_')) {
    throw refused('is the publishable key: it is meant for browsers and may not work the queue');
  }

  const role = roleOf(key);
  if (role === 'service_role') return 'legacy';
  if (role !== undefined) throw refused(`is the legacy key of the role "${role.slice(0, 40)}"`);

  throw refused('is no key of Supabase');
}

/** The text without the key, wherever another program may have repeated it. */
export function hideKey(text: string, key: string): string {
  return text.replaceAll(key, '…').replaceAll(encodeURIComponent(key), '…');
}

// Read, not verified: Supabase verifies it. Only to tell a wrong key before it is used.
function roleOf(key: string): string | undefined {
  const [, payload, signature, ...more] = key.split('.');
  if (payload === undefined || signature === undefined || more.length > 0) return undefined;

  try {
    const text = Buffer.from(payload, 'base64url').toString('utf8');
    return Claims.safeParse(JSON.parse(text)).data?.role;
  } catch {
    return undefined;
  }
}

function refused(problem: string): Error {
  return appError('config_invalid', {
    detail: `SUPABASE_SECRET_KEY ${problem}. Set the secret key: ${whereToFind}`,
  });
}
