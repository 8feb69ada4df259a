// A claimed run and what can become of it: the contract between the queue and the work.
import { z } from 'zod';

import type { Brief } from './brief.ts';
import { AnyOutput, type Check } from './output.ts';
import { TaskProfile } from './task.ts';

/** Token counts and money of one or more model calls. `costUsd` is null when any price is unknown. */
export const Usage = z.object({
  calls: z.number().int(),
  tokensIn: z.number().int(),
  tokensOut: z.number().int(),
  tokensCached: z.number().int(),
  costUsd: z.number().nullable(),
  model: z.string().nullable(),
});
export type Usage = z.infer<typeof Usage>;

export const noUsage: Usage = {
  calls: 0,
  tokensIn: 0,
  tokensOut: 0,
  tokensCached: 0,
  costUsd: 0,
  model: null,
};

/** Adds two usages; an unknown cost stays unknown. */
export function addUsage(left: Usage, right: Usage): Usage {
  return {
    calls: left.calls + right.calls,
    tokensIn: left.tokensIn + right.tokensIn,
    tokensOut: left.tokensOut + right.tokensOut,
    tokensCached: left.tokensCached + right.tokensCached,
    costUsd: left.costUsd === null || right.costUsd === null ? null : left.costUsd + right.costUsd,
    model: right.model ?? left.model,
  };
}

/** A chat message as the OpenAI wire has it; unknown fields are kept, since providers want them back. */
export const Message = z.looseObject({ role: z.enum(['system', 'user', 'assistant', 'tool']) });
export type Message = z.infer<typeof Message>;

/** One recorded loop iteration: the messages it added to the transcript, the model's reply last. */
export const RecordedStep = z.object({
  seq: z.number().int(),
  messages: z.array(Message),
  usage: Usage,
});
export type RecordedStep = z.infer<typeof RecordedStep>;

/** A run as claimed, with everything needed to work. `attempt` fences: older attempts change nothing. */
export const ClaimedRun = z.object({
  id: z.number().int(),
  attempt: z.number().int(),
  taskId: z.uuid(),
  agent: z.string(),
  wave: z.number().int(),
  profile: TaskProfile,
  /** As stored: briefs that came by plain SQL are checked by the lane, before the agent sees them. */
  brief: z.record(z.string(), z.unknown()),
  /** Outputs of finished earlier waves by agent name (profile `waves`); empty under `parallel`. */
  handoff: z.record(z.string(), AnyOutput),
  /** Agents of earlier waves that did not deliver; their loss must be listed under `assumptions`. */
  missing: z.array(z.string()),
  /** Steps of interrupted attempts, in order: the run resumes after the last. */
  steps: z.array(RecordedStep),
  /** Seconds this attempt may take in all. */
  timeoutSeconds: z.number(),
  /** How often its worker died before it had recorded a step; absent where that never happened. */
  losses: z.number().int().optional(),
  /** When the task was submitted, ISO 8601. */
  submittedAt: z.string(),
});
export type ClaimedRun = z.infer<typeof ClaimedRun>;

/** A claimed run whose brief has been checked: what an agent works on. */
export type AgentRun = Omit<ClaimedRun, 'brief'> & { brief: Brief };

export const RunError = z.object({
  /** A code of the catalogue in `errors.ts`. */
  code: z.string(),
  message: z.string(),
  retriable: z.boolean(),
});
export type RunError = z.infer<typeof RunError>;

/** A file that an agent delivers, made by code from its structured output. */
export type DeliverableFile = {
  /** File name within the agent's folder, such as `vision-brand-and-market.md`. */
  name: string;
  kind: 'doc' | 'sheet' | 'json' | 'image' | 'html' | 'other';
  mediaType: string;
  title: string;
  content: string | Uint8Array;
  /** The structured data behind the file, for readers of the database. */
  data?: Record<string, unknown>;
};

/** What came of one attempt at a run. */
export type RunOutcome =
  | {
      type: 'complete';
      output: AnyOutput;
      usage: Usage;
      checks: Check[];
      deliverables: DeliverableFile[];
    }
  | { type: 'retry'; error: RunError; usage: Usage; retryAfterMs?: number }
  | { type: 'fail'; error: RunError; usage: Usage }
  | { type: 'release' };

/** How the database took one outcome, step or beat. */
export const Answer = z.enum(['ok', 'already', 'lost', 'cancelled']);
export type Answer = z.infer<typeof Answer>;

/** One step to record: what the loop added, and the line people see. */
export type StepRecord = {
  runId: number;
  attempt: number;
  seq: number;
  messages: Message[];
  usage: Usage;
  progress: { label: string; percent: number | null; aiMessage: string | null };
};

/** Asks for money for one model call of a run, the one that will be the step `seq`; `wantUsd` 0 gives it back. */
export type CostRequest = {
  runId: number;
  attempt: number;
  seq: number;
  /** What the call costs at most, with the longest reply it may have. */
  wantUsd: number;
  /** What it costs with the shortest reply that is of use. */
  leastUsd: number;
};

/** What the cost cap of the task leaves for a call; `wait` while calls under way hold money that they may not need. */
export const CostReservation = z.discriminatedUnion('answer', [
  z.object({ answer: z.literal('granted'), usd: z.number() }),
  z.object({
    answer: z.enum(['wait', 'spent']),
    capUsd: z.number(),
    spentUsd: z.number(),
    reservedUsd: z.number(),
  }),
  z.object({ answer: z.enum(['lost', 'cancelled']) }),
]);
export type CostReservation = z.infer<typeof CostReservation>;
