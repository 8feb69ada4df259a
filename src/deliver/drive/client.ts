// Opens Google's client library: only when it is needed, since it is slow to load.
import type { OAuth2Client } from 'google-auth-library';
import type { drive_v3 } from 'googleapis/build/src/apis/drive/index.js';

import { type DriveCredentials, serviceAccountScope } from './credentials.ts';
import { type Addresses, createRoute } from './route.ts';

export type DriveClient = { files: drive_v3.Resource$Files; auth: OAuth2Client };

/** Loads the library and makes a client. Asks Google for nothing yet. */
export async function openClient(
  credentials: DriveCredentials,
  addresses: Addresses,
): Promise<DriveClient> {
  // The folder's own file: the package's root would load every API that Google has.
  const [{ drive }, { JWT, OAuth2Client }] = await Promise.all([
    import('googleapis/build/src/apis/drive/index.js'),
    import('google-auth-library'),
  ]);
  const shared = {
    transporterOptions: { fetchImplementation: createRoute(addresses) },
    // Its interceptors write headers and tokens to stderr where GOOGLE_SDK_NODE_LOGGING is set.
    useAuthRequestParameters: false,
  };

  const auth = ((): OAuth2Client => {
    switch (credentials.type) {
      case 'oauth': {
        const { clientId, clientSecret, refreshToken } = credentials;
        const client = new OAuth2Client({ ...shared, clientId, clientSecret });
        client.setCredentials({ refresh_token: refreshToken });
        return client;
      }
      case 'service_account': {
        const { client_email: email, private_key: key } = credentials.key;
        return new JWT({ ...shared, email, key, scopes: serviceAccountScope });
      }
    }
  })();

  // Tokens are asked for with retries of its own, which know neither our time nor our signal.
  auth.transporter.interceptors.request.add({
    resolved: async (config) => {
      delete config.retryConfig;
      return Object.assign(config, { retry: false });
    },
  });
  return { files: drive({ version: 'v3', auth }).files, auth };
}

/** Makes the next call ask for a new token, because Google no longer took the one that seemed to be good. */
export function dropToken(auth: OAuth2Client): void {
  auth.setCredentials({ ...auth.credentials, expiry_date: 1 });
}
