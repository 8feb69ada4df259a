// Measures the engine on this machine: `npm run bench`, one table, or JSON with `--json`.
import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';

import { backlog } from './backlog.ts';
import { idle } from './idle.ts';
import { pickup } from './pickup.ts';
import { throughput } from './throughput.ts';

/** One measured figure: what it is, its value, and its unit. */
export type Figure = { name: string; value: number | null; unit: string };

const workloads = { throughput, pickup, backlog, idle };
type Name = keyof typeof workloads;

const usage = `npm run bench -- [--json] [--only throughput,pickup,backlog,idle] [--seconds 60]

throughput  300 tasks of 7 runs, an agent that does nothing, 2 KB results, 16 at a time
pickup      from the start of a submission to the start of its run, on an idle daemon that is woken
backlog     claims and settles with 100,000 runs waiting and 500,000 finished, against an empty queue
idle        a daemon with nothing to do, for --seconds
`;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(workloads).join(',') },
    seconds: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(usage);
} else {
  await main();
}

async function main(): Promise<void> {
  const names = values.only.split(',').filter(isName);
  const results: Record<string, Figure[]> = {};

  for (const name of names) {
    process.stderr.write(`${name} …\n`);
    results[name] = await workloads[name]({ seconds: Number(values.seconds) });
  }

  const machine = {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  process.stdout.write(
    values.json ? `${JSON.stringify({ machine, results }, null, 2)}\n` : table(machine, results),
  );
}

function isName(text: string): text is Name {
  return text in workloads;
}

function table(machine: Record<string, unknown>, results: Record<string, Figure[]>): string {
  const rows = Object.entries(results).flatMap(([workload, figures]) =>
    figures.map(({ name, value, unit }) => [workload, name, show(value), unit]),
  );
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const lines = rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '),
  );

  return `${Object.values(machine).join(', ')}\n\n${lines.join('\n')}\n`;
}

function show(value: number | null): string {
  if (value === null) return 'unknown';

  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
