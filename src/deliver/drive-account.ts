// What the composition needs of a Google account: the key of a service account, and the consent of a user.
export { connectDrive } from './drive/connect.ts';
export { parseServiceAccountKey } from './drive/credentials.ts';
