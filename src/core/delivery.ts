// A claimed delivery, the task it speaks of, and what can become of it.
import { z } from 'zod';

import { RunError, Usage } from './run.ts';
import { RunStatus, TaskStatus } from './task.ts';

export const DeliverableSummary = z.object({
  id: z.uuid(),
  runId: z.number().int(),
  agent: z.string(),
  name: z.string(),
  kind: z.string(),
  mediaType: z.string(),
  title: z.string(),
  bytes: z.number().int(),
  sha256: z.string(),
});
export type DeliverableSummary = z.infer<typeof DeliverableSummary>;

/** One agent's part of an ended task, as sinks show it. */
export const DeliveredRun = z.object({
  id: z.number().int(),
  agent: z.string(),
  title: z.string(),
  wave: z.number().int(),
  status: RunStatus,
  summary: z.string().nullable(),
  error: RunError.nullable(),
  usage: Usage.nullable(),
  model: z.string().nullable(),
});
export type DeliveredRun = z.infer<typeof DeliveredRun>;

/** An ended task as sinks see it. `outcome` is the status that the task will have once delivered. */
export const DeliveredTask = z.object({
  id: z.uuid(),
  title: z.string(),
  description: z.string(),
  outcome: TaskStatus,
  folderName: z.string(),
  folderUrl: z.string().nullable(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  /** When the last run ended, ISO 8601; absent or null where nobody recorded it. */
  endedAt: z.string().nullable().optional(),
  /** The whole brief as submitted, attachments without their content; title and description suffice. */
  brief: z.record(z.string(), z.unknown()).optional(),
  runs: z.array(DeliveredRun),
  deliverables: z.array(DeliverableSummary),
});
export type DeliveredTask = z.infer<typeof DeliveredTask>;

export const ClaimedDelivery = z.object({
  id: z.number().int(),
  attempt: z.number().int(),
  sink: z.string(),
  stage: z.number().int(),
  target: z.string().nullable(),
  timeoutSeconds: z.number(),
  task: DeliveredTask,
});
export type ClaimedDelivery = z.infer<typeof ClaimedDelivery>;

/** What came of one try at a delivery; `result` keeps ids and links that make a repeat harmless. */
export type DeliveryOutcome =
  | { type: 'delivered'; folderUrl?: string; result: Record<string, unknown> }
  | {
      type: 'retry';
      error: RunError;
      retryAfterMs?: number;
      /** What was achieved all the same; absent keeps what is known. */
      result?: Record<string, unknown>;
    }
  | { type: 'fail'; error: RunError; result?: Record<string, unknown> }
  | { type: 'release' };
