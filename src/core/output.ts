// The envelope that every agent's structured output shares, and the checks made on it.
import { z } from 'zod';

import type { AgentName } from './task.ts';

export const Evidence = z.object({
  id: z.string().regex(/^E\d+$/),
  claim: z.string().min(1),
  kind: z.enum(['page', 'upload', 'api', 'brief', 'calc', 'model_estimate']),
  url: z.string().optional(),
  file: z.string().optional(),
  sql: z.string().optional(),
  tool_call_id: z.string().optional(),
  value: z.union([z.string(), z.number()]).optional(),
  retrieved_at: z.string().optional(),
});
export type Evidence = z.infer<typeof Evidence>;

/** `at` is where in this output the upstream item is used, as a path such as `data.headlines[0]`. */
export const Use = z.object({ upstream_id: z.string().min(1), at: z.string() });

/** The envelope around one agent's `data`. `summary` is plain text; its first line goes to notifications. */
export function envelope<Data extends z.ZodType>(agent: AgentName, data: Data) {
  return z.object({
    schema_version: z.literal(1),
    agent: z.literal(agent),
    summary: z.string().min(40).max(600),
    data,
    evidence: z.array(Evidence).max(500),
    uses: z.array(Use).max(500).default([]),
    assumptions: z.array(z.string()).max(100).default([]),
    open_questions: z.array(z.string()).max(100).default([]),
    confidence: z.enum(['low', 'medium', 'high']),
  });
}

/** Any agent's output with its `data` not looked into: what the queue stores and hands on. */
export const AnyOutput = envelope('vision', z.record(z.string(), z.unknown())).extend({
  agent: z.string(),
});
export type AnyOutput = z.infer<typeof AnyOutput>;

/** One mechanical finding about an output, written by the runner and never by a model. */
export type Check = {
  id: string;
  /** An `error` sends the output back to the model; a `warn` is shown. */
  level: 'error' | 'warn';
  ok: boolean;
  path: string;
  measured: string | number;
  limit: string | number;
};
