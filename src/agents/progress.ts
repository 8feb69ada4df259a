// Puts a step into the line that people read while a run is under way.
import type { Message, StepRecord } from '../core/run.ts';
import { findJsonObject } from './output.ts';
import { argumentsOf, textOf, type ToolCall, toolCallsOf } from './transcript.ts';

const maxMessageChars = 2_000;
const maxSubjectChars = 80;
const callsNamed = 2;

/** The progress line of a reply that has just come: what the agent does next, in its own words where it has any. */
export function progressOf(reply: Message, seq: number, repairs: number): StepRecord['progress'] {
  const calls = toolCallsOf(reply);
  const text = textOf(reply);

  if (calls.length > 0) {
    // How many turns are still to come is the model's to decide: no percentage would be honest.
    return { label: `step ${seq}: ${sayCalls(calls)}`, percent: null, aiMessage: cut(text) };
  }

  const again = repairs > 0 ? ` again (repair ${repairs})` : '';

  // What is left after a final answer is checks and files, made by code in no time.
  return {
    label: `step ${seq}: writing the output${again}`,
    percent: 90,
    aiMessage: cut(gist(text)),
  };
}

function sayCalls(calls: ToolCall[]): string {
  const named = calls.slice(0, callsNamed).map((call) => {
    const subject = Object.values(argumentsOf(call) ?? {}).find(
      (value) => typeof value === 'string',
    );

    return subject === undefined
      ? call.function.name
      : `${call.function.name} ${subject.slice(0, maxSubjectChars)}`;
  });
  const more = calls.length - named.length;

  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

// People want the summary of an answer, not its JSON.
function gist(text: string): string {
  const found = findJsonObject(text);
  if (found.type === 'absent' || typeof found.value !== 'object' || found.value === null)
    return text;

  const summary: unknown = Reflect.get(found.value, 'summary');

  return typeof summary === 'string' ? summary : text;
}

function cut(text: string): string | null {
  const trimmed = text.trim();

  return trimmed === '' ? null : trimmed.slice(0, maxMessageChars);
}
