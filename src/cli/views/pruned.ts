// What a removal took away, in lines of text.
import { type PruneCounts, type PrunedKind, prunedKinds } from '../../core/retention.ts';
import { table } from '../plain.ts';

const names: Record<PrunedKind, string> = {
  steps: 'recorded model calls',
  progress: 'lines of progress',
  attempts: 'single tries at deliveries',
  contents: 'contents of published files',
  tasks: 'tasks, with all that belongs to them',
  polls: 'poll cycles',
  workers: 'ended daemons',
};

type Manner = { dryRun: boolean };

export function prunedLines(removed: PruneCounts, { dryRun }: Manner): string[] {
  const rows = prunedKinds.flatMap((kind) => {
    const count = removed[kind] ?? 0;
    return count === 0 ? [] : [[`${count}`, names[kind]]];
  });
  if (rows.length === 0) return ['Nothing is old enough to go.'];

  return [dryRun ? 'Would remove:' : 'Removed:', ...table(rows).map((row) => `  ${row}`)];
}

/** One line while it goes on. */
export function prunedText(removed: PruneCounts, { dryRun }: Manner): string {
  const parts = prunedKinds.flatMap((kind) => {
    const count = removed[kind] ?? 0;
    return count === 0 ? [] : [`${count} ${kind}`];
  });

  return `${dryRun ? 'Counting' : 'Removing'} … ${parts.join(', ')}`;
}
