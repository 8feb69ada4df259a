// A daemon on a real database, with scripted agents and sinks as its inputs.
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import pg from 'pg';

import { AgentFrontMatter } from '../../src/core/agent.ts';
import type { DeliveryOutcome } from '../../src/core/delivery.ts';
import type { AgentLibrary, Log, Sink } from '../../src/core/ports.ts';
import type { Queue } from '../../src/core/queue.ts';
import { type AgentRun, noUsage, type RunOutcome, type StepRecord } from '../../src/core/run.ts';
import { agentNames } from '../../src/core/task.ts';
import { systemClock } from '../../src/daemon/clock.ts';
import type { DaemonContext, DaemonSettings, RunAgent } from '../../src/daemon/context.ts';
import { createDaemon } from '../../src/daemon/daemon.ts';
import { createQueue } from '../../src/queue/client.ts';
import { createPgTransport } from '../../src/queue/pg-transport.ts';
import { openSpool } from '../../src/queue/spool.ts';
import { listen } from '../../src/queue/wake.ts';

export type LogLine = { level: string; message: string; fields: Record<string, unknown> };

const settings: DaemonSettings = {
  concurrencyRuns: 4,
  concurrencyDeliveries: 2,
  // So that nothing but wake-ups can have found the work.
  pollMinutes: 100_000,
  wake: true,
  leaseSeconds: 30,
  sweepSeconds: 600,
  retry: { baseMs: 10, capMs: 50 },
  stopGraceMs: 10_000,
  deliveryTimeoutSeconds: 60,
};

export type TestDaemonOptions = Partial<Omit<DaemonContext, 'settings'>> & {
  url: string;
  settings?: Partial<DaemonSettings>;
  queryTimeoutMs?: number;
  /** Where the spool is; default: a folder that goes with the daemon. */
  home?: string;
  /** Where to listen; default `url`. */
  listenUrl?: string;
};

/** A daemon that has not started; disposing stops it. */
export function daemonOn(options: TestDaemonOptions) {
  const { url, listenUrl = url, settings: changed, queryTimeoutMs, home, ...rest } = options;
  const id = crypto.randomUUID();
  const folder = home ?? path.join(tmpdir(), `nightshift-daemon-${id}`);
  const { log, lines } = recordingLog();
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    connectionTimeoutMillis: 2_000,
    query_timeout: queryTimeoutMs ?? 20_000,
  });
  pool.on('error', () => undefined);
  const queue = createQueue(createPgTransport(pool));

  const daemon = createDaemon({
    queue,
    agents: library(),
    runAgent: succeed,
    sinks: [sinkOf('folder')],
    readDeliverable: (deliverable) => queue.readDeliverable(deliverable.id),
    spool: openSpool(path.join(folder, 'spool')),
    listen: (listener) =>
      listen({ url: listenUrl, workerId: id, log, clock: systemClock }, listener),
    clock: systemClock,
    log,
    settings: { ...settings, ...changed },
    worker: { id, name: 'test', version: '0.0.0' },
    ...rest,
  });

  return {
    id,
    daemon,
    queue,
    lines,
    async [Symbol.asyncDispose]() {
      await daemon.stop(0);
      await pool.end();
      if (home === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

function recordingLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      lines.push({ level, message, fields });
    };

  return {
    lines,
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
  };
}

/** Agents by those names; without names, the seven that the database knows from the start. */
export function library(names: readonly string[] = agentNames): AgentLibrary {
  const definitions = names.map((name) => ({
    ...AgentFrontMatter.parse({ name, title: name, wave: 1 }),
    prompt: 'Work.',
    hash: name,
  }));

  return {
    list: () => definitions,
    get: (name) => definitions.find((definition) => definition.name === name),
  };
}

export const succeed: RunAgent = async (run) => complete(run);

export function complete(run: Pick<AgentRun, 'agent'>): RunOutcome & { type: 'complete' } {
  return {
    type: 'complete',
    usage: { ...noUsage, calls: 1 },
    checks: [],
    deliverables: [],
    output: {
      schema_version: 1,
      agent: run.agent,
      summary: `What ${run.agent} found, told in a sentence that is long enough.`,
      data: {},
      evidence: [],
      uses: [],
      assumptions: [],
      open_questions: [],
      confidence: 'low',
    },
  };
}

export function stepOf(run: Pick<AgentRun, 'id' | 'attempt'>, seq: number): StepRecord {
  return {
    runId: run.id,
    attempt: run.attempt,
    seq,
    messages: [{ role: 'assistant', content: `step ${seq}` }],
    usage: { ...noUsage, calls: 1, tokensIn: 10 },
    progress: { label: `step ${seq}`, percent: null, aiMessage: null },
  };
}

export function sinkOf(
  name: string,
  deliver: Sink['deliver'] = async (): Promise<DeliveryOutcome> => ({
    type: 'delivered',
    result: {},
  }),
): Sink {
  return { name, stage: 0, deliver };
}

/** Work that waits until it is let go, one piece at a time or all at once; ends at once when aborted. */
export function turnstile() {
  const inside: { run: AgentRun; go: () => void }[] = [];
  let peak = 0;
  let isOpen = false;

  return {
    inside,
    peak: () => peak,
    letOne: () => inside[0]?.go(),
    openAll() {
      isOpen = true;
      for (const { go } of inside.slice()) go();
    },
    runAgent: (async (run, { signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const entry = { run, go: resolve };
      inside.push(entry);
      peak = Math.max(peak, inside.length);
      signal.addEventListener('abort', () => reject(signal.reason));
      if (isOpen) resolve();

      try {
        await promise;
      } finally {
        inside.splice(inside.indexOf(entry), 1);
      }
      return complete(run);
    }) satisfies RunAgent,
  };
}

/** Looks again and again until the value is there; fails after 20 s. */
export async function eventually<Value>(
  look: () => Promise<Value | undefined | false> | Value | undefined | false,
): Promise<Value> {
  const end = performance.now() + 20_000;

  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`never came true: ${look.toString()}`);
    await systemClock.delay(5);
  }
}

/** The task once it has ended. */
export function ended(queue: Queue, taskId: string) {
  return eventually(async () => {
    const task = await queue.readTask(taskId);
    return task !== null && task.completedAt !== null && task;
  });
}
