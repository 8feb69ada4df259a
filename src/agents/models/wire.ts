// Writes a model request as the chat completions API wants it.
import type { OpenAI } from 'openai';
import { z } from 'zod';

import type { ModelRequest, ToolSpec } from '../../core/ports.ts';
import type { Message } from '../../core/run.ts';
import { argumentsOf, toolCallsOf } from '../transcript.ts';
import { portableSchema } from './tool-schema.ts';

// The SDK's types know fewer fields than providers do: a message is sent as it was recorded, whatever it holds.
const WireMessage = z.custom<OpenAI.Chat.Completions.ChatCompletionMessageParam>();

/** The body of a request. No `strict` and no `response_format`: some providers ignore them, others refuse them. */
export function wireRequest(
  request: ModelRequest,
  baseURL: string,
): OpenAI.Chat.Completions.ChatCompletionCreateParamsStreaming {
  return {
    model: request.model,
    messages: request.messages.map((message) => WireMessage.parse(replayable(message))),
    stream: true,
    stream_options: { include_usage: true },
    ...outputLimit(request.maxOutputTokens, baseURL),
    ...(request.tools.length === 0 ? {} : { tools: request.tools.map(wireTool) }),
  };
}

function wireTool({ name, description, parameters }: ToolSpec) {
  return {
    type: 'function' as const,
    function: { name, description, parameters: portableSchema(parameters) },
  };
}

// OpenAI's newer models refuse the old name of the limit; most other servers know only that one.
function outputLimit(tokens: number, baseURL: string) {
  const isOpenAI = new URL(baseURL).hostname.endsWith('openai.com');

  return isOpenAI ? { max_completion_tokens: tokens } : { max_tokens: tokens };
}

// Several providers parse the arguments of past calls and refuse the whole request over a broken one. The tool's
// answer to it quotes what was wrong, so nothing is lost to the model.
function replayable(message: Message): Message {
  const calls = toolCallsOf(message);
  if (calls.length === 0) return message;

  return {
    ...message,
    tool_calls: calls.map((call) => ({
      ...call,
      function: {
        ...call.function,
        arguments: argumentsOf(call) === null ? '{}' : call.function.arguments.trim() || '{}',
      },
    })),
  };
}
