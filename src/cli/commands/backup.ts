// The commands `backup` and `restore`.
import { statSync } from 'node:fs';
import path from 'node:path';

import { z } from 'zod';

import { backUpHome, keptTasks, restoreHome, type RestoreReport } from '../../app.ts';
import { exitCodes } from '../failure.ts';
import { interruption } from '../interruption.ts';
import { cut, moment } from '../plain.ts';
import type { Run } from '../program.ts';
import type { Screen } from '../screen.ts';
import { openSession, present } from '../session.ts';
import { expand } from '../settings.ts';

const Arguments = z.tuple([z.string().min(1)]);
const BackupOptions = z.object({
  outputs: z.boolean().default(false),
  force: z.boolean().default(false),
});

const standardOutput = '-';

export const backupCommand: Run = async (screen, args, options) => {
  const session = openSession(screen, options);
  const [given] = Arguments.parse(args);
  const { outputs, force } = BackupOptions.parse(options);
  const file = given === standardOutput ? null : expand(given);
  const steps = createSteps(screen);
  using stop = interruption();

  const { manifest, ...written } = await backUpHome({
    ...session.app,
    to: file === null ? process.stdout : { file, force },
    outputs,
    signal: stop.signal,
    onProgress: (step) => steps.show(step, size(step.bytes)),
  }).finally(() => steps.end());

  const tasks = rowsOf(manifest, 'public.tasks');
  const fileBytes = file === null ? null : statSync(file).size;
  const report = {
    file,
    id: manifest.id,
    created_at: manifest.created_at,
    file_bytes: fileBytes,
    bytes: written.bytes,
    tables: manifest.tables.map(({ name, rows }) => ({ name, rows })),
    outputs: manifest.outputs === null ? null : written.outputs,
  };
  const lines = [
    `Backed up ${count(tasks, 'task')}${outputs ? ` and ${count(written.outputs, 'published file')}` : ''} to ` +
      `${file ?? 'the output'} (${size(fileBytes ?? written.bytes)}).`,
  ];
  // The output is the backup itself.
  if (file === null) for (const line of lines) screen.say(line);
  else present(session, report, () => lines);
  if (!outputs) {
    screen.say('Results are in it as the database has them; --outputs adds the published folders.');
  }
  screen.say('Keep .env and config.yaml too: keys and settings are not in a backup.');
  const waiting = (await keptTasks(session.app.home)).filter(({ status }) => status === 'spooled');
  if (waiting.length > 0) {
    const briefs = count(waiting.length, 'brief');
    screen.say(
      `Not in it: ${briefs} that this machine keeps for its daemon to hand in (nightshift list).`,
    );
  }
  return exitCodes.ok;
};

export const restoreCommand: Run = async (screen, args, options) => {
  const session = openSession(screen, options);
  const [given] = Arguments.parse(args);
  const file = expand(given);
  const total = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const steps = createSteps(screen);
  using stop = interruption();

  const report = await restoreHome({
    ...session.app,
    file,
    signal: stop.signal,
    onProgress: (step) =>
      steps.show(step, total === 0 ? '' : `${Math.floor((100 * step.bytes) / total)} %`),
  }).finally(() => steps.end());

  const { manifest, restored, folders } = report;
  const { id, version, created_at: createdAt } = manifest;
  present(session, { file, id, version, created_at: createdAt, ...restored, folders }, () =>
    restoredLines(report, path.basename(file)),
  );
  return exitCodes.ok;
};

function restoredLines({ manifest, restored, folders }: RestoreReport, file: string): string[] {
  const { runs, deliveries, notifications } = restored;
  const tasks = count(rowsOf(manifest, 'public.tasks'), 'task');
  const missing = `${count(folders.missing, 'folder')} of results cannot be written: the files left the database before the backup.`;
  const refused = folders.refused.map((reason) => `A folder of results was not written: ${reason}`);

  return [
    `Restored ${tasks} from ${file}, made ${moment(manifest.created_at)} by version ${manifest.version}.`,
    ...(runs + deliveries > 0
      ? [
          `${count(runs, 'run')} and ${count(deliveries, 'delivery', 'deliveries')} were at work: they go on with the next start, and no try is lost.`,
        ]
      : []),
    ...(notifications > 0
      ? [`${count(notifications, 'notification')} had not been sent: it is not made up for.`]
      : []),
    ...(folders.written > 0 ? [`Wrote ${count(folders.written, 'folder')} of results.`] : []),
    ...(folders.missing > 0 ? [missing] : []),
    ...refused,
    'Put .env and config.yaml back, then: nightshift start',
  ];
}

type Step = { part: string; rows: number; at: number; of: number };
type Steps = { show(step: Step, done: string): void; end(): void };

const redrawMs = 100;
/** Parts that are no tables. */
const partNames: Readonly<Record<string, string>> = {
  check: 'Checking the file',
  outputs: 'Published files',
  folders: 'Writing folders of results',
};

/** On a terminal one line that is drawn anew, elsewhere a line for each part that holds something. */
function createSteps(screen: Screen): Steps {
  let last = '';
  let drawnAt = -redrawMs;

  return {
    show({ part, rows, at, of }, done) {
      const now = performance.now();
      const isNew = part !== last;
      const name = partNames[part] ?? `${part} (${count(rows, 'row')})`;
      last = part;

      if (!screen.isLive && isNew && (rows > 0 || part in partNames)) screen.say(name);
      if (!screen.isLive || (!isNew && now - drawnAt < redrawMs)) return;
      const place = of === 0 ? '' : `${at} of ${of}  `;
      screen.draw([cut(`${place}${name}  ${done}`, screen.columns() - 1)]);
      drawnAt = now;
    },
    end: () => screen.draw([]),
  };
}

function rowsOf(manifest: RestoreReport['manifest'], table: string): number {
  return manifest.tables.find(({ name }) => name === table)?.rows ?? 0;
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

const units = ['B', 'kB', 'MB', 'GB', 'TB'];

function size(bytes: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1_000 ** power;

  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
