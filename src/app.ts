// Composition root, with backend.ts, sinks.ts, bot.ts and inspection.ts: only they know every folder. It makes the parts
// and hands them to each other as values.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';

import { loadAgents } from './agents/library.ts';
import { type Backend, openBackend, openClientQueue } from './backend.ts';
import type { RunAgentOptions } from './agents/loop.ts';
import type { Config } from './core/config.ts';
import { appError } from './core/errors.ts';
import { policyOf } from './core/retention.ts';
import type { AgentLibrary, Log, Tool } from './core/ports.ts';
import { systemClock } from './daemon/clock.ts';
import type { DaemonContext, RunAgent } from './daemon/context.ts';
import { createDaemon, type CycleSummary, type Daemon } from './daemon/daemon.ts';
import { type HomeLock, readOwner, takeHome } from './daemon/lock.ts';
import { type ReadyFile, removeReadyFile, writeReadyFile } from './daemon/ready-file.ts';
import { removeRecovery } from './daemon/recovery-file.ts';
import { type KeepAwake, keepAwake } from './install/keep-awake.ts';
import type { OperationContext } from './operations/operation.ts';
import { assertRestored } from './postgres/restore-mark.ts';
import { openSpool } from './queue/spool.ts';

import type * as Backup from './backup.ts';
import { startBot } from './bot.ts';
import { spoolOf } from './handed-in.ts';
import { type Health, openHealth } from './health.ts';
import { createSinks } from './sinks.ts';

export { migrateDatabase, pendingOnSupabase } from './backend.ts';
export type { RestoreReport } from './backup.ts';
export { connectDrive } from './deliver/drive-account.ts';
export { keepTask, keptTasks, lookAtSpool } from './handed-in.ts';
export { lookOut, type LookoutOptions } from './inspection.ts';
export { findTroubles, type Trouble } from './health.ts';
export { beginUnattended, readRecovery, type RecoveryFile } from './recovery.ts';

export type AppOptions = {
  home: string;
  config: Config;
  version: string;
  /** Absolute. */
  agentsFolder: string;
  outputsFolder: string;
  log: Log;
};

export type WorkerOptions = AppOptions & {
  /** Takes the lines that the terminal sink writes of an ended task. */
  tell(line: string): void;
  /** Aborts a start that has not come to serve yet. */
  signal: AbortSignal;
  /** The lock of the home, where the caller holds it already: it stays the caller's. */
  lock?: HomeLock;
};

export type Serving = {
  type: 'serving';
  ready: ReadyFile;
  context: OperationContext;
  /** Drains, hands back what is unfinished, closes everything. Called again, it hurries. Never rejects. */
  stop(): Promise<void>;
};
/** Another daemon has this home; `owner` is absent until that one serves. */
export type Taken = { type: 'taken'; owner?: ReadyFile };

/** Starts the daemon of a home. Resolves when it serves, or when the home is taken. */
export async function startDaemon(options: WorkerOptions): Promise<Serving | Taken> {
  const { home, signal } = options;
  await using stack = new AsyncDisposableStack();
  const worker = await openWorker(options, stack);
  if (worker.type === 'taken') return worker;

  const { daemon, context } = worker;
  stack.defer(async () => void (await daemon.stop()));
  // Only until it serves: a stop after that has its grace.
  const giveUp = () => void daemon.stop(0);
  signal.addEventListener('abort', giveUp, { once: true });
  await daemon.start().finally(() => signal.removeEventListener('abort', giveUp));
  const { config, log } = options;
  stack.use(startBot({ config, context, workerId: context.worker.id, log }));

  const ready = readyFileOf(worker, options);
  const unlist = () => removeReadyFile(home, ready.worker_id);
  // Also when the process ends by an error that nobody caught.
  process.once('exit', unlist);
  await writeReadyFile(home, ready);

  const parts = stack.move();
  let stopped: Promise<void> | undefined;
  return {
    type: 'serving',
    ready,
    context: { queue: context.queue, agents: context.agents },
    async stop() {
      if (stopped !== undefined) void daemon.stop();
      stopped ??= daemon
        .stop()
        .then(unlist)
        .then(() => parts.disposeAsync());
      await stopped;
    },
  };
}

/** One cycle: claims what is due, waits for what came of it, stops. */
export async function pollOnce(options: WorkerOptions): Promise<CycleSummary | Taken> {
  await using stack = new AsyncDisposableStack();
  const worker = await openWorker(options, stack);
  if (worker.type === 'taken') return worker;

  options.signal.addEventListener('abort', () => void worker.daemon.stop(), { once: true });
  return await worker.daemon.pollOnce();
}

type Worker = { type: 'worker'; daemon: Daemon; context: DaemonContext; backend: Backend };

async function openWorker(
  options: WorkerOptions,
  stack: AsyncDisposableStack,
): Promise<Worker | Taken> {
  const { home, log } = options;
  await mkdir(home, { recursive: true, mode: 0o700 });

  const taken = options.lock ? { lock: options.lock } : await takeHome(home);
  if (!('lock' in taken)) return taken;
  if (options.lock === undefined) {
    stack.defer(taken.lock.release);
    // Of one that was killed in recovery mode.
    removeRecovery(home);
  }
  await assertRestored(home);

  // Before anything is started: a broken agent file is told at once.
  const agents = loadAgents(options.agentsFolder, log);
  const health = openHealth(options, stack);
  const backend = await openBackend({ ...options, hearing: health.hearing }, stack);
  const awake = stack.use(keepAwake({ platform: process.platform, pid: process.pid, log }));
  const context = await daemonContext(options, { backend, agents, awake, health });
  if (taken.lock.replaces !== undefined) context.worker.replaces = taken.lock.replaces;

  return { type: 'worker', daemon: createDaemon(context), context, backend };
}

