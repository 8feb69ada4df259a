// The model that needs no account: it measures with the agent's tools and drafts the output by rules.
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import { appError, messageOf } from '../../core/errors.ts';
import type { Model, ModelRequest } from '../../core/ports.ts';
import { type Message, noUsage } from '../../core/run.ts';
import type { OutputFacts, OutputKind, ToolFinding, WantedCall } from '../outputs/kind.ts';
import { findingsOf } from '../transcript.ts';

/** What `usage.model` says of a draft by rules. */
export const offlineModelName = 'offline-rules';

// Rules that keep wanting more must not use up the steps that the draft itself needs.
const maxMeasuringTurns = 6;
const pieceChars = 240;

/**
 * A model by rules. Like a language model it takes turns: it asks for the tool calls its draft is built on, one
 * tool at a time, then answers with the draft. Nothing it says costs anything, and the same run gives the same text.
 */
export function createOfflineModel(kinds: Record<string, OutputKind>): Model {
  return {
    kind: 'offline',
    async reply(request) {
      const kind = kinds[request.run.agent];
      if (kind === undefined) {
        const detail = `no rules for the agent ${request.run.agent}: set OPENAI_API_KEY`;
        throw appError('model_refused', { detail });
      }

      const message = messageFor(request, kind);
      await stream(String(message.content), request);

      return { message, usage: { ...noUsage, model: offlineModelName } };
    },
  };
}

function messageFor(request: ModelRequest, kind: OutputKind): Message {
  const { brief, handoff, missing, submittedAt } = request.run;
  const findings = findingsOf(request.messages);
  const facts = { brief, handoff, missing, submittedAt, findings };

  try {
    const wanted = openCalls(request, kind, facts);

    return wanted.length === 0
      ? { role: 'assistant', content: JSON.stringify(kind.draft(facts)) }
      : measure(wanted, findings);
  } catch (error) {
    // A rule that fails on this brief will fail on it again: trying once more cannot help.
    throw appError('model_refused', { detail: `the rules failed: ${messageOf(error)}` });
  }
}

// The calls that the draft still lacks: all those of the first wanted tool, so that a turn is one kind of work.
function openCalls(request: ModelRequest, kind: OutputKind, facts: OutputFacts): WantedCall[] {
  const turns = request.messages.filter((message) => message.role === 'assistant').length;
  if (turns >= maxMeasuringTurns) return [];

  const made = new Set(facts.findings.map(keyOf));
  const offered = new Set(request.tools.map((tool) => tool.name));
  const open = kind.wants(facts).filter((call) => offered.has(call.tool) && !made.has(keyOf(call)));

  return open.filter((call) => call.tool === open[0]?.tool);
}

function measure(calls: WantedCall[], findings: ToolFinding[]): Message {
  const failures = findings.filter((finding) => finding.error !== null).length;
  const before =
    findings.length === 0
      ? 'Before the draft I measure what the brief names.'
      : `${findings.length - failures} of ${findings.length} measurements are in.`;

  return {
    role: 'assistant',
    content: `${before} Next: ${calls.map(sayCall).join(', ')}.`,
    tool_calls: calls.map((call) => ({
      id: `call_${createHash('sha256').update(keyOf(call)).digest('hex').slice(0, 12)}`,
      type: 'function',
      function: { name: call.tool, arguments: JSON.stringify(call.input) },
    })),
  };
}

function sayCall(call: WantedCall): string {
  const subject = Object.values(call.input).find((value) => typeof value === 'string');

  return subject === undefined ? call.tool : `${call.tool} ${subject}`;
}

function keyOf(call: WantedCall): string {
  const input = Object.entries(call.input).toSorted(([left], [right]) => (left < right ? -1 : 1));

  return JSON.stringify([call.tool, input]);
}

// In pieces as a model would, with the event loop let in between, so that an abort is heard.
async function stream(text: string, { onText, signal }: ModelRequest): Promise<void> {
  for (let at = 0; at < text.length; at += pieceChars) {
    signal.throwIfAborted();
    onText(text.slice(at, at + pieceChars));
    await setImmediate();
  }
}
