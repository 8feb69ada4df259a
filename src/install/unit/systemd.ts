// The daemon as a unit of systemd: of its user's own, or of the system.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { appError } from '../../core/errors.ts';
import { commandMissing, type Ran } from '../commands.ts';
import { foresee, prepare, readUnit, removeUnit, writeUnit } from './place.ts';
import { fill } from './template.ts';
import { type Unit, unitName, type UnitOptions, type UnitStatus } from '../unit.ts';

const unitFile = `${unitName}.service`;

export function createSystemdUnit(options: UnitOptions): Unit {
  const { scope } = options;
  const file = fileOf(options);

  return {
    scope,
    status: () => readStatus(options, file),

    async install() {
      const { node, copied } = await prepare(options);
      const text = await unitText(options, node);
      const notes = await notesOf(options);
      const { isActive } = await show(options);
      const isSame = (await readUnit(file)) === text;
      if (isSame && isActive && !copied) return { changed: false, notes };

      if (!isSame) {
        await verify(text, options);
        await writeUnit(file, text, options);
      }
      await must(options, ['daemon-reload']);
      await must(options, ['enable', unitFile]);
      // Also starts it where it is not running.
      await must(options, ['restart', unitFile]);
      return { changed: true, notes };
    },

    async uninstall() {
      const isThere = (await readUnit(file)) !== null;
      if (isThere) await must(options, ['disable', '--now', unitFile]);
      const changed = await removeUnit(file);
      if (changed) await must(options, ['daemon-reload']);

      return { changed, notes: [] };
    },

    async restart() {
      if ((await readUnit(file)) === null) {
        throw appError('unit_failed', {
          detail: 'it is not installed: run nightshift service install',
        });
      }
      await must(options, ['restart', unitFile]);
    },
  };
}

function fileOf({ scope, root, account }: UnitOptions): string {
  return scope === 'system'
    ? path.join(root, 'etc', 'systemd', 'system', unitFile)
    : path.join(account.homeFolder, '.config', 'systemd', 'user', unitFile);
}

async function unitText(options: UnitOptions, node: string): Promise<string> {
  const { scope, installation, home, account } = options;
  const file = path.join(installation, 'launchd', `${unitName}.${scope}.service`);
  const main = path.join(installation, 'bin', 'main.mjs');

  return fill(await readFile(file, 'utf8'), {
    node: quoted(node),
    main: argument(main),
    home: argument(home),
    // The one setting that takes the rest of the line as it stands.
    folder: percent(home),
    user: percent(account.name),
  });
}

/** One word of a command line of systemd, which knows quotes, backslashes and specifiers. */
function quoted(text: string): string {
  return `"${percent(text.replace(/[\\"]/g, '\\$&'))}"`;
}

/** Behind the program, variables are replaced too. */
function argument(text: string): string {
  return quoted(text.replaceAll('$', () => '$$'));
}

function percent(text: string): string {
  return text.replaceAll('%', '%%');
}

/** systemd's own opinion of the unit, where it can be had. Its exit code says nothing: its words do. */
async function verify(text: string, { run }: UnitOptions): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightshift-unit-'));
  try {
    const file = path.join(folder, unitFile);
    await writeFile(file, text);
    const { code, stderr } = await run('systemd-analyze', ['verify', file]);
    // It looks at other units of the machine too: only what it says of ours counts.
    const ours = stderr.split('\n').filter((line) => line.includes(unitFile));
    if (code === commandMissing || ours.length === 0) return;
    throw appError('unit_failed', { detail: `systemd does not take the unit: ${ours.join('; ')}` });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function systemctl({ scope, run }: UnitOptions, given: string[]): Promise<Ran> {
  return run('systemctl', scope === 'user' ? ['--user', ...given] : given);
}

async function must(options: UnitOptions, given: string[]): Promise<void> {
  const { code, stdout, stderr } = await systemctl(options, given);
  if (code === 0) return;

  const said = (stderr || stdout).trim().split('\n')[0] ?? '';
  // Over `su` or a bare SSH there is no session, and so no systemd of the user's own.
  const hint = /connect to bus|XDG_RUNTIME_DIR|DBUS/i.test(said)
    ? `. Log in as ${options.account.name} (not by su), after: loginctl enable-linger ${options.account.name}`
    : '';
  throw appError('unit_failed', {
    detail:
      code === commandMissing
        ? 'this machine has no systemd: start `nightshift start` by what it has instead'
        : `systemctl ${given.join(' ')}: ${said} (${code})${hint}`,
  });
}

async function show(options: UnitOptions): Promise<{
  isActive: boolean;
  pid: number;
  lastExit: string | null;
}> {
  const names = ['ActiveState', 'MainPID', 'Result', 'ExecMainStatus', 'ExecMainExitTimestamp'];
  const { code, stdout } = await systemctl(options, [
    'show',
    unitFile,
    `--property=${names.join(',')}`,
  ]);
  const found = new Map(
    stdout.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  const hasEnded = (found.get('ExecMainExitTimestamp') ?? '') !== '';

  return {
    isActive: code === 0 && found.get('ActiveState') === 'active',
    pid: Number(found.get('MainPID') ?? 0),
    lastExit: hasEnded ? `${found.get('ExecMainStatus')} (${found.get('Result')})` : null,
  };
}

async function readStatus(options: UnitOptions, file: string): Promise<UnitStatus> {
  const text = await readUnit(file);
  const { isActive, pid, lastExit } = await show(options);
  const running = text !== null && isActive && pid > 0;

  return {
    scope: options.scope,
    file,
    installed: text !== null,
    running,
    pid: running ? pid : null,
    unchanged: text === null ? null : await isUnchanged(options, text),
    lastExit: text === null ? null : lastExit,
  };
}

async function isUnchanged(options: UnitOptions, text: string): Promise<boolean> {
  const { node, isFresh } = await foresee(options);

  return isFresh && text === (await unitText(options, node));
}

/** A unit of a user ends when that user's last session does, unless they linger. */
async function notesOf({ scope, account, run }: UnitOptions): Promise<string[]> {
  if (scope === 'system') return [];
  const { code, stdout } = await run('loginctl', ['show-user', account.name, '--property=Linger']);
  if (code === 0 && stdout.includes('Linger=yes')) return [];

  return [
    `it ends when ${account.name} logs out, and does not start at boot, until you run: ` +
      `loginctl enable-linger ${account.name}`,
  ];
}
