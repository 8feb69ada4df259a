// Calls a tool as the loop does, with a brief of the test's own.
import { Brief } from '../../src/core/brief.ts';
import type { Log, Tool, ToolResult } from '../../src/core/ports.ts';
import type { SafeFetch } from '../../src/tools/safe-fetch.ts';
import { createTools } from '../../src/tools/tools.ts';
import { localFetch } from './fetching.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export function toolNamed(name: string, safeFetch: SafeFetch = localFetch()): Tool {
  const tool = createTools({ safeFetch }).find(({ spec }) => spec.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);

  return tool;
}

export type Call = { files?: Record<string, string>; signal?: AbortSignal };

export async function call(tool: Tool, input: unknown, options: Call = {}): Promise<ToolResult> {
  const attachments = Object.entries(options.files ?? {}).map(([name, text]) => ({
    name,
    kind: 'csv',
    text,
  }));
  const brief = Brief.parse({ title: 'Launch', description: 'Sell more shoes', attachments });

  return await tool.run(input, {
    brief,
    signal: options.signal ?? new AbortController().signal,
    log: silent,
  });
}

/** The value of a call that must succeed. */
export async function valueOf(result: Promise<ToolResult>): Promise<Record<string, unknown>> {
  const settled = await result;
  if (!settled.ok) throw new Error(settled.error);

  return settled.value;
}
