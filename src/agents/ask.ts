// One model call of an attempt: limits before it, fallback models when it fails, one recorded step after it.
import { type AppError, isAppError, messageOf } from '../core/errors.ts';
import type { ModelReply } from '../core/ports.ts';
import { type Answer, type RunOutcome, type StepRecord, Usage } from '../core/run.ts';
import { orAborted } from '../core/abort.ts';
import {
  addMessages,
  type Attempt,
  countRepairs,
  countReplies,
  failed,
  usageOf,
} from './attempt.ts';
import { allowanceOf, estimateTokens, leastReplyTokens, tokensOfText } from './budget.ts';
import { priceOf } from './prices.ts';
import { progressOf } from './progress.ts';
import { releaseCost, reserveCost } from './reserve.ts';

type Asked = { type: 'replied'; reply: ModelReply } | { type: 'ended'; outcome: RunOutcome };

/** Calls the model and records the step. Returns an outcome when the run ends here, else nothing. */
export async function ask(attempt: Attempt): Promise<RunOutcome | undefined> {
  const { definition, log, run, model } = attempt.options;
  const { max_steps: maxSteps } = definition.limits;
  if (countReplies(attempt) >= maxSteps) {
    return failed(attempt, 'steps_exhausted', `${maxSteps} replies and no valid output`);
  }

  const asked = await askAnyModel(attempt);
  if (asked.type === 'ended') return asked.outcome;

  const { message, usage } = asked.reply;
  attempt.spent.push(usage);
  attempt.byRules = model.kind === 'offline';
  addMessages(attempt, [message]);
  log.debug('model replied', { runId: run.id, seq: attempt.nextSeq, usage });

  const progress = progressOf(message, attempt.nextSeq, countRepairs(attempt));
  const answer = await recordStep(attempt, usage, progress);

  return isOver(answer) ? { type: 'release' } : undefined;
}

// Somebody else owns the run now, or nobody wants it: whatever we say, the queue will not hear it.
function isOver(answer: Answer): boolean {
  return answer === 'lost' || answer === 'cancelled';
}

async function askAnyModel(attempt: Attempt): Promise<Asked> {
  let lastFault: AppError | undefined;
  for (; attempt.modelAt < attempt.models.length; attempt.modelAt += 1) {
    try {
      return await askModel(attempt);
    } catch (error) {
      attempt.signal.throwIfAborted();
      if (!isAppError(error)) throw error;
      if (isOver(await countFailed(attempt, error))) {
        return { type: 'ended', outcome: { type: 'release' } };
      }
      if (!mayFallBack(error)) return ended(attempt, error);
      // A fault that may pass says more about the run's chances than a fallback that does not exist.
      lastFault = lastFault?.retriable === true && !error.retriable ? lastFault : error;
      logFallback(attempt, error);
    }
  }

  // The next attempt begins with the first model again.
  if (lastFault === undefined) throw new Error('the agent names no model');
  return ended(attempt, lastFault);
}

async function askModel(attempt: Attempt): Promise<Asked> {
  const { model, run } = attempt.options;
  const name = attempt.models[attempt.modelAt] ?? '';
  const tools = attempt.tools.map((tool) => tool.spec);
  const allowance = await allowedReply(attempt, name);
  if (allowance.type === 'ended') return allowance;

  let streamed = '';
  const replying = model.reply({
    model: name,
    messages: attempt.messages,
    tools,
    maxOutputTokens: allowance.maxOutputTokens,
    signal: attempt.signal,
    onText(text) {
      streamed += text;
      attempt.options.onText?.(text);
    },
    run,
  });
  try {
    return { type: 'replied', reply: await orAborted(replying, attempt.signal) };
  } catch (error) {
    if (attempt.signal.aborted && streamed !== '') {
      attempt.spent.push(estimatedUsage(attempt, name, streamed));
    }
    throw error;
  }
}

type Allowed = { type: 'allowed'; maxOutputTokens: number } | (Asked & { type: 'ended' });

// First within the limits of the run, then within the cap of its task.
async function allowedReply(attempt: Attempt, model: string): Promise<Allowed> {
  const tokensIn = tokensInOf(attempt);
  const own = allowanceFor(attempt, { model, tokensIn });
  if (own.type === 'over') return overBudget(attempt, own.detail);

  const { maxOutputTokens } = own;
  const reserved = await reserveCost(attempt, {
    model,
    tokensIn,
    leastOutputTokens: Math.min(leastReplyTokens, maxOutputTokens),
    maxOutputTokens,
  });

  switch (reserved.type) {
    case 'granted':
      return { type: 'allowed', maxOutputTokens: reserved.maxOutputTokens };
    case 'over':
      return overBudget(attempt, reserved.detail);
    case 'gone':
      return { type: 'ended', outcome: { type: 'release' } };
  }
}

