// Finds the JSON object in a model's final text and checks it against the agent's kind of output.
import { z } from 'zod';

import { messageOf } from '../core/errors.ts';
import type { AnyOutput, Check } from '../core/output.ts';
import { envelopeChecks } from './outputs/envelope-checks.ts';
import type { OutputFacts, OutputKind } from './outputs/kind.ts';

/** Longer final texts are refused unread: no output needs that much, and a model that loops writes it. */
const maxOutputChars = 600_000;
const maxReasons = 40;
// Texts with many stray braces would otherwise be scanned once for each of them.
const maxCandidates = 50;

const Fields = z.record(z.string(), z.unknown());
const Envelope = z
  .looseObject({})
  .refine((fields) => 'schema_version' in fields || 'agent' in fields);

export type Verdict =
  | { type: 'valid'; output: AnyOutput; checks: Check[] }
  | { type: 'invalid'; reasons: string[] };

type Span<Read> = { read: Read; length: number };
type Found = { type: 'found'; value: unknown } | { type: 'absent'; reason: string };

/** Judges a final text: JSON, then schema, then checks. Reasons are exact enough to repair the output by. */
export function judgeOutput(text: string, kind: OutputKind, facts: OutputFacts): Verdict {
  const found = findJsonObject(text);
  if (found.type === 'absent') return { type: 'invalid', reasons: [found.reason] };

  const parsed = kind.schema.safeParse(found.value);
  if (!parsed.success)
    return { type: 'invalid', reasons: capped(parsed.error.issues.map(sayIssue)) };

  const checks = [...envelopeChecks(parsed.data, facts), ...kind.check(parsed.data, facts)];
  const failed = checks.filter((check) => check.level === 'error' && !check.ok);
  if (failed.length > 0) return { type: 'invalid', reasons: capped(failed.map(sayCheck)) };

  return { type: 'valid', output: parsed.data, checks };
}

// Models like to put the output under a name of its own, such as `output` or `result`.
function unwrapped(value: unknown): unknown {
  const outer = Fields.safeParse(value).data ?? {};
  const [inner, ...others] = Object.values(outer);
  const isOutput = Envelope.safeParse(inner).success && others.length === 0;

  return isOutput ? inner : value;
}

/** The largest JSON object in a text: alone, in a code fence, with words around it, or as the one value of another. */
export function findJsonObject(text: string): Found {
  if (text.length > maxOutputChars) {
    return absent(`the answer has ${text.length} characters, more than ${maxOutputChars}`);
  }
  if (!text.includes('{')) return absent('the answer holds no JSON object');

  let found: Span<unknown> = { read: undefined, length: 0 };
  let broken: Span<string> = { read: '', length: 0 };
  for (let at = text.indexOf('{'), tries = 0; at !== -1 && tries < maxCandidates; tries += 1) {
    const end = endOfObject(text, at);
    const read = end === -1 ? unclosed(text, at) : readJson(text.slice(at, end));
    const length = (end === -1 ? text.length : end) - at;
    if (read.type === 'absent' && length > broken.length) broken = { read: read.reason, length };
    if (read.type === 'found' && length > found.length) found = { read: read.value, length };
    at = text.indexOf('{', read.type === 'found' ? end : at + 1);
  }

  // A sound object within a much larger broken one is a part of the answer, not the answer.
  const isPart = found.length * 2 < broken.length;

  return found.length === 0 || isPart
    ? absent(broken.read)
    : { type: 'found', value: unwrapped(found.read) };
}

// The place behind the brace that closes the object begun at `start`; -1 when none does.
function endOfObject(text: string, start: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at += 1) {
    const char = text[at];
    if (quoted && char === '\\') at += 1;
    else if (char === '"') quoted = !quoted;
    else if (!quoted && char === '{') depth += 1;
    else if (!quoted && char === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }

  return -1;
}

function readJson(text: string): Found {
  try {
    return { type: 'found', value: JSON.parse(text) };
  } catch (error) {
    return absent(`the JSON cannot be parsed: ${messageOf(error)}`);
  }
}

function unclosed(text: string, start: number): Found {
  return absent(`the JSON object is cut off: it never closes in ${text.length - start} characters`);
}

function absent(reason: string): Found {
  return { type: 'absent', reason };
}

function sayIssue(issue: z.core.$ZodIssue): string {
  return `${sayPath(issue.path)}: ${issue.message}`;
}

function sayPath(path: PropertyKey[]): string {
  const text = path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('');

  return text.replace(/^\./, '') || 'the whole output';
}

function sayCheck(check: Check): string {
  return `${check.path}: check ${check.id} failed: measured ${check.measured}, limit ${check.limit}`;
}

function capped(reasons: string[]): string[] {
  if (reasons.length <= maxReasons) return reasons;

  return [...reasons.slice(0, maxReasons), `and ${reasons.length - maxReasons} more`];
}
