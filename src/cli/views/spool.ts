// What is kept on this machine's disk, in lines of text: briefs and work that wait for the database, or that it did not take.
import type { KeptTask, SpoolFacts } from '../../core/spool.ts';
import { cut, moment, plain, shortId, table } from '../plain.ts';

/** Nothing where nothing is kept, as nearly always. */
export function spoolFacts({ spool }: { spool: SpoolFacts | null }): [string, string][] {
  if (spool === null) return [];
  const { path, steps, outcomes, tasks, late, refused, refusedTasks } = spool;
  const waiting = listed([
    [tasks, 'brief'],
    [outcomes, 'outcome'],
    [steps, 'step'],
  ]);
  const aside = [
    ...(late > 0 ? [`${counted(late, 'piece')} of finished work that came too late (late/)`] : []),
    ...(refused > 0 ? [`${refused} refused (refused/)`] : []),
  ].join(', ');

  return [
    ...fact('Kept here', waiting && `${waiting} for the database, until it takes them`),
    ...fact('Put aside', aside && `${aside}: look in ${path}, and remove what you have seen`),
    ...refusedTasks.flatMap((task) => fact('Refused', refusedText(task))),
  ];
}

function fact(label: string, text: string): [string, string][] {
  return text === '' ? [] : [[label, text]];
}

function listed(counts: [number, string][]): string {
  return counts.flatMap(([count, word]) => (count > 0 ? [counted(count, word)] : [])).join(', ');
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function refusedText({ id, title, reason }: KeptTask): string {
  return `${shortId(id)} ${cut(plain(title), 60)}: ${cut(plain(reason ?? ''), 200)}`;
}

/** One brief that is no task yet, or that the database refused. */
export function keptDetails({ id, title, at, status, reason }: KeptTask): string[] {
  const meaning =
    status === 'spooled'
      ? 'spooled: kept on this machine until its daemon reaches the database'
      : 'refused by the database: mend it, and hand it in again';

  return [
    plain(title),
    ...table([
      ['Task', id],
      ['Status', meaning],
      ...(reason === null ? [] : [['Reason', plain(reason)]]),
      ['Handed in', moment(at)],
    ]),
  ];
}
