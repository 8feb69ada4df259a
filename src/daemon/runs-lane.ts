// Turns one claimed run into one agent's work, and whatever comes of the work into an outcome.
import { Brief } from '../core/brief.ts';
import { isDiskFault } from '../core/disk.ts';
import { appError, type ErrorCode, isAppError, messageOf } from '../core/errors.ts';
import type { AgentLibrary, Clock, Log } from '../core/ports.ts';
import {
  addUsage,
  type Answer,
  type ClaimedRun,
  type CostRequest,
  type CostReservation,
  noUsage,
  type RunError,
  type RunOutcome,
  type StepRecord,
  type Usage,
} from '../core/run.ts';
import { abortKind } from './aborted.ts';
import { bounded } from './bounded.ts';
import type { RunAgent } from './context.ts';
import type { Holding } from './held.ts';
import { scrub } from './scrub.ts';

export type RunPorts = {
  agents: AgentLibrary;
  runAgent: RunAgent;
  record(step: StepRecord, signal: AbortSignal): Promise<Answer>;
  reserve(call: CostRequest, signal: AbortSignal): Promise<CostReservation>;
  clock: Clock;
  log: Log;
  /** Hears that a disk took no more: nothing is to be claimed for a while. */
  full(detail: string): void;
};

// Agents end themselves in time, and know best what they have spent: the lane's own limit is for one that hangs.
const graceMs = 1_000;

/** Works on one run. Never rejects; undefined when the run was taken away, so that nothing is to be settled. */
export async function workRun(
  ports: RunPorts,
  claimed: ClaimedRun,
  { holding, sentAt }: { holding: Holding; sentAt: number },
): Promise<RunOutcome | undefined> {
  const { signal } = holding.controller;
  const spent = meter(claimed);

  let outcome: RunOutcome;
  try {
    outcome = await attempt(ports, claimed, { holding, sentAt, spent });
  } catch (error) {
    outcome = outcomeOfThrown(error, spent.usage());
    // A disk without room says nothing about the run: it waits, and no try of it is lost.
    if (outcome.type === 'release') ports.full(crashText(error));
    if (!signal.aborted)
      ports.log.error('a run threw', { runId: claimed.id, error: crashText(error) });
  }

  return afterAbort(outcome, signal, spent.usage());
}

async function attempt(
  ports: RunPorts,
  claimed: ClaimedRun,
  { holding, sentAt, spent }: { holding: Holding; sentAt: number; spent: Meter },
): Promise<RunOutcome> {
  const { agents, clock, log, record, reserve, runAgent } = ports;
  const brief = Brief.safeParse(claimed.brief);
  if (!brief.success) return fail('brief_invalid', faultsOf(brief.error), noUsage);

  if (agents.get(claimed.agent) === undefined) return fail('agent_missing', claimed.agent, noUsage);

  const limitMs = claimed.timeoutSeconds * 1_000 + graceMs - (clock.monotonic() - sentAt);
  const late = () => appError('run_timeout', { detail: `${claimed.timeoutSeconds} s` });

  return await bounded({ clock, controller: holding.controller, limitMs, late }, (signal) =>
    runAgent(
      { ...claimed, brief: brief.data },
      {
        signal,
        log,
        record: async (step) => {
          const answer = await record(step, signal);
          if (answer === 'ok' || answer === 'already') spent.add(step.usage);
          return answer;
        },
        reserve: (call) => reserve(call, signal),
      },
    ),
  );
}

type Meter = { add(usage: Usage): void; usage(): Usage };

/** Counts what the run has spent in all its attempts, as recorded: that much is known even after a crash. */
function meter(claimed: ClaimedRun): Meter {
  let total = claimed.steps.reduce((sum, step) => addUsage(sum, step.usage), noUsage);

  return {
    add: (usage) => {
      total = addUsage(total, usage);
    },
    usage: () => total,
  };
}

function outcomeOfThrown(error: unknown, usage: Usage): RunOutcome {
  if (isDiskFault(error)) return { type: 'release' };
  const known = isAppError(error);
  const runError: RunError = {
    code: known ? error.code : 'run_crashed',
    message: known
      ? scrub(error.message)
      : appError('run_crashed', { detail: crashText(error) }).message,
    retriable: known ? error.retriable : true,
  };

  return { type: runError.retriable ? 'retry' : 'fail', error: runError, usage };
}

/** An outcome reached before the abort was noticed still counts, as long as the claim is ours. */
function afterAbort(
  outcome: RunOutcome,
  signal: AbortSignal,
  usage: Usage,
): RunOutcome | undefined {
  const kind = abortKind(signal);

  switch (kind) {
    case undefined:
      return outcome;
    case 'taken':
      // Finished all the same: taken as long as nobody else has claimed the run, and put aside otherwise.
      return outcome.type === 'complete' ? outcome : undefined;
    case 'stopping':
      return outcome.type === 'complete' ? outcome : { type: 'release' };
    case 'late':
      if (outcome.type === 'complete' || outcome.type === 'fail') return outcome;
      return fail('run_timeout', undefined, outcome.type === 'retry' ? outcome.usage : usage);
  }
}

function fail(code: ErrorCode, detail: string | undefined, usage: Usage): RunOutcome {
  const { message, retriable } = appError(code, detail === undefined ? {} : { detail });

  return { type: 'fail', error: { code, message: scrub(message), retriable }, usage };
}

function faultsOf(error: { issues: { path: PropertyKey[]; message: string }[] }): string {
  return error.issues
    .map((issue) => `${issue.path.map(String).join('.') || 'brief'}: ${issue.message}`)
    .join('; ');
}

function crashText(error: unknown): string {
  return scrub(messageOf(error).split('\n', 1).join(''));
}