function overBudget(attempt: Attempt, detail: string): Asked & { type: 'ended' } {
  return { type: 'ended', outcome: failed(attempt, 'over_budget', detail) };
}

// Of a reply that was cut off by our own deadline, nobody says any more what it cost.
function estimatedUsage(attempt: Attempt, model: string, streamed: string): Usage {
  return {
    calls: 1,
    tokensIn: tokensInOf(attempt),
    tokensOut: tokensOfText(streamed),
    tokensCached: 0,
    costUsd: null,
    model,
  };
}

function tokensInOf({ messages, tools }: Attempt): number {
  return estimateTokens({ messages, tools: tools.map((tool) => tool.spec) });
}

function allowanceFor(
  attempt: Attempt,
  { model, tokensIn }: { model: string; tokensIn: number },
): ReturnType<typeof allowanceOf> {
  const { definition, run, budget, prices } = attempt.options;
  const { limits } = definition;
  // Rules cost nothing: only their steps are counted.
  if (attempt.options.model.kind === 'offline') {
    return { type: 'affordable', maxOutputTokens: limits.max_output_tokens };
  }

  return allowanceOf({
    budget: {
      maxTokens: Math.min(limits.max_tokens, budget?.maxTokens ?? Infinity),
      maxCostUsd: Math.min(
        limits.max_cost_usd,
        budget?.maxCostUsd ?? Infinity,
        run.brief.limits?.max_cost_usd ?? Infinity,
      ),
    },
    spent: attempt.spent,
    tokensIn,
    maxOutputTokens: limits.max_output_tokens,
    price: priceOf(prices, [model]),
  });
}

// A reply of no use was paid for all the same. As a step without a message of its own, it also counts when the run
// is tried again.
async function countFailed(attempt: Attempt, error: AppError): Promise<Answer> {
  const { success, data: usage } = Usage.safeParse(error.facts.usage);
  if (!success) {
    await releaseCost(attempt);
    return 'ok';
  }

  attempt.spent.push(usage);
  return await recordStep(attempt, usage, {
    label: `step ${attempt.nextSeq}: a reply of no use`,
    percent: null,
    aiMessage: null,
  });
}

// A model that is unknown (404) may be known by another name; other refusals would meet any model.
function mayFallBack(error: AppError): boolean {
  if (error.code === 'model_refused') return error.facts.unknownModel === true;

  return error.code === 'model_unavailable' || error.code === 'model_garbled';
}

function logFallback(attempt: Attempt, error: AppError): void {
  const { log, run } = attempt.options;
  const [model, next] = attempt.models.slice(attempt.modelAt);
  log.warn('model failed', { runId: run.id, model, next, code: error.code, error: error.message });
}

function ended(attempt: Attempt, error: AppError): Asked {
  const { retryAfterMs } = error.facts;
  const runError = { code: error.code, message: error.message, retriable: error.retriable };
  const usage = usageOf(attempt);
  if (!error.retriable) return { type: 'ended', outcome: { type: 'fail', error: runError, usage } };

  // The provider's own delay beats our backoff: it knows its queue.
  const delay = typeof retryAfterMs === 'number' ? { retryAfterMs } : {};

  return { type: 'ended', outcome: { type: 'retry', error: runError, usage, ...delay } };
}

async function recordStep(
  attempt: Attempt,
  usage: Usage,
  progress: StepRecord['progress'],
): Promise<Answer> {
  const { run } = attempt.options;
  attempt.unsent.push({
    runId: run.id,
    attempt: run.attempt,
    seq: attempt.nextSeq,
    messages: attempt.unrecorded,
    usage,
    progress,
  });
  attempt.unrecorded = [];
  attempt.nextSeq += 1;

  return await sendSteps(attempt);
}

// Steps are sent in order, and each exactly as it was first sent: a repeat after a lost reply changes nothing.
async function sendSteps(attempt: Attempt): Promise<Answer> {
  const { log, record, run } = attempt.options;
  for (let step = attempt.unsent[0]; step !== undefined; step = attempt.unsent[0]) {
    try {
      const answer = await orAborted(record(step), attempt.signal);
      if (isOver(answer)) return answer;
      attempt.unsent.shift();
    } catch (error) {
      attempt.signal.throwIfAborted();
      // The reply is paid for: the work goes on while the database is away, and its outcome can still be settled.
      log.warn('step not recorded', { runId: run.id, seq: step.seq, error: messageOf(error) });
      return 'ok';
    }
  }

  return 'ok';
}
