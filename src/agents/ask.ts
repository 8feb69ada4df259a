// One model call of an attempt: limits before it, fallback models when it fails, one recorded step after it.
import { type AppError, isAppError, messageOf } from '../core/errors.ts';
import type { ModelReply } from '../core/ports.ts';
import { type Answer, type RunOutcome, Usage } from '../core/run.ts';
import { orAborted } from '../core/abort.ts';
import {
  addMessages,
  type Attempt,
  countRepairs,
  countReplies,
  failed,
  usageOf,
} from './attempt.ts';
import { allowanceOf, estimateTokens } from './budget.ts';
import { priceOf } from './prices.ts';
import { progressOf } from './progress.ts';

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

  const answer = await recordStep(attempt, asked.reply);

  // Somebody else owns the run now, or nobody wants it: whatever we say, the queue will not hear it.
  return answer === 'lost' || answer === 'cancelled' ? { type: 'release' } : undefined;
}

async function askAnyModel(attempt: Attempt): Promise<Asked> {
  let lastFault: AppError | undefined;
  for (; attempt.modelAt < attempt.models.length; attempt.modelAt += 1) {
    try {
      return await askModel(attempt);
    } catch (error) {
      attempt.signal.throwIfAborted();
      if (!isAppError(error)) throw error;
      countFailed(attempt, error);
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
  const allowance = allowanceFor(attempt, name);
  if (allowance.type === 'over') {
    return { type: 'ended', outcome: failed(attempt, 'over_budget', allowance.detail) };
  }

  const reply = await orAborted(
    model.reply({
      model: name,
      messages: attempt.messages,
      tools,
      maxOutputTokens: allowance.maxOutputTokens,
      signal: attempt.signal,
      onText: (text) => attempt.options.onText?.(text),
      run,
    }),
    attempt.signal,
  );

  return { type: 'replied', reply };
}

function allowanceFor(attempt: Attempt, model: string): ReturnType<typeof allowanceOf> {
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
    tokensIn: estimateTokens({
      messages: attempt.messages,
      tools: attempt.tools.map((tool) => tool.spec),
    }),
    maxOutputTokens: limits.max_output_tokens,
    price: priceOf(prices, [model]),
  });
}

// A reply that came whole but held nothing of use was paid for all the same.
function countFailed(attempt: Attempt, error: AppError): void {
  const usage = Usage.safeParse(error.facts.usage);
  if (usage.success) attempt.spent.push(usage.data);
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

async function recordStep(attempt: Attempt, reply: ModelReply): Promise<Answer> {
  const { run } = attempt.options;
  attempt.unsent.push({
    runId: run.id,
    attempt: run.attempt,
    seq: attempt.nextSeq,
    messages: attempt.unrecorded,
    usage: reply.usage,
    progress: progressOf(reply.message, attempt.nextSeq, countRepairs(attempt)),
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
      if (answer === 'lost' || answer === 'cancelled') return answer;
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
