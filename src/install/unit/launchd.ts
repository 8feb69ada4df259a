// The daemon as a job of launchd: a LaunchAgent of its user, or a LaunchDaemon.
import path from 'node:path';

import { appError } from '../../core/errors.ts';
import type { Ran } from '../commands.ts';
import { foresee, prepare, readUnit, removeUnit, writeUnit } from './place.ts';
import { plistText, type Session, sessionOf } from './plist.ts';
import { type Unit, unitLabel, type UnitOptions, type UnitStatus } from '../unit.ts';

/** What `launchctl` answers, as far as we act on it. */
const answers = {
  /** The job is there already, or the list is not right: launchd says no more. */
  inputOutput: 5,
  inProgress: [36, 37],
  noSuchJob: [3, 113],
  noSuchDomain: [112, 125],
} as const;

const patience = { tries: 50, pauseMs: 200 };

type Domain = { name: string; session: Session };

export function createLaunchdUnit(options: UnitOptions): Unit {
  const { scope } = options;
  const file = fileOf(options);

  return {
    scope,
    status: () => readStatus(options, file),

    async install() {
      const { node, copied } = await prepare(options);
      const domain = await findDomain(options);
      const text = await plistText({ ...options, node, session: domain.session });
      const job = await findJob(options);
      if ((await readUnit(file)) === text && job !== null && !copied) {
        return { changed: false, notes: await notesOf(options, domain) };
      }

      await writeUnit(file, text, options);
      if (job !== null) await bootOut(options, job.target);
      await bootstrap(options, domain, file);
      return { changed: true, notes: await notesOf(options, domain) };
    },

    async uninstall() {
      const job = await findJob(options);
      if (job !== null) await bootOut(options, job.target);
      const removed = await removeUnit(file);

      return { changed: removed || job !== null, notes: [] };
    },

    async restart() {
      const job = await findJob(options);
      if (job !== null) {
        await must(options, ['kickstart', '-k', job.target]);
        return;
      }
      if ((await readUnit(file)) === null) throw notInstalled();
      await bootstrap(options, await findDomain(options), file);
    },
  };
}

function notInstalled(): Error {
  return appError('unit_failed', {
    detail: 'it is not installed: run nightshift service install',
  });
}

function fileOf({ scope, root, account }: UnitOptions): string {
  const name = `${unitLabel}.plist`;

  return scope === 'system'
    ? path.join(root, 'Library', 'LaunchDaemons', name)
    : path.join(account.homeFolder, 'Library', 'LaunchAgents', name);
}

/** Where a job can be, the better place first: over SSH the user has no `gui` domain unless logged in at the screen. */
function domainsOf({ scope, account }: UnitOptions): Domain[] {
  if (scope === 'system') return [{ name: 'system', session: 'Aqua' }];

  return [
    { name: `gui/${account.uid}`, session: 'Aqua' },
    { name: `user/${account.uid}`, session: 'Background' },
  ];
}

async function findDomain(options: UnitOptions): Promise<Domain> {
  for (const domain of domainsOf(options)) {
    const { code } = await options.run('launchctl', ['print', domain.name]);
    if (code === 0) return domain;
  }
  throw appError('unit_failed', {
    detail: 'launchd does not answer: this needs macOS 10.11 or newer',
  });
}

type Job = { target: string; listing: string };

/** The loaded job, in whichever domain it is. */
async function findJob(options: UnitOptions): Promise<Job | null> {
  for (const { name } of domainsOf(options)) {
    const target = `${name}/${unitLabel}`;
    const { code, stdout } = await options.run('launchctl', ['print', target]);
    if (code === 0) return { target, listing: stdout };
  }
  return null;
}

/** `bootout` answers before the job is gone, and a `bootstrap` in between fails. */
async function bootOut(options: UnitOptions, target: string): Promise<void> {
  const { run, delay } = options;
  const done = await run('launchctl', ['bootout', target]);
  const expected: readonly number[] = [0, ...answers.inProgress, ...answers.noSuchJob];
  if (!expected.includes(done.code)) throw refused(['bootout', target], done);

  // The daemon may take its 45 seconds.
  for (let left = patience.tries * 5; left > 0; left -= 1) {
    if ((await run('launchctl', ['print', target])).code !== 0) return;
    await delay(patience.pauseMs);
  }
  throw appError('unit_failed', { detail: `${target} does not end` });
}

async function bootstrap(options: UnitOptions, domain: Domain, file: string): Promise<void> {
  const { run, delay } = options;
  const target = `${domain.name}/${unitLabel}`;
  // It may have been switched off by hand; then it would load and never start.
  await run('launchctl', ['enable', target]);

  const given = ['bootstrap', domain.name, file];
  const passing: readonly number[] = [answers.inputOutput, ...answers.inProgress];
  for (let left = patience.tries; ; left -= 1) {
    const done = await run('launchctl', given);
    if (done.code === 0) return;
    // Someone else was quicker, or launchd had begun on it already.
    if ((await run('launchctl', ['print', target])).code === 0) return;
    if (!passing.includes(done.code) || left === 0) throw refused(given, done);
    await delay(patience.pauseMs);
  }
}

async function must({ run }: UnitOptions, given: string[]): Promise<void> {
  const done = await run('launchctl', given);
  if (done.code !== 0) throw refused(given, done);
}

function refused(given: string[], { code, stderr, stdout }: Ran): Error {
  const said = (stderr || stdout).trim().split('\n')[0] ?? '';
  return appError('unit_failed', { detail: `launchctl ${given.join(' ')}: ${said} (${code})` });
}

async function readStatus(options: UnitOptions, file: string): Promise<UnitStatus> {
  const { scope } = options;
  const text = await readUnit(file);
  const job = await findJob(options);
  const listing = job?.listing ?? '';
  const pid = Number(/^\s*pid = (\d+)/m.exec(listing)?.[1] ?? 0);
  const lastExit = /^\s*last exit code = (.+)$/m.exec(listing)?.[1]?.trim() ?? null;

  return {
    scope,
    file,
    installed: text !== null,
    running: pid > 0,
    pid: pid > 0 ? pid : null,
    unchanged: text === null ? null : await isUnchanged(options, text),
    lastExit: lastExit === '(never exited)' ? null : lastExit,
  };
}

async function isUnchanged(options: UnitOptions, text: string): Promise<boolean> {
  const { node, isFresh } = await foresee(options);
  // It was right for the session that there was; which one there is now says nothing about the file.
  const session = sessionOf(text) ?? 'Aqua';

  return isFresh && text === (await plistText({ ...options, node, session }));
}

async function notesOf({ scope, account, run }: UnitOptions, domain: Domain): Promise<string[]> {
  if (scope === 'system') return [];
  if (domain.session === 'Background') {
    return [
      `${account.name} is not logged in at the screen: loaded into ${domain.name}, which ends with the last ` +
        'session. Run it again at the screen, or sudo nightshift service install --system',
    ];
  }
  const { stdout } = await run('fdesetup', ['status']);
  return stdout.includes('FileVault is On')
    ? ['FileVault is on: after a power cut nothing starts until someone logs in at the Mac']
    : [];
}
