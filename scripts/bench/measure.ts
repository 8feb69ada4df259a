// What the operating system and PostgreSQL say of themselves.
import { readdir, readFile } from 'node:fs/promises';

// Linux counts processor time in hundredths of a second wherever Node runs.
const ticksPerSecond = 100;

/** A database that answers questions of its owner. */
type Counted = { admin(text: string): Promise<Record<string, unknown>[]> };

/** Transactions, committed or not, that this database has ended. Waits until its sessions have told their counts. */
export async function transactions(bed: Counted): Promise<number> {
  // Sessions tell at most once a second: three equal readings in a row are the end.
  const readings: number[] = [];

  for (;;) {
    const [row] = await bed.admin(
      `select xact_commit + xact_rollback as number from pg_stat_database where datname = current_database()`,
    );
    readings.push(Number(row?.['number'] ?? 0));
    const [last, before, first] = readings.toReversed();
    // Each reading is a transaction or two of its own.
    if (last !== undefined && before !== undefined && first !== undefined && last - first <= 6) {
      return last;
    }

    await new Promise((resolve) => setTimeout(resolve, 1_100));
  }
}

/** Processor seconds of a process and its descendants, ended ones included; null where there is no /proc. */
export async function processorSeconds(pid: number): Promise<number | null> {
  const stats = await processTable();
  if (stats === null) return null;

  let seconds = 0;
  const family = [pid];
  for (const member of family) {
    const stat = stats.get(member);
    if (stat === undefined) continue;
    seconds += stat.seconds;
    for (const [child, { parent }] of stats) if (parent === member) family.push(child);
  }

  return seconds;
}

/** Megabytes of memory that a process holds now, alone; null where there is no /proc. */
export async function residentMegabytes(pid: number): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => null);
  const kilobytes = /VmRSS:\s+(\d+)/.exec(status ?? '')?.[1];

  return kilobytes === undefined ? null : Number(kilobytes) / 1024;
}

/** The value below which a share of the samples lies. */
export function percentile(samples: number[], share: number): number {
  const sorted = samples.toSorted((left, right) => left - right);

  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

type Stat = { parent: number; seconds: number };

async function processTable(): Promise<Map<number, Stat> | null> {
  const entries = await readdir('/proc').catch(() => null);
  if (entries === null) return null;

  const table = new Map<number, Stat>();
  for (const entry of entries.filter((name) => /^\d+$/.test(name))) {
    const text = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    // The name in parentheses may hold anything: count from its end. proc(5): ppid is field 4, utime 14 to cstime 17.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    if (fields.length > 15) {
      table.set(Number(entry), { parent: Number(fields[1]), seconds: ticks / ticksPerSecond });
    }
  }

  return table;
}
