// Commands that do a daemon's work without staying: one poll cycle, and migrations.
import { z } from 'zod';

import { migrateDatabase, pendingOnSupabase, pollOnce } from '../../app.ts';
import { appError } from '../../core/errors.ts';
import { exitCodes } from '../failure.ts';
import { interruption } from '../interruption.ts';
import type { Run } from '../program.ts';
import { openSession, present, type Session } from '../session.ts';

const PollOptions = z.object({ once: z.boolean().default(false) });

export const pollCommand: Run = async (screen, _args, options) => {
  if (!PollOptions.parse(options).once) {
    throw appError('usage', {
      detail: 'write nightshift poll --once; to keep polling, nightshift start',
    });
  }
  const session = openSession(screen, options, { logs: true });
  using stop = interruption();
  const summary = await pollOnce({
    ...session.app,
    signal: stop.signal,
    // stdout is for the summary alone.
    tell: (line) => screen.say(line),
  });

  if ('type' in summary) {
    const { owner } = summary;
    throw appError('home_taken', { detail: owner ? `pid ${owner.pid}` : session.app.home });
  }
  screen.result(JSON.stringify(summary, null, 2));
  return exitCodes.ok;
};

const MigrateOptions = z.object({ apply: z.boolean().default(false) });

export const migrateCommand: Run = async (screen, _args, options) => {
  const session = openSession(screen, options);
  const { apply } = MigrateOptions.parse(options);
  const { config, log } = session.app;
  const { DATABASE_URL: url } = config.secrets;

  // A Supabase project is migrated only when asked, and only by the owner's own login.
  if (config.profile === 'supabase' && !apply) return await showPending(session);
  if (config.profile === 'supabase' && url === undefined) {
    throw appError('usage', {
      detail:
        'set DATABASE_URL to the direct connection of the project (Connect, Direct connection)',
    });
  }
  if (url === undefined) {
    const note =
      'There is no DATABASE_URL: the daemon migrates its own database whenever it starts.';
    present(session, { applied: [], current: null }, () => [note]);
    return exitCodes.ok;
  }

  const { applied, current } = await migrateDatabase(url, log);
  present(session, { applied, current }, () =>
    applied.length === 0
      ? [`The database is up to date (${current}).`]
      : applied.map((file) => `Applied ${file}`),
  );
  return exitCodes.ok;
};

async function showPending(session: Session): Promise<number> {
  const { pending, text } = await pendingOnSupabase(session.app);
  const how = 'Apply with `supabase db push`, or with DATABASE_URL set: nightshift migrate --apply';
  present(session, { pending }, () => (pending.length === 0 ? [text] : [text, how]));

  return exitCodes.ok;
}
