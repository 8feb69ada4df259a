// The ports through which the folders meet: each is a few functions, implemented elsewhere.
import type { AgentDefinition } from './agent.ts';
import type { Brief } from './brief.ts';
import type { ClaimedDelivery, DeliverableSummary, DeliveryOutcome } from './delivery.ts';
import type { AgentRun, Message, Usage } from './run.ts';

/** Structured logging: a fact and its fields. Never a secret; prompts at debug only. */
export type Log = {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
};

/** Time. `now` is wall time in ms since 1970; `monotonic` never jumps; `delay` rejects when aborted. */
export type Clock = {
  now(): number;
  monotonic(): number;
  delay(ms: number, signal?: AbortSignal): Promise<void>;
};

/** What a model is told of a tool. `parameters` is a JSON schema of an object. */
export type ToolSpec = { name: string; description: string; parameters: Record<string, unknown> };

/** One call of a model: the whole transcript so far, and the tools that it may ask for. */
export type ModelRequest = {
  model: string;
  messages: Message[];
  tools: ToolSpec[];
  maxOutputTokens: number;
  /** Aborts the call; the promise then rejects with the signal's reason. */
  signal: AbortSignal;
  /** Called with each piece of streamed text. */
  onText(text: string): void;
  /** The run behind the request: models by rules read it, language models must not need it. */
  run: AgentRun;
};

/** A model's reply: the assistant message as it came, unknown fields kept. */
export type ModelReply = { message: Message; usage: Usage };

/**
 * A model provider. Throws AppError `model_unavailable`, `model_rate_limited` (with `facts.retryAfterMs`
 * where the provider named a delay), `model_refused` or `model_garbled`; nothing else but the abort reason.
 */
export type Model = {
  /** `openai` or `offline`; the latter's outputs are labelled as drafts by rules. */
  kind: 'openai' | 'offline';
  reply(request: ModelRequest): Promise<ModelReply>;
};

/** What a tool may use while it works. */
export type ToolContext = { brief: Brief; signal: AbortSignal; log: Log };

/** A tool's result: JSON for the model. A failure is a value too, with a text that says what to do. */
export type ToolResult =
  | { ok: true; value: Record<string, unknown> }
  | { ok: false; error: string };

/** A tool that agents can call. `run` never throws but for the abort reason; bad input is a failed result. */
export type Tool = {
  spec: ToolSpec;
  run(input: unknown, context: ToolContext): Promise<ToolResult>;
};

/** The agents this worker knows, read from `agents/*.md`, and read anew when a file changes. */
export type AgentLibrary = {
  get(name: string): AgentDefinition | undefined;
  list(): AgentDefinition[];
};

/**
 * Where a delivery goes. `deliver` may be repeated: it leaves one result however often it runs. It rejects
 * with the signal's reason when aborted (only the caller knows what an abort means) and never otherwise.
 */
export type Sink = {
  name: string;
  /** 0 publishes files; 1 notifies, after every delivery of stage 0 has ended. */
  stage: 0 | 1;
  /** Places within the sink, such as chats: a task gets a delivery for each, its `target`. Absent: one for all. */
  targets?: readonly string[];
  deliver(delivery: ClaimedDelivery, context: SinkContext): Promise<DeliveryOutcome>;
};

export type SinkContext = {
  log: Log;
  signal: AbortSignal;
  /**
   * To be called right before each effect outside. Throws the abort reason; aborts first where this machine has been
   * silent for longer than its lease, as after a sleep: others may be at the same delivery.
   */
  check(): void;
  /** The bytes of one deliverable. */
  read(deliverable: DeliverableSummary): Promise<Uint8Array>;
};
