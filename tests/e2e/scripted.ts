// A language model for spawned daemons: it reads what it is sent, and answers as a copywriter who obeys every check.
import type { ServerResponse } from 'node:http';

import { z } from 'zod';

import { echoKind } from '../../src/agents/outputs/echo/echo.ts';
import { findingsOf } from '../../src/agents/transcript.ts';
import { Brief } from '../../src/core/brief.ts';
import { Message } from '../../src/core/run.ts';
import type { Variables } from '../support/daemon.ts';
import {
  type RawServer,
  startRawServer,
  writeEvents,
  writeReply,
} from '../support/model-server.ts';

/** The key that may turn up nowhere; not of a form that gives keys away. */
export const key = 'test-0123456789abcdef';

/** Which call of which task a request is: `step` counts the replies of the run, from 1. */
export type ModelCall = {
  title: string;
  step: number;
  /** The boot that asked, as far as it was given an address of its own; else empty. */
  boot: string;
  /** When it came, in milliseconds since 1970. */
  at: number;
};

export type Meeting = ModelCall & {
  response: ServerResponse;
  /** Answers with a tool call in the first `toolTurns` steps, then with a valid output. */
  reply(toolTurns?: number): void;
};
export type Behave = (meeting: Meeting) => void;

export type ScriptedModel = AsyncDisposable & {
  /** What makes a daemon ask this model. */
  variables: Variables;
  /** The same, so that its calls bear the name of one boot. */
  variablesOf(boot: string): Variables;
  /** Every call so far, in order of arrival. */
  calls(): ModelCall[];
  /** Says how calls for the task of that title are met; all others are met as by `usually`. */
  meet(title: string, behave: Behave): void;
};

export async function startScriptedModel(
  usually: Behave = ({ reply }) => reply(),
): Promise<ScriptedModel> {
  const behaviours = new Map<string, Behave>();
  const calls: ModelCall[] = [];
  const server: RawServer = await startRawServer((response, count, request) => {
    const { messages } = Request.parse(server.requests()[count - 1]);
    const [, boot = ''] = /^\/v1\/boot-([^/]+)\//.exec(request.url ?? '') ?? [];
    const call = { ...callOf(messages), boot, at: Date.now() };
    calls.push(call);
    const behave = behaviours.get(call.title) ?? usually;
    behave({ ...call, response, reply: (turns) => replyAsEcho(response, messages, turns) });
  });

  return {
    variables: { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: key },
    variablesOf: (boot) => ({ OPENAI_BASE_URL: `${server.url}/boot-${boot}`, OPENAI_API_KEY: key }),
    calls: () => calls,
    meet: (title, behave) => void behaviours.set(title, behave),
    [Symbol.asyncDispose]: server[Symbol.asyncDispose],
  };
}

const Request = z.looseObject({ messages: z.array(Message) });
const UserText = z.object({ content: z.string() });

function callOf(messages: Message[]): Pick<ModelCall, 'title' | 'step'> {
  const replies = messages.filter(({ role }) => role === 'assistant');

  return { title: briefOf(messages).title, step: replies.length + 1 };
}

function replyAsEcho(response: ServerResponse, messages: Message[], toolTurns = 0): void {
  const { step } = callOf(messages);
  if (step <= toolTurns) return writeToolCall(response, step);

  const output = echoKind.draft({
    brief: briefOf(messages),
    handoff: {},
    missing: [],
    findings: findingsOf(messages),
    submittedAt: submittedAtOf(messages),
  });
  writeReply(response, JSON.stringify(output), 'scripted-model');
}

function writeToolCall(response: ServerResponse, step: number): void {
  // Refused by the guard without a packet sent, and a different address each time.
  const call = { url: `http://127.0.0.1:9/${step}` };
  const called = {
    index: 0,
    id: `call_${step}`,
    type: 'function',
    function: { name: 'fetch_page', arguments: JSON.stringify(call) },
  };

  writeEvents(response, [
    { choices: [{ index: 0, delta: { role: 'assistant', content: '', tool_calls: [called] } }] },
    { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
    { choices: [], usage: { prompt_tokens: 100, completion_tokens: 20 } },
    '[DONE]',
  ]);
  response.end();
}

function briefOf(messages: Message[]): Brief {
  const [, json = ''] = /name="brief">\n(.*)\n<\/data/.exec(materialOf(messages)) ?? [];

  return Brief.parse(JSON.parse(json));
}

function submittedAtOf(messages: Message[]): string {
  const [, at = ''] = /submitted at (\S+)\. /.exec(materialOf(messages)) ?? [];

  return at;
}

function materialOf(messages: Message[]): string {
  return UserText.parse(messages.find(({ role }) => role === 'user')).content;
}
