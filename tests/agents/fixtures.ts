// What the agents' tests work with: a small kind of output, a run, a tool, and a recorder in place of the database.
import { setTimeout } from 'node:timers/promises';

import { z } from 'zod';

import type { RunAgentOptions } from '../../src/agents/loop.ts';
import { createOpenAIModel, type OpenAIModelOptions } from '../../src/agents/models/openai.ts';
import type { OutputKind } from '../../src/agents/outputs/kind.ts';
import { AgentFrontMatter } from '../../src/core/agent.ts';
import { Brief } from '../../src/core/brief.ts';
import { AnyOutput, envelope } from '../../src/core/output.ts';
import type { Clock, Log, ModelRequest, Tool } from '../../src/core/ports.ts';
import type { AgentRun, Answer, StepRecord } from '../../src/core/run.ts';

const TinyOutput = envelope(
  'echo',
  z.object({ headline: z.string().max(40), score: z.number().int() }),
);

/** An output of two fields, a check on one of them, and rules that want one page measured. */
export const tinyKind: OutputKind<AnyOutput> = {
  agent: 'echo',
  schema: TinyOutput,
  check: (output) => [
    {
      id: 'echo.score',
      level: 'error',
      ok: Number(output.data.score) <= 10,
      path: 'data.score',
      measured: Number(output.data.score),
      limit: 10,
    },
  ],
  wants: () => [{ tool: 'measure', input: { url: 'https://example.com' } }],
  draft: (facts) =>
    AnyOutput.parse({
      ...validOutput,
      data: { headline: 'By rules', score: facts.findings.length },
    }),
  files: (output, about) => [
    {
      name: 'echo.md',
      kind: 'doc',
      mediaType: 'text/markdown',
      title: 'Echo',
      content: `${about.byRules ? 'by rules: ' : ''}${String(output.data.headline)}`,
    },
  ],
};

export const validOutput = {
  schema_version: 1,
  agent: 'echo',
  summary: 'A headline and a score for the client, measured on one page of theirs.',
  data: { headline: 'Bread that keeps', score: 7 },
  evidence: [],
  assumptions: ['No output of other agents was at hand.'],
  open_questions: [],
  confidence: 'medium',
};

export const validText = JSON.stringify(validOutput);

/** A valid answer but for these fields of its data. */
export function outputWith(changes: Record<string, unknown>): string {
  return JSON.stringify({ ...validOutput, data: { ...validOutput.data, ...changes } });
}

export const definition = {
  ...AgentFrontMatter.parse({
    name: 'echo',
    title: 'Writer',
    wave: 4,
    model: 'main-model',
    tools: ['measure', 'explode'],
  }),
  prompt: 'You write one headline.',
  hash: 'abc',
};

export const run: AgentRun = {
  id: 11,
  attempt: 1,
  taskId: '6f6f9a52-6a3c-4d0b-9a2e-0d7f6a1c2b3d',
  agent: 'echo',
  wave: 4,
  profile: 'parallel',
  brief: Brief.parse({ title: 'A bakery', description: 'A campaign for fresh bread.' }),
  handoff: {},
  missing: [],
  steps: [],
  timeoutSeconds: 600,
  submittedAt: '2026-11-22T21:00:00.000Z',
};

/** A tool that measures, and tells what it was given. */
export function measureTool(calls: unknown[] = []): Tool {
  return {
    spec: {
      name: 'measure',
      description: 'Measures a page',
      parameters: { type: 'object', properties: { url: { type: 'string' } } },
    },
    async run(input) {
      calls.push(input);
      return { ok: true, value: { url: z.looseObject({ url: z.string() }).parse(input).url } };
    },
  };
}

export const explodingTool: Tool = {
  spec: { name: 'explode', description: 'Fails', parameters: { type: 'object' } },
  run: () => Promise.reject(new Error('boom')),
};

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A log that keeps its lines, fields and all, as one text each. */
export function keptLog(): Log & { lines: string[] } {
  const lines: string[] = [];
  const keep = (message: string, fields?: Record<string, unknown>) => {
    lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  };

  return { lines, debug: keep, info: keep, warn: keep, error: keep };
}

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  delay: (ms, signal) => setTimeout(ms, undefined, { signal }),
};

/** Stands where the database would: keeps steps and gives these answers in turn, then `ok`. */
export function recorder(...answers: (Answer | Error)[]) {
  const steps: StepRecord[] = [];

  return {
    steps,
    async record(step: StepRecord): Promise<Answer> {
      const answer = answers.shift() ?? 'ok';
      if (answer instanceof Error) throw answer;
      steps.push(step);
      return answer;
    },
  };
}

/** The key that no error may show. */
export const key = 'sk-secret-123456';

export function openAIModel(url: string, options: Partial<OpenAIModelOptions> = {}) {
  return createOpenAIModel({
    apiKey: key,
    baseURL: url,
    connectTimeoutMs: 10_000,
    idleTimeoutMs: 10_000,
    maxRetries: 0,
    prices: {},
    ...options,
  });
}

/** Options for a run against the model server at `url`. */
export function optionsFor(url: string, changes: Partial<RunAgentOptions> = {}): RunAgentOptions {
  return {
    definition,
    run,
    kind: tinyKind,
    model: openAIModel(url),
    tools: [measureTool(), explodingTool],
    log: silentLog,
    clock: realClock,
    signal: new AbortController().signal,
    prices: {},
    record: recorder().record,
    reserve: async ({ wantUsd }) => ({ answer: 'granted', usd: wantUsd }),
    ...changes,
  };
}

/** A request of one message. */
export function requestOf(changes: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: 'main-model',
    messages: [{ role: 'user', content: 'Hello' }],
    tools: [],
    maxOutputTokens: 1_000,
    signal: new AbortController().signal,
    onText: () => undefined,
    run,
    ...changes,
  };
}