async function daemonContext(
  options: WorkerOptions,
  parts: { backend: Backend; agents: AgentLibrary; awake: KeepAwake; health: Health },
): Promise<DaemonContext> {
  const { config, log, version } = options;
  const { agents, awake, backend, health } = parts;
  const { queue } = backend;
  const { concurrency, poll, queue: lease, retention, retry, timeouts, worker } = config.settings;
  const workerId = randomUUID();

  return {
    queue,
    agents,
    runAgent: awake.during(onFirstRun(() => agentRunner(options, agents))),
    sinks: (await createSinks({ ...options, queue })).map((sink) => ({
      ...sink,
      deliver: awake.during(sink.deliver),
    })),
    readDeliverable: ({ id }) => queue.readDeliverable(id),
    listen: backend.listen(workerId),
    volumes: health.volumes,
    troubles: health.troubles,
    spool: openSpool(spoolOf(options.home)),
    clock: systemClock,
    log,
    worker: { id: workerId, name: worker.name, version, schema: backend.schema },
    settings: {
      concurrencyRuns: concurrency.runs,
      concurrencyDeliveries: concurrency.deliveries,
      pollMinutes: poll.minutes,
      wake: poll.wake,
      leaseSeconds: lease.lease_seconds,
      sweepSeconds: lease.sweep_seconds,
      retry: { baseMs: retry.base_ms, capMs: retry.cap_ms },
      stopGraceMs: timeouts.stop_grace_seconds * 1_000,
      deliveryTimeoutSeconds: timeouts.delivery_seconds,
      ...(retention.at !== 'off' && {
        pruning: { at: retention.at, policy: policyOf(retention) },
      }),
    },
  };
}

// A daemon that has had nothing to do yet does without the models, the tools and the agents' rules.
function onFirstRun(load: () => Promise<RunAgent>): RunAgent {
  let loading: Promise<RunAgent> | undefined;

  return async (run, io) => {
    // What could not be loaded once, such as in the middle of an update, is tried again with the next run.
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    const runAgent = await loading;

    return await runAgent(run, io);
  };
}

async function agentRunner(
  { config, version }: AppOptions,
  agents: AgentLibrary,
): Promise<RunAgent> {
  const { runAgent } = await import('./agents/loop.ts');
  const { outputKinds } = await import('./agents/kinds.ts');
  const { createModel } = await import('./agents/models.ts');
  const kinds: Partial<Record<string, RunAgentOptions['kind']>> = outputKinds;
  const model = await createModel(modelOptions(config), outputKinds);
  const tools = await createAgentTools(config, version);
  const { default: defaultModel, prices } = config.settings.models;

  return async (run, { log, record, reserve, signal }) => {
    const definition = agents.get(run.agent);
    const kind = kinds[run.agent];
    if (definition === undefined || kind === undefined) {
      throw appError('agent_missing', { detail: run.agent });
    }

    const given = { definition, kind, run, log, record, reserve, signal };
    return await runAgent({ ...given, model, tools, prices, defaultModel, clock: systemClock });
  };
}

const openAIAddress = 'https://api.openai.com/v1';
const modelRetries = 2;

function modelOptions({ modelProvider, secrets, settings }: Config) {
  if (modelProvider === 'offline') return null;

  return {
    apiKey: secrets.OPENAI_API_KEY ?? '',
    baseURL: secrets.OPENAI_BASE_URL ?? openAIAddress,
    connectTimeoutMs: settings.timeouts.model_connect_seconds * 1_000,
    idleTimeoutMs: settings.timeouts.model_idle_seconds * 1_000,
    maxRetries: modelRetries,
    prices: settings.models.prices,
  };
}

async function createAgentTools({ settings }: Config, version: string): Promise<Tool[]> {
  const { createSafeFetch } = await import('./tools/safe-fetch.ts');
  const { createTools } = await import('./tools/tools.ts');
  const open = { allowAddress: () => true, allowPort: () => true };
  const safeFetch = createSafeFetch({
    version,
    clock: systemClock,
    limits: { timeoutMs: settings.timeouts.fetch_seconds * 1_000 },
    ...(settings.fetch.allow_private && open),
  });

  return createTools({ safeFetch });
}

function readyFileOf({ context, backend }: Worker, { version, config }: AppOptions): ReadyFile {
  return {
    pid: process.pid,
    worker_id: context.worker.id,
    version,
    profile: config.profile,
    started_at: new Date().toISOString(),
    api_url: null,
    token_file: null,
    database: backend.database,
  };
}

/** The daemon that serves a home; null when none does. */
export async function findOwner(home: string): Promise<ReadyFile | null> {
  return existsSync(path.join(home, 'run')) ? ((await readOwner(home)) ?? null) : null;
}

/** The agents that a daemon of this installation would have. Throws `agent_definition_invalid`. */
export function loadAgentLibrary({ agentsFolder, log }: AppOptions): AgentLibrary {
  return loadAgents(agentsFolder, log);
}

export type Client = AsyncDisposable & { context: OperationContext };

/** Reaches the database of a home from outside its daemon. Throws `daemon_absent` when there is none to reach. */
export async function openClient(options: AppOptions): Promise<Client> {
  const stack = new AsyncDisposableStack();
  const queue = await openClientQueue(options, stack);
  const agents = loadAgents(options.agentsFolder, options.log);

  const retention = policyOf(options.config.settings.retention);

  return {
    context: { queue, agents, retention },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

// What a daemon never needs is loaded by the commands that do.
export const backUpHome: typeof Backup.backUpHome = async (...given) =>
  await (await import('./backup.ts')).backUpHome(...given);

export const restoreHome: typeof Backup.restoreHome = async (...given) =>
  await (await import('./backup.ts')).restoreHome(...given);
