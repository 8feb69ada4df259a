// Makes a tool of a schema and a function: checks the input, and turns every fault into a failed result.
import { z } from 'zod';

import { isAppError, messageOf } from '../core/errors.ts';
import type { Tool, ToolContext, ToolResult } from '../core/ports.ts';

export type ToolParts<Input> = {
  name: string;
  /** For the model: what it answers, and when to call it. */
  description: string;
  input: z.ZodType<Input>;
  /** May throw; AppErrors become failed results with their message. */
  run(input: Input, context: ToolContext): Promise<ToolResult>;
};

export function defineTool<Input>(parts: ToolParts<Input>): Tool {
  const { $schema: _dialect, ...parameters } = z.toJSONSchema(parts.input, { io: 'input' });

  return {
    spec: { name: parts.name, description: parts.description, parameters },
    async run(input, context) {
      const parsed = parts.input.safeParse(input);
      if (!parsed.success) {
        return failed(`The input is not valid: ${z.prettifyError(parsed.error)}`);
      }
      try {
        return await parts.run(parsed.data, context);
      } catch (error) {
        context.signal.throwIfAborted();
        if (isAppError(error)) return failed(error.message);

        context.log.error('tool failed', { tool: parts.name, error: messageOf(error) });
        return failed(`${parts.name} failed unexpectedly: go on without it`);
      }
    },
  };
}

export function failed(error: string): ToolResult {
  return { ok: false, error };
}
