// Measures the product's queue and four others on one PostgreSQL, in turn: `npm run bench:peers`.
import { fork } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { type BenchServer, startBenchServer } from './bench-server.ts';
import type { MeasurementOrder } from './children/measurement.ts';
import { type PeerName, peerNames } from './contract.ts';
import { installPeers } from './install.ts';
import { linesOf, type Measured, tableOf } from './report.ts';
import { roundsOf, type WorkloadName, workloads } from './workloads/all.ts';
import type { Figures } from './workloads/types.ts';

const usage = `npm run bench:peers -- [--json] [--only NAMES] [--peers NAMES] [--rounds 3] [--scale 1] [--seconds 60] [--smoke]

--only     workloads: ${Object.keys(workloads).join(',')}
--peers    queues: ${peerNames.join(',')}
--rounds   how often throughput, jobs and slow are measured, in turn
--scale    size of the workloads; the backlog is measured at a fifth of it
--seconds  how long the idle worker is watched, and a recovery is waited for
--smoke    everything once and tiny: does each adapter work?
`;

// The filling of the full size takes minutes for those that have no way but their API.
const backlogShare = 0.2;
// One that hangs must not hold up the others.
const longestMs = 900_000;
const measurement = fileURLToPath(new URL('children/measurement.ts', import.meta.url));

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(workloads).join(',') },
    peers: { type: 'string', default: peerNames.join(',') },
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    smoke: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(usage);
else await main();

async function main(): Promise<void> {
  const peers = peerNames.filter((name) => values.peers.split(',').includes(name));
  if (peers.some((name) => name !== 'nightshift')) await installPeers();
  await using server = await startBenchServer();

  const measured: Measured[] = [];
  for (const { workload, peer } of planOf(peers)) {
    process.stderr.write(`${workload}: ${peer} …\n`);
    measured.push(await measure(server, workload, peer));
  }

  const machine = {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  const lines = linesOf(measured);
  const failed = measured.filter(({ error }) => error !== undefined);
  for (const { workload, peer, error } of failed) {
    process.stderr.write(`${workload}: ${peer} failed: ${error}\n`);
  }
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ machine, lines, measured }, null, 2)}\n`
      : `${Object.values(machine).join(', ')}\n\n${tableOf(lines, peers)}\n\n(×: ours divided by theirs)\n`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
}

/** Round after round, each queue once in each. */
function planOf(peers: PeerName[]): { workload: WorkloadName; peer: PeerName }[] {
  const names = values.only.split(',').filter(isWorkload);

  return names.flatMap((workload) => {
    const rounds = values.smoke || roundsOf[workload] === 'one' ? 1 : Number(values.rounds);

    return Array.from({ length: rounds }, () => peers.map((peer) => ({ workload, peer }))).flat();
  });
}

function isWorkload(text: string): text is WorkloadName {
  return text in workloads;
}

async function measure(
  server: BenchServer,
  workload: WorkloadName,
  peer: PeerName,
): Promise<Measured> {
  const scale = values.smoke ? 0.02 : Number(values.scale);
  const size = {
    scale: workload === 'backlog' ? scale * backlogShare : scale,
    seconds: values.smoke ? 5 : Number(values.seconds),
  };

  try {
    const figures = await server.withEmptyDatabase((address) =>
      inChild({ peer, workload, address, postgresPid: server.pid(), size }),
    );
    return { peer, workload, figures };
  } catch (error) {
    return { peer, workload, error: error instanceof Error ? error.message : String(error) };
  }
}

async function inChild(order: MeasurementOrder): Promise<Figures> {
  const child = fork(measurement, [], {
    // What libraries print is not our result.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const { promise, resolve, reject } = Promise.withResolvers<Figures>();
  child.send(order);
  child.once('message', (figures: Figures) => resolve(figures));
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`the measurement ended with ${code}`)));
  const timer = setTimeout(() => child.kill('SIGKILL'), longestMs);

  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
