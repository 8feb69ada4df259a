// Language models behind any OpenAI-shaped chat completions API: OpenAI, Gemini, Claude, Ollama and the like.
import { setTimeout } from 'node:timers/promises';

import { OpenAI } from 'openai';

import { AppError, appError } from '../../core/errors.ts';
import type { Model, ModelReply, ModelRequest } from '../../core/ports.ts';
import type { Usage } from '../../core/run.ts';
import { estimateTokens, tokensOfText } from '../budget.ts';
import { costOf, priceOf, type Prices } from '../prices.ts';
import { addChunk, type Assembly, Chunk, emptyAssembly, messageOf } from './assembly.ts';
import { faultOf } from './faults.ts';
import { withPlainErrors } from './plain-errors.ts';
import { startWatch, type Watch } from './watch.ts';
import { wireRequest } from './wire.ts';

export type OpenAIModelOptions = {
  /** May be empty for servers that want none, such as Ollama. */
  apiKey: string;
  baseURL: string;
  /** Milliseconds from the request to the response's headers. Node's fetch itself gives up after 300,000. */
  connectTimeoutMs: number;
  /** Milliseconds between two events of the stream. Node's fetch itself gives up after 300,000. */
  idleTimeoutMs: number;
  /** Further tries of a call that failed before its stream began. */
  maxRetries: number;
  prices: Prices;
  fetch?: typeof fetch;
};

// A provider that asks for a longer pause gets it: the run goes back to the queue and frees its slot meanwhile.
const longestWaitMs = 30_000;
const backoffMs = 500;
// Above this many characters for each token asked for, a server ignores the limit or never stops.
const maxCharsPerToken = 16;
const leastCharsAllowed = 64_000;
// The watch keeps time, so the SDK's own timer must never be first.
const never = 2_147_483_647;

/**
 * A model over HTTP. Tokens come from the provider's usage; where it sends none they are estimated at four
 * characters each, and the cost is null. Faults are AppErrors without the key; a `Retry-After` of up to 30 s is
 * waited for here, a longer one is handed on in `facts.retryAfterMs`.
 */
export function createOpenAIModel(options: OpenAIModelOptions): Model {
  const client = new OpenAI({
    apiKey: options.apiKey || 'none',
    baseURL: options.baseURL,
    organization: null,
    project: null,
    maxRetries: 0,
    timeout: never,
    logLevel: 'off',
    fetch: withPlainErrors(options.fetch ?? fetch),
  });

  return { kind: 'openai', reply: (request) => replyWithRetries(client, options, request) };
}

async function replyWithRetries(
  client: OpenAI,
  options: OpenAIModelOptions,
  request: ModelRequest,
): Promise<ModelReply> {
  for (let tried = 0; ; tried += 1) {
    using watch = startWatch(request.signal, options);
    const call = { options, request, watch, assembly: emptyAssembly() };
    try {
      return await reply(client, call);
    } catch (error) {
      request.signal.throwIfAborted();
      const fault = withUsage(watch.silence() ?? faultOf(error, options.apiKey), error, call);
      const waitMs = delayOf(fault, tried);
      if (watch.hasBegun() || tried >= options.maxRetries || waitMs === null) throw fault;

      await pause(waitMs, request.signal);
    }
  }
}

type Call = {
  options: OpenAIModelOptions;
  request: ModelRequest;
  watch: Watch;
  assembly: Assembly;
};

// A reply that began is paid for, whatever became of it. A broken event is one that the SDK did not hand on.
function withUsage(fault: AppError, error: unknown, call: Call): AppError {
  const hasBegun = call.watch.events() > 0 || error instanceof SyntaxError;
  if (!hasBegun || fault.facts.usage !== undefined) return fault;

  const usage = usageOf(call.assembly, call.request, call.options.prices);
  return new AppError(fault.code, fault.message, { facts: { ...fault.facts, usage } });
}

async function reply(
  client: OpenAI,
  { options, request, watch, assembly }: Call,
): Promise<ModelReply> {
  const maxChars = Math.max(leastCharsAllowed, request.maxOutputTokens * maxCharsPerToken);
  const stream = await client.chat.completions.create(wireRequest(request, options.baseURL), {
    signal: watch.signal,
  });
  watch.heard('response');

  for await (const event of stream) {
    watch.heard('event');
    const chunk = Chunk.safeParse(event);
    if (!chunk.success) throw garbled('an event of the stream has an unknown form');
    const text = addChunk(assembly, chunk.data);
    if (assembly.chars > maxChars) throw garbled(`the reply passed ${maxChars} characters`);
    if (text !== '') request.onText(text);
  }
  // An aborted stream ends without an error.
  watch.signal.throwIfAborted();

  const usage = usageOf(assembly, request, options.prices);
  assertWhole(assembly, usage);

  return { message: messageOf(assembly), usage };
}

function assertWhole(assembly: Assembly, usage: Usage): void {
  const isEmpty = assembly.text.trim() === '' && assembly.calls.length === 0;
  if (isEmpty && assembly.refusal !== '') {
    throw appError('model_refused', { detail: assembly.refusal.slice(0, 500), usage });
  }
  if (assembly.finishReason === null && assembly.chars === 0) {
    throw garbled('no event of a stream came: is OPENAI_BASE_URL the address of such an API?');
  }
  if (assembly.finishReason === null) {
    throw appError('model_unavailable', { detail: 'the stream ended before the reply', usage });
  }
  if (isEmpty) {
    const detail = `neither text nor tool calls, finish reason ${assembly.finishReason}`;
    throw appError('model_garbled', { detail, usage });
  }
}

function usageOf(assembly: Assembly, request: ModelRequest, prices: Prices): Usage {
  const { tokens, model } = assembly;
  const known = typeof tokens?.prompt_tokens === 'number';
  const spent = {
    tokensIn: Math.round(tokens?.prompt_tokens ?? estimateTokens(request)),
    tokensOut: Math.round(tokens?.completion_tokens ?? tokensOfText(writtenText(assembly))),
    tokensCached: Math.round(tokens?.prompt_tokens_details?.cached_tokens ?? 0),
  };
  const price = known ? priceOf(prices, [request.model, model]) : null;

  return { calls: 1, ...spent, costUsd: costOf(price, spent), model: model ?? request.model };
}

function writtenText({ text, calls }: Assembly): string {
  return text + calls.map((call) => call.name + call.arguments).join('');
}

function delayOf(fault: AppError, tried: number): number | null {
  if (!fault.retriable || fault.code === 'model_garbled') return null;
  const { retryAfterMs } = fault.facts;
  if (typeof retryAfterMs === 'number') return retryAfterMs <= longestWaitMs ? retryAfterMs : null;

  return Math.random() * backoffMs * 2 ** tried;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal });
  } catch (error) {
    // The timer rejects with an error of its own; callers are promised the signal's reason.
    signal.throwIfAborted();
    throw error;
  }
}

function garbled(detail: string): AppError {
  return appError('model_garbled', { detail });
}
