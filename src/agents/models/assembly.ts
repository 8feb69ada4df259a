// Puts a streamed reply together from its chunks, tolerant of what providers leave out, losing nothing they add.
import { randomUUID } from 'node:crypto';

import { z } from 'zod';

import type { Message } from '../../core/run.ts';

const Piece = z.looseObject({
  index: z.number().nullish(),
  id: z.string().nullish(),
  function: z.looseObject({ name: z.string().nullish(), arguments: z.unknown() }).nullish(),
});
type Piece = z.infer<typeof Piece>;

const Delta = z.looseObject({
  content: z.string().nullish(),
  refusal: z.string().nullish(),
  tool_calls: z.array(Piece).nullish(),
});
type Delta = z.infer<typeof Delta>;

const Tokens = z.looseObject({
  prompt_tokens: z.number().nullish(),
  completion_tokens: z.number().nullish(),
  prompt_tokens_details: z.looseObject({ cached_tokens: z.number().nullish() }).nullish(),
});
type Tokens = z.infer<typeof Tokens>;

/** One event of the stream. Everything may be missing: Gemini sends no index, others no role or no choices. */
export const Chunk = z.looseObject({
  model: z.string().nullish(),
  choices: z
    .array(z.looseObject({ delta: Delta.nullish(), finish_reason: z.string().nullish() }))
    .nullish(),
  usage: Tokens.nullish(),
});
export type Chunk = z.infer<typeof Chunk>;

type Call = {
  index: number | null;
  id: string;
  name: string;
  arguments: string;
  /** Unknown fields, such as Gemini's `extra_content`, which it wants back with the next request. */
  extra: Fields;
};
type Fields = Record<string, unknown>;

export type Assembly = {
  text: string;
  refusal: string;
  calls: Call[];
  extra: Fields;
  /** Characters received in all, thoughts and arguments included. */
  chars: number;
  finishReason: string | null;
  model: string | null;
  /** The last usage that was sent: some providers send a growing one with each chunk. */
  tokens: Tokens | null;
};

export function emptyAssembly(): Assembly {
  return {
    text: '',
    refusal: '',
    calls: [],
    extra: {},
    chars: 0,
    finishReason: null,
    model: null,
    tokens: null,
  };
}

/** Adds a chunk and answers with its piece of text. */
export function addChunk(assembly: Assembly, chunk: Chunk): string {
  assembly.model = chunk.model ?? assembly.model;
  assembly.tokens = chunk.usage ?? assembly.tokens;
  const choice = chunk.choices?.[0];
  assembly.finishReason = choice?.finish_reason ?? assembly.finishReason;
  const delta = choice?.delta;
  if (delta === undefined || delta === null) return '';

  assembly.chars += JSON.stringify(delta).length;
  assembly.text += delta.content ?? '';
  assembly.refusal += delta.refusal ?? '';
  for (const piece of delta.tool_calls ?? []) addPiece(assembly.calls, piece);
  addExtra(assembly.extra, unknownFields(delta));

  return delta.content ?? '';
}

/** The assistant message as it is to be replayed. */
export function messageOf(assembly: Assembly): Message {
  const calls = assembly.calls.map(({ id, name, arguments: text, extra }) => ({
    ...extra,
    id,
    type: 'function',
    function: { name, arguments: text },
  }));

  return {
    ...assembly.extra,
    role: 'assistant',
    content: assembly.text === '' ? null : assembly.text,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function addPiece(calls: Call[], piece: Piece): void {
  const call = findCall(calls, piece) ?? newCall(calls, piece);
  const { index: _index, id: _id, type: _type, function: called, ...extra } = piece;
  // A name comes whole, though some providers repeat it with every piece.
  call.name ||= called?.name ?? '';
  call.arguments += textOf(called?.arguments);
  addExtra(call.extra, extra);
}

function findCall(calls: Call[], piece: Piece): Call | undefined {
  const id = piece.id ?? '';
  const sameId = id === '' ? undefined : calls.find((call) => call.id === id);
  if (sameId !== undefined) return sameId;
  // A new id is a new call, also under an index that is taken: Gemini gives parallel calls the index 0.
  if (id !== '') return undefined;
  if (typeof piece.index === 'number') return calls.findLast((call) => call.index === piece.index);

  const startsCall = (piece.function?.name ?? '') !== '';

  return startsCall ? undefined : calls.at(-1);
}

function newCall(calls: Call[], piece: Piece): Call {
  const call = {
    index: piece.index ?? null,
    id:
      piece.id === null || piece.id === undefined || piece.id === ''
        ? `call_${randomUUID()}`
        : piece.id,
    name: '',
    arguments: '',
    extra: {},
  };
  calls.push(call);

  return call;
}

function textOf(pieceOfArguments: unknown): string {
  if (typeof pieceOfArguments === 'string') return pieceOfArguments;

  return pieceOfArguments === undefined || pieceOfArguments === null
    ? ''
    : JSON.stringify(pieceOfArguments);
}

function unknownFields(delta: Delta): Fields {
  const { role: _role, content: _content, refusal: _refusal, tool_calls: _calls, ...extra } = delta;

  return extra;
}

// Streamed texts and lists go on where they stopped; anything else is replaced by its latest value.
function addExtra(target: Fields, extra: Fields): void {
  for (const [key, value] of Object.entries(extra)) {
    const before = target[key];
    if (value === null || value === undefined) continue;
    if (typeof before === 'string' && typeof value === 'string') target[key] = before + value;
    else if (Array.isArray(before) && Array.isArray(value)) target[key] = [...before, ...value];
    else target[key] = value;
  }
}
