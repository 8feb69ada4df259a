// Runs the tool calls of one turn in parallel and turns every result, also a failure, into a message.
import { closest } from 'fastest-levenshtein';

import { messageOf } from '../core/errors.ts';
import type { Tool, ToolContext, ToolResult } from '../core/ports.ts';
import type { Message } from '../core/run.ts';
import { orAborted } from '../core/abort.ts';
import { fitJson } from './fit.ts';
import { argumentsOf, type ToolCall } from './transcript.ts';

const maxCallsPerTurn = 16;
const maxResultChars = 40_000;
const maxErrorChars = 4_000;

/**
 * Answers every call, in the order of the calls. Unknown tools, bad arguments and tools that throw become
 * failed results for the model to read; only the abort reason is thrown.
 */
export async function runToolCalls(
  calls: ToolCall[],
  tools: Tool[],
  context: ToolContext,
): Promise<Message[]> {
  return await Promise.all(
    calls.map(async (call, position) => {
      const result =
        position < maxCallsPerTurn
          ? await runToolCall(call, tools, context)
          : failure(`Not called: at most ${maxCallsPerTurn} tool calls in one turn. Ask again.`);

      return { role: 'tool', tool_call_id: call.id, content: contentOf(call.id, result) };
    }),
  );
}

async function runToolCall(
  call: ToolCall,
  tools: Tool[],
  context: ToolContext,
): Promise<ToolResult> {
  const { name } = call.function;
  const tool = tools.find((candidate) => candidate.spec.name === name);
  if (tool === undefined) return failure(unknownTool(name, tools));

  const input = argumentsOf(call);
  if (input === null) {
    return failure(
      `The arguments are not a JSON object. They began: ${call.function.arguments.slice(0, 200)}`,
    );
  }

  try {
    return await orAborted(tool.run(input, context), context.signal);
  } catch (error) {
    context.signal.throwIfAborted();
    context.log.warn('tool failed', { tool: name, error: messageOf(error) });

    return failure(`The tool failed: ${messageOf(error)}`);
  }
}

function unknownTool(name: string, tools: Tool[]): string {
  const names = tools.map((tool) => tool.spec.name);
  if (names.length === 0) return `There is no tool ${name}, nor any other: answer without tools.`;

  return `There is no tool ${name}: did you mean ${closest(name, names)}? Tools: ${names.join(', ')}.`;
}

// The id is repeated in the text, since models cite it as evidence and some providers do not show it to them.
function contentOf(id: string, result: ToolResult): string {
  const failed = (error: string) =>
    JSON.stringify({ tool_call_id: id, ok: false, error: error.slice(0, maxErrorChars) });
  if (!result.ok) return failed(result.error);

  try {
    const { value, cut } = fitJson(result.value, maxResultChars);
    const note = `Too long for one result: texts and lists were cut to ${maxResultChars} characters in all.`;

    return JSON.stringify({ tool_call_id: id, ok: true, value, ...(cut ? { note } : {}) });
  } catch (error) {
    return failed(`The tool's result is not JSON: ${messageOf(error)}`);
  }
}

function failure(error: string): ToolResult {
  return { ok: false, error };
}
