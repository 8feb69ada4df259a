// Reads a run's transcript: what comes next, which tools were called and what they answered.
import { z } from 'zod';

import type { Message } from '../core/run.ts';
import type { ToolFinding } from './outputs/kind.ts';

export const ToolCall = z.looseObject({
  id: z.string(),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
});
export type ToolCall = z.infer<typeof ToolCall>;

/** What is to be done next, read off the transcript alone: so a resumed run goes on by itself. */
export type Turn =
  | { type: 'ask' }
  | { type: 'call_tools'; calls: ToolCall[] }
  | { type: 'judge'; text: string };

const WithCalls = z.looseObject({ tool_calls: z.array(ToolCall) });
const WithAnswer = z.looseObject({ tool_call_id: z.string(), content: z.string() });
const TextPart = z.looseObject({ text: z.string() });
const Arguments = z.record(z.string(), z.unknown());
const Answered = z.union([
  z.object({ ok: z.literal(true), value: z.record(z.string(), z.unknown()) }),
  z.object({ ok: z.literal(false), error: z.string() }),
]);

export function toolCallsOf(message: Message): ToolCall[] {
  return WithCalls.safeParse(message).data?.tool_calls ?? [];
}

/** The text of a message, be it a string or a list of parts. */
export function textOf(message: Message): string {
  const { content } = message;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';

  return content.map((part) => TextPart.safeParse(part).data?.text ?? '').join('');
}

/** The turn that follows the last message. A reply without tool calls is an answer, whatever its finish reason. */
export function nextTurn(messages: Message[]): Turn {
  const at = messages.findLastIndex((message) => message.role === 'assistant');
  const reply = messages[at];
  if (reply === undefined) return { type: 'ask' };

  const later = messages.slice(at + 1);
  const calls = toolCallsOf(reply);
  if (calls.length === 0 && later.length === 0) return { type: 'judge', text: textOf(reply) };

  const answered = new Set(later.map((message) => message.tool_call_id));
  const open = calls.filter((call) => !answered.has(call.id));

  return open.length === 0 ? { type: 'ask' } : { type: 'call_tools', calls: open };
}

/** Every answered tool call of the run, in order. */
export function findingsOf(messages: Message[]): ToolFinding[] {
  const findings: ToolFinding[] = [];
  let open = new Map<string, ToolCall>();

  for (const message of messages) {
    if (message.role === 'assistant') {
      // Some providers use the same ids in every turn: an answer belongs to the turn before it.
      open = new Map(toolCallsOf(message).map((call) => [call.id, call]));
    }
    const answer = message.role === 'tool' ? WithAnswer.safeParse(message).data : undefined;
    const call = answer === undefined ? undefined : open.get(answer.tool_call_id);
    if (answer !== undefined && call !== undefined) findings.push(toFinding(call, answer.content));
  }

  return findings;
}

/** The arguments of a call, or null when they are no JSON object. */
export function argumentsOf(call: ToolCall): Record<string, unknown> | null {
  // A call without parameters comes with empty arguments from some providers.
  const parsed = parseJson(call.function.arguments.trim() || '{}');

  return Arguments.safeParse(parsed).data ?? null;
}

function toFinding(call: ToolCall, content: string): ToolFinding {
  const answer = Answered.safeParse(parseJson(content)).data;
  const failure = answer === undefined ? 'The answer cannot be read' : null;

  return {
    callId: call.id,
    tool: call.function.name,
    input: argumentsOf(call) ?? {},
    value: answer?.ok === true ? answer.value : null,
    error: answer?.ok === false ? answer.error : failure,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
