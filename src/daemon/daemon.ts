// The daemon: claims due work, does it, settles it, until it is told to stop.
import { messageOf } from '../core/errors.ts';
import { stopReason } from './aborted.ts';
import type { DaemonContext, WakeListener } from './context.ts';
import { atMost } from './gate.ts';
import { createParts, type Parts } from './parts.ts';
import { persist } from './persist.ts';
import { pollCycle, type PollPorts, startPolling } from './poll.ts';
import { startPruning } from './pruning.ts';
import { scrub } from './scrub.ts';
import { type StopReport, stopParts } from './stop.ts';
import type { Summary } from './tally.ts';

export type CycleSummary = Summary & { durationMs: number };

export type Daemon = {
  /**
   * Registers the worker, then polls, listens and works until `stop`. Resolves when it serves; waits while the
   * database is away. Rejects when the queue refuses the worker, or when it is stopped before it serves.
   */
  start(): Promise<void>;
  /**
   * Instead of `start`: claims what is due, as often as slots free up, waits for what came of it (deliveries
   * included), and stops. What is due only later is left for later.
   */
  pollOnce(): Promise<CycleSummary>;
  /**
   * Claims nothing more and waits `graceMs` (default: the setting) for running work; the rest goes back to the queue
   * without costing a try. Calling it again hurries the first call. Never rejects; leaves nothing open.
   */
  stop(graceMs?: number): Promise<StopReport>;
};

const closeMs = 3_000;

export function createDaemon(context: DaemonContext): Daemon {
  const parts = createParts(context);
  const open = new AsyncDisposableStack();
  const hurry = new AbortController();
  let stopping: Promise<StopReport> | undefined;

  async function stop(graceMs = context.settings.stopGraceMs): Promise<StopReport> {
    if (stopping === undefined)
      stopping = end(context, parts, { graceMs, open, hurry: hurry.signal });
    else hurry.abort();
    return await stopping;
  }

  return {
    stop,

    async start() {
      await persist('register', () => enter(parts), persistence(context, parts));
      if (stopping !== undefined) throw stopReason();

      await parts.disk.check();
      serve(context, parts, open);
    },

    async pollOnce() {
      const startedAt = context.clock.monotonic();
      await enter(parts);
      await parts.kept.tasks.once();
      await parts.sweep();
      parts.heartbeat.start(beatMs(context));
      await parts.disk.check();
      parts.disk.start();

      await pollCycle({ ...pollPorts(context, parts), look: () => workOff(parts) }, 'once');
      await stop(0);

      const durationMs = Math.round(context.clock.monotonic() - startedAt);
      return { ...parts.tally.summary(), durationMs };
    },
  };
}

/** What former daemons left comes before the registration, which hands the rest of their work out again. */
async function enter({ kept, registration }: Parts): Promise<void> {
  await kept.replay();
  await registration.register();
}

const persistence = ({ clock, log }: DaemonContext, { giveUp }: Parts) => ({
  clock,
  log,
  signal: giveUp.signal,
});

const beatMs = ({ settings }: DaemonContext): number => (settings.leaseSeconds * 1_000) / 3;

/** Starts everything that runs until the daemon stops, and leaves in `open` what ends it. */
function serve(context: DaemonContext, parts: Parts, open: AsyncDisposableStack): void {
  parts.heartbeat.start(beatMs(context));
  parts.disk.start();
  // At once: a boot after a crash finds what the crash left behind.
  parts.housekeeping.start(0);
  if (context.settings.wake) open.use(context.listen(createListener(parts)));

  open.use(parts.kept.tasks.watch());
  const poll = pollPorts(context, parts);
  open.defer(startPolling(poll, context.settings.pollMinutes));
  void pollCycle(poll, 'start');
  open.defer(prunesAtNight(context, parts));
  context.log.info('the daemon serves', { workerId: context.worker.id });
}

/** Begins where the settings want it; the returned function ends it. */
function prunesAtNight(context: DaemonContext, parts: Parts): () => Promise<void> {
  const { queue, clock, log, settings, worker } = context;
  if (settings.pruning === undefined) return () => Promise.resolve();

  const isBusy = (): boolean => parts.working() > 0;
  return startPruning({ ...settings.pruning, queue, clock, log, workerId: worker.id, isBusy });
}

function createListener({ turns, heartbeat, held, kept }: Parts): WakeListener {
  return {
    wake(wake) {
      switch (wake.type) {
        case 'due':
          return turns.ask();
        case 'cancelled':
          // The answer to a beat says which of our claims it is about.
          if (held.holdsTask(wake.taskId)) heartbeat.knock();
      }
    },
    connected() {
      turns.ask();
      kept.tasks.knock();
      if (held.size() > 0) heartbeat.knock();
    },
  };
}

function pollPorts(context: DaemonContext, parts: Parts): PollPorts {
  return {
    ...persistence(context, parts),
    queue: context.queue,
    workerId: context.worker.id,
    async look() {
      await parts.registration.refreshAgents();
      parts.kept.tasks.knock();
      return await parts.turns.force();
    },
  };
}

/** Works until nothing is due and nothing is under way. */
async function workOff({ turns, gate, isQuiet, giveUp, tally }: Parts): Promise<{
  claimed: number;
  settled: number;
  error?: string;
}> {
  const { error } = await turns.force();
  await gate.until(() => isQuiet() || giveUp.signal.aborted);

  const { claimed, settled } = tally.summary();
  return error === undefined ? { claimed, settled } : { claimed, settled, error };
}

async function end(
  context: DaemonContext,
  parts: Parts,
  { graceMs, open, hurry }: { graceMs: number; open: AsyncDisposableStack; hurry: AbortSignal },
): Promise<StopReport> {
  const { queue, clock, log, worker } = context;
  log.info('the daemon stops', { graceMs, held: parts.held.size() });

  const closing = closeAll(context, open);
  const report = await stopParts({ queue, clock, log, parts, workerId: worker.id, hurry }, graceMs);
  await atMost(closing, closeMs, { clock });

  log.info('the daemon has stopped', report);
  return report;
}

async function closeAll({ log }: DaemonContext, open: AsyncDisposableStack): Promise<void> {
  try {
    await open.disposeAsync();
  } catch (error) {
    log.warn('a part did not close', { error: scrub(messageOf(error)) });
  }
}
