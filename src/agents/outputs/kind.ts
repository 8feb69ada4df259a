// What the runner needs to know of one agent's output: its schema, checks, draft by rules and files.
import type { z } from 'zod';

import type { Brief } from '../../core/brief.ts';
import type { AnyOutput, Check } from '../../core/output.ts';
import type { DeliverableFile } from '../../core/run.ts';
import type { AgentName } from '../../core/task.ts';

/** A tool call that was made during the run, with what it answered. */
export type ToolFinding = {
  callId: string;
  tool: string;
  input: Record<string, unknown>;
  /** The tool's value, or null when it failed. */
  value: Record<string, unknown> | null;
  error: string | null;
};

/** Everything known when an output is drafted or checked. */
export type OutputFacts = {
  brief: Brief;
  /** Outputs of earlier waves by agent name; their `data` is read with that agent's own schema. */
  handoff: Record<string, AnyOutput>;
  /** Agents of earlier waves that failed: each must be named under `assumptions`. */
  missing: string[];
  findings: ToolFinding[];
  /** When the task was submitted, ISO 8601: dates in drafts count from here, so that drafts repeat exactly. */
  submittedAt: string;
};

/** A first tool call that the draft by rules wants made, such as auditing the client's page. */
export type WantedCall = { tool: string; input: Record<string, unknown> };

/** One agent's kind of output. `Output` is the zod-checked envelope with the agent's own `data`. */
export type OutputKind<Output extends AnyOutput = AnyOutput> = {
  agent: AgentName;
  schema: z.ZodType<Output>;
  /** Mechanical checks beyond the schema. Pure. */
  check(output: Output, facts: OutputFacts): Check[];
  /** Tool calls that the draft by rules is built on; only tools that the agent has. */
  wants(facts: OutputFacts): WantedCall[];
  /** A draft by rules from the brief and the findings: valid against `schema` and passing `check`. */
  draft(facts: OutputFacts): Output;
  /** The files a client reads: at least one Markdown document and one CSV sheet. */
  files(output: Output, about: FileContext): DeliverableFile[];
};

export type FileContext = {
  brief: Brief;
  checks: Check[];
  /** True when the draft was made by rules: every file says so. */
  byRules: boolean;
  model: string | null;
  /** When the task was submitted, ISO 8601: the date on the documents. */
  submittedAt?: string;
};
