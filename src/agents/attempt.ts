// One attempt at a run while it is under way: its transcript, what it has spent, and when it must stop.
import type { AgentDefinition } from '../core/agent.ts';
import { appError, errorCatalogue, type ErrorCode } from '../core/errors.ts';
import type { Clock, Log, Model, Tool } from '../core/ports.ts';
import {
  addUsage,
  type AgentRun,
  type Answer,
  type CostRequest,
  type CostReservation,
  type Message,
  noUsage,
  type RunOutcome,
  type StepRecord,
  type Usage,
} from '../core/run.ts';
import type { Budget } from './budget.ts';
import { offlineModelName } from './models/offline.ts';
import type { OutputKind } from './outputs/kind.ts';
import type { Prices } from './prices.ts';

export type RunAgentOptions = {
  definition: AgentDefinition;
  run: AgentRun;
  kind: OutputKind;
  model: Model;
  /** All tools of this worker: the agent gets those that its definition names. */
  tools: Tool[];
  log: Log;
  clock: Clock;
  /** Aborts on shutdown, and when the run was cancelled or lost: the outcome is then `release`. */
  signal: AbortSignal;
  prices: Prices;
  /** Limits of the worker, where tighter than the agent's own. */
  budget?: Partial<Budget>;
  /** What the model name `default` stands for. */
  defaultModel?: string;
  /** Stores one step. A rejection is logged and the same step tried again with the next one. */
  record(step: StepRecord): Promise<Answer>;
  /** Sets money aside for a model call; asked only where the brief caps the cost of its task. */
  reserve(call: CostRequest): Promise<CostReservation>;
  /** Hears the model's text as it streams. */
  onText?(text: string): void;
};

export type Attempt = {
  options: RunAgentOptions;
  /** The caller's signal and the deadline in one. */
  signal: AbortSignal;
  /** The whole transcript; the loop puts the preamble before what was recorded. */
  messages: Message[];
  /** Messages at the end of the transcript that no step holds yet. */
  unrecorded: Message[];
  /** Steps that the database did not take yet. */
  unsent: StepRecord[];
  nextSeq: number;
  /** Usage of every recorded step, then of every call of this attempt. */
  spent: Usage[];
  models: string[];
  modelAt: number;
  tools: Tool[];
  /** True when the last reply came from a model by rules. */
  byRules: boolean;
};

const maxErrorChars = 4_000;

/** Sets an attempt up behind its last recorded step. */
export function beginAttempt(options: RunAgentOptions, signal: AbortSignal): Attempt {
  const { definition, run } = options;
  const steps = run.steps.toSorted((left, right) => left.seq - right.seq);
  const last = steps.at(-1);

  return {
    options,
    signal,
    messages: steps.flatMap((step) => step.messages),
    unrecorded: [],
    unsent: [],
    nextSeq: (last?.seq ?? 0) + 1,
    spent: steps.map((step) => step.usage),
    models: [definition.model, ...definition.fallback_models].map((name) =>
      name === 'default' ? (options.defaultModel ?? name) : name,
    ),
    modelAt: 0,
    tools: toolsOf(options),
    byRules: last?.usage.model === offlineModelName,
  };
}

export function addMessages(attempt: Attempt, messages: Message[]): void {
  attempt.messages.push(...messages);
  attempt.unrecorded.push(...messages);
}

/** Model calls of the whole run, earlier attempts included. */
export function countReplies(attempt: Attempt): number {
  return attempt.messages.filter((message) => message.role === 'assistant').length;
}

/** How often the model was sent its failures. After the preamble, no other message is the user's. */
export function countRepairs(attempt: Attempt): number {
  return attempt.messages.filter((message) => message.role === 'user').length - 1;
}

export function usageOf(attempt: Attempt): Usage {
  return attempt.spent.reduce(addUsage, noUsage);
}

/** An outcome that ends the run for good or until its next try, as the catalogue says of the code. */
export function failed(attempt: Attempt, code: ErrorCode, detail: string): RunOutcome {
  const error = {
    code,
    message: appError(code, { detail }).message.slice(0, maxErrorChars),
    retriable: errorCatalogue[code].retriable,
  };

  return { type: error.retriable ? 'retry' : 'fail', error, usage: usageOf(attempt) };
}

function toolsOf({ definition, tools, log }: RunAgentOptions): Tool[] {
  const known = tools.map((tool) => tool.spec.name);
  const absent = definition.tools.filter((name) => !known.includes(name));
  if (absent.length > 0) log.warn('tools are missing', { agent: definition.name, tools: absent });

  return tools.filter((tool) => definition.tools.includes(tool.spec.name));
}
