// A database in a temporary home, with the product's own settings, and a daemon whose agents do nothing.
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { agentNames } from '../../src/core/task.ts';
import type { AgentDefinition } from '../../src/core/agent.ts';
import type { AgentLibrary, Log, Sink } from '../../src/core/ports.ts';
import type { Queue } from '../../src/core/queue.ts';
import { type AgentRun, noUsage, type RunOutcome } from '../../src/core/run.ts';
import { systemClock } from '../../src/daemon/clock.ts';
import type { DaemonContext } from '../../src/daemon/context.ts';
import { createDaemon } from '../../src/daemon/daemon.ts';
import { withClient } from '../../src/postgres/connection.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { createQueue } from '../../src/queue/client.ts';
import { createPgTransport } from '../../src/queue/pg-transport.ts';
import { openSpool } from '../../src/queue/spool.ts';
import { listen } from '../../src/queue/wake.ts';

const silent = (): void => undefined;
export const quiet: Log = { debug: silent, info: silent, warn: silent, error: silent };

/** Opens a database in a home of its own; disposing stops and removes it. */
export async function openBed() {
  const home = await mkdtemp(join(tmpdir(), 'nightshift-bench-'));
  const database = await openDatabase({ home, log: quiet });
  const pool = createPool(database.url, { log: quiet, applicationName: 'nightshift bench' });
  const queue = createQueue(createPgTransport(pool));

  return {
    home,
    database,
    pool,
    queue,
    /** Runs SQL as the owner. */
    admin: (text: string) =>
      withClient(database.adminUrl, async (client) => (await client.query(text)).rows),
    async [Symbol.asyncDispose]() {
      await pool.end();
      await database.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

export type Bed = Awaited<ReturnType<typeof openBed>>;

type Work = {
  concurrency: number;
  runAgent(run: AgentRun): Promise<RunOutcome>;
  /** Default: two that deliver to nowhere, one of each stage. */
  sinks?: Sink[];
  /** Default: a boot that follows no other. */
  worker?: { id: string; replaces?: string };
};

/** The product's daemon, with its own lanes and turns; only the agents' work is replaced. */
export function createBenchDaemon(
  bed: { queue: Queue; database: { url: string } },
  { concurrency, runAgent, sinks = nowhere, worker = { id: crypto.randomUUID() } }: Work,
) {
  const context: DaemonContext = {
    queue: bed.queue,
    agents,
    runAgent,
    sinks,
    readDeliverable: async () => new Uint8Array(),
    // Nothing is put into it as long as the database is there.
    spool: openSpool(temporaryFolder(worker.id)),
    listen: (listener) =>
      listen(
        { url: bed.database.url, workerId: worker.id, log: quiet, clock: systemClock },
        listener,
      ),
    clock: systemClock,
    log: quiet,
    settings: {
      concurrencyRuns: concurrency,
      concurrencyDeliveries: concurrency,
      pollMinutes: 15,
      wake: true,
      leaseSeconds: 45,
      sweepSeconds: 15,
      retry: { baseMs: 1_000, capMs: 60_000 },
      stopGraceMs: 5_000,
      deliveryTimeoutSeconds: 60,
    },
    worker: { ...worker, name: 'bench', version: '0.0.0' },
  };

  return createDaemon(context);
}

/** A finished run whose output carries `bytes` of text. */
export function finished(run: AgentRun, bytes: number): RunOutcome {
  return {
    type: 'complete',
    usage: noUsage,
    checks: [],
    deliverables: [],
    output: {
      schema_version: 1,
      agent: run.agent,
      summary: 'An agent that does nothing did it, and this is its summary.',
      data: { text: 'x'.repeat(bytes) },
      evidence: [],
      uses: [],
      assumptions: [],
      open_questions: [],
      confidence: 'low',
    },
  };
}

const nowhere: Sink[] = [
  { name: 'folder', stage: 0, deliver: async () => ({ type: 'delivered', result: {} }) },
  { name: 'terminal', stage: 1, deliver: async () => ({ type: 'delivered', result: {} }) },
];

const definitions = agentNames.map((name): AgentDefinition => ({
  name,
  title: name,
  wave: 1,
  model: 'default',
  fallback_models: [],
  tools: [],
  enabled: true,
  required: false,
  limits: {
    max_steps: 1,
    timeout_seconds: 60,
    max_output_tokens: 1_000,
    max_tokens: 1_000,
    max_cost_usd: 1,
  },
  prompt: '',
  hash: '',
}));

const agents: AgentLibrary = {
  get: (name) => definitions.find((definition) => definition.name === name),
  list: () => definitions,
};

/** A folder that is gone when the process ends. */
function temporaryFolder(name: string): string {
  const folder = join(tmpdir(), `nightshift-bench-${name}`);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

  return folder;
}
