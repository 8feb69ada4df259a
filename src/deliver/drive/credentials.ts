// Who Nightshift is to Google: a user who gave consent, or a service account with a key.
import { createPrivateKey } from 'node:crypto';

import { z } from 'zod';

import { appError } from '../../core/errors.ts';

/** What Google lets the holder of a user's consent do: see and change the files that it made itself, no others. */
export const userScope = 'https://www.googleapis.com/auth/drive.file';

/** A service account sees nothing but what people share with it, so the wide scope gives it no more than that. */
export const serviceAccountScope = 'https://www.googleapis.com/auth/drive';

/** The parts of a service account's key file that count. */
export const ServiceAccountKey = z.object({
  type: z.literal('service_account'),
  client_email: z.email(),
  private_key: z.string().refine(isPrivateKey, 'is not a private key'),
});
export type ServiceAccountKey = z.infer<typeof ServiceAccountKey>;

export type DriveCredentials =
  | { type: 'oauth'; clientId: string; clientSecret: string; refreshToken: string }
  | { type: 'service_account'; key: ServiceAccountKey };

/** Reads the text of a key file. Throws `config_invalid`, which names what is wrong and repeats nothing of the key. */
export function parseServiceAccountKey(text: string): ServiceAccountKey {
  const parsed = ServiceAccountKey.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;

  const faults = parsed.error.issues.map(({ path }) => path.join('.') || 'the whole file');
  throw appError('config_invalid', {
    detail: `GOOGLE_SERVICE_ACCOUNT_FILE is not the JSON key of a service account (look at: ${faults.join(', ')}); make one in the Google Cloud console under IAM, Service accounts, Keys`,
  });
}

/** Every value that must never be seen outside, for taking out of texts. */
export function secretsOf(credentials: DriveCredentials): string[] {
  switch (credentials.type) {
    case 'oauth':
      return [credentials.clientSecret, credentials.refreshToken];
    case 'service_account':
      return [credentials.key.private_key];
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPrivateKey(text: string): boolean {
  try {
    return createPrivateKey(text).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}
