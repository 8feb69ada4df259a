// What the model's workers send: outcomes and steps that carry the mark of the attempt that made them.
import type { DeliveryOutcome } from '../../../src/core/delivery.ts';
import type { Token } from '../../../src/core/queue.ts';
import { noUsage, type RunOutcome, type StepRecord } from '../../../src/core/run.ts';
import type { Ending } from './reference/outcomes.ts';

/** Tells whose work a file, an output or a step is. */
export function markOf({ id, attempt }: Token): string {
  return `attempt ${attempt} of ${id}`;
}

const error = { code: 'model_unavailable', message: 'it did not answer', retriable: true };

export function runOutcome(
  run: Token & { agent: string },
  ending: Ending,
  retryAfterMs: number,
): RunOutcome {
  switch (ending) {
    case 'done':
      return { type: 'complete', usage: noUsage, checks: [], ...resultOf(run) };
    case 'retry':
      return { type: 'retry', error, usage: noUsage, ...waitOf(retryAfterMs) };
    case 'fail':
      return { type: 'fail', error: { ...error, retriable: retryAfterMs > 0 }, usage: noUsage };
    case 'release':
      return { type: 'release' };
  }
}

export function deliveryOutcome(ending: Ending, retryAfterMs: number): DeliveryOutcome {
  switch (ending) {
    case 'done':
      return { type: 'delivered', result: {} };
    case 'retry':
      return { type: 'retry', error, ...waitOf(retryAfterMs) };
    case 'fail':
      return { type: 'fail', error };
    case 'release':
      return { type: 'release' };
  }
}

export function stepRecord({ id, attempt }: Token, seq: number): StepRecord {
  return {
    runId: id,
    attempt,
    seq,
    messages: [{ role: 'assistant', content: `step ${seq} of ${markOf({ id, attempt })}` }],
    usage: noUsage,
    progress: { label: `step ${seq}`, percent: null, aiMessage: null },
  };
}

function waitOf(retryAfterMs: number): { retryAfterMs?: number } {
  return retryAfterMs === 0 ? {} : { retryAfterMs };
}

function resultOf(run: Token & { agent: string }) {
  const output = {
    schema_version: 1 as const,
    agent: run.agent,
    summary: `What ${run.agent} found, told in a sentence that is long enough.`,
    data: { mark: markOf(run) },
    evidence: [],
    uses: [],
    assumptions: [],
    open_questions: [],
    confidence: 'low' as const,
  };
  const file = {
    name: `${run.agent}.md`,
    kind: 'doc' as const,
    mediaType: 'text/markdown',
    title: run.agent,
    content: markOf(run),
  };

  return { output, deliverables: [file] };
}
