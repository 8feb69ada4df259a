// The command `connect drive`: a user's consent to Google Drive, kept in the home's `.env`.
import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';

import { z } from 'zod';

import { connectDrive } from '../../app.ts';
import { appError } from '../../core/errors.ts';
import { exitCodes } from '../failure.ts';
import { interruption } from '../interruption.ts';
import type { Run } from '../program.ts';
import { openSession, present } from '../session.ts';

const Arguments = z.tuple([z.literal('drive')]);

export const connectCommand: Run = async (screen, args, options) => {
  const service = Arguments.safeParse(args);
  if (!service.success) throw appError('usage', { detail: 'write nightshift connect drive' });
  const session = openSession(screen, options);
  const { config, home } = session.app;
  const { GOOGLE_CLIENT_ID: clientId, GOOGLE_CLIENT_SECRET: clientSecret } = config.secrets;
  if (clientId === undefined || clientSecret === undefined) {
    throw appError('usage', {
      detail:
        'set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET first (Google Cloud console, Credentials, OAuth client ID, Desktop app)',
    });
  }

  using stop = interruption();
  const { refreshToken } = await connectDrive({
    clientId,
    clientSecret,
    tokenUrl: config.secrets.GOOGLE_TOKEN_URL,
    signal: stop.signal,
    openBrowser(url) {
      screen.say(`Open this address in a browser and allow access:\n\n  ${url}\n`);
      openInBrowser(url);
    },
  });
  screen.redactor.register(refreshToken);
  const file = path.join(home, '.env');
  keep(file, 'GOOGLE_REFRESH_TOKEN', refreshToken);

  present(session, { connected: 'drive', file }, () => [
    `Drive is connected; the token is in ${file}. Restart the daemon to use it.`,
  ]);
  return exitCodes.ok;
};

// Only a help: the address is on the screen as well.
function openInBrowser(url: string): void {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  spawn(program, [url], { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref();
}

/** Writes one variable into a `.env`, in place of its former value, and keeps the file to its owner. */
function keep(file: string, name: string, value: string): void {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const others = lines.filter((line) => !line.startsWith(`${name}=`));
  const text = `${others.join('\n').trimEnd()}\n${name}=${value}\n`.trimStart();

  if (!existsSync(file)) appendFileSync(file, '', { mode: 0o600 });
  chmodSync(file, 0o600);
  writeFileSync(file, text);
}
