// Runs one agent: asks its model, calls its tools, validates its output, until there is an outcome.
import { appError, messageOf } from '../core/errors.ts';
import type { RunOutcome } from '../core/run.ts';
import { ask } from './ask.ts';
import {
  addMessages,
  type Attempt,
  beginAttempt,
  countRepairs,
  failed,
  type RunAgentOptions,
  usageOf,
} from './attempt.ts';
import { judgeOutput, type Verdict } from './output.ts';
import type { OutputFacts } from './outputs/kind.ts';
import { preambleOf } from './preamble.ts';
import { runToolCalls } from './tool-calls.ts';
import { findingsOf, nextTurn, type ToolCall } from './transcript.ts';

export type { RunAgentOptions } from './attempt.ts';

const maxRepairs = 2;

/**
 * Works on a run until it ends, and never throws. What comes next is always read off the transcript, so a run
 * with recorded steps goes on where it stopped: open tool calls are made again, a final answer is judged again,
 * and no model call is paid twice.
 *
 * Outcomes: `complete`; `fail` and `retry` as the error's code says; `release` when the caller's signal aborted,
 * or when the database answered `lost` or `cancelled` (the queue ignores an outcome of such a run).
 */
export async function runAgent(options: RunAgentOptions): Promise<RunOutcome> {
  const deadline = startDeadline(options);
  const attempt = beginAttempt(options, AbortSignal.any([options.signal, deadline.signal]));

  try {
    return await work(attempt);
  } catch (error) {
    if (options.signal.aborted) return { type: 'release' };
    if (deadline.signal.aborted) {
      return failed(attempt, 'run_timeout', `${deadline.seconds} seconds`);
    }
    options.log.error('run crashed', { runId: options.run.id, error: messageOf(error) });

    return failed(attempt, 'run_crashed', messageOf(error));
  } finally {
    deadline.stop();
  }
}

async function work(attempt: Attempt): Promise<RunOutcome> {
  const { definition, run, kind } = attempt.options;
  attempt.messages.unshift(...preambleOf(definition, run, kind));

  for (;;) {
    attempt.signal.throwIfAborted();
    const outcome = await takeTurn(attempt);
    if (outcome !== undefined) return outcome;
  }
}

async function takeTurn(attempt: Attempt): Promise<RunOutcome | undefined> {
  const turn = nextTurn(attempt.messages);
  switch (turn.type) {
    case 'ask':
      return await ask(attempt);
    case 'call_tools':
      return await callTools(attempt, turn.calls);
    case 'judge':
      return judge(attempt, turn.text);
  }
}

async function callTools(attempt: Attempt, calls: ToolCall[]): Promise<undefined> {
  const { run, log } = attempt.options;
  const context = { brief: run.brief, signal: attempt.signal, log };
  addMessages(attempt, await runToolCalls(calls, attempt.tools, context));
}

function judge(attempt: Attempt, text: string): RunOutcome | undefined {
  const verdict = judgeOutput(text, attempt.options.kind, factsOf(attempt));
  if (verdict.type === 'valid') return complete(attempt, verdict);

  if (countRepairs(attempt) >= maxRepairs) {
    return failed(attempt, 'output_invalid', verdict.reasons.join('; '));
  }

  addMessages(attempt, [{ role: 'user', content: repairRequest(verdict.reasons) }]);
  return undefined;
}

function complete(attempt: Attempt, verdict: Verdict & { type: 'valid' }): RunOutcome {
  const { kind, run } = attempt.options;
  const { output, checks } = verdict;
  const usage = usageOf(attempt);
  const deliverables = kind.files(output, {
    brief: run.brief,
    checks,
    byRules: attempt.byRules,
    submittedAt: run.submittedAt,
    model: usage.model,
  });

  return { type: 'complete', output, usage, checks, deliverables };
}

function repairRequest(reasons: string[]): string {
  return [
    'Your output did not pass. Each of these must be put right:',
    ...reasons.map((reason) => `- ${reason}`),
    'Reply with the whole corrected JSON object and nothing else.',
  ].join('\n');
}

function factsOf(attempt: Attempt): OutputFacts {
  const { brief, handoff, missing, submittedAt } = attempt.options.run;

  return { brief, handoff, missing, submittedAt, findings: findingsOf(attempt.messages) };
}

type Deadline = { signal: AbortSignal; seconds: number; stop(): void };

function startDeadline({ run, clock }: RunAgentOptions): Deadline {
  const maxMinutes = run.brief.limits?.max_minutes ?? Infinity;
  const seconds = Math.min(run.timeoutSeconds, maxMinutes * 60);
  const reached = new AbortController();
  const timer = new AbortController();

  void clock.delay(seconds * 1000, timer.signal).then(
    () => reached.abort(appError('run_timeout', { seconds })),
    // The run ended before its time: the timer was stopped.
    () => undefined,
  );

  return { signal: reached.signal, seconds, stop: () => timer.abort() };
}
