// Tool schemas in the part of the language that every provider takes.
import { expect, test } from 'vitest';
import { z } from 'zod';

import { portableSchema } from '../../../src/agents/models/tool-schema.ts';

test('leaves out the words that Gemini refuses, at every depth', () => {
  const schema = z.toJSONSchema(
    z.object({
      url: z.url(),
      count: z.number().positive().optional(),
      mode: z.literal('fast'),
      note: z.string().nullable(),
      tags: z.array(z.object({ weight: z.number().gt(0) })),
      extra: z.record(z.string(), z.string()),
    }),
  );

  const text = JSON.stringify(portableSchema(schema));

  for (const word of [
    '$schema',
    'const',
    'propertyNames',
    'exclusiveMinimum',
    'additionalProperties',
    'format',
  ]) {
    expect(text).not.toContain(`"${word}"`);
  }
  expect(portableSchema(schema)).toMatchObject({
    type: 'object',
    required: ['url', 'mode', 'note', 'tags', 'extra'],
    properties: { mode: { type: 'string', enum: ['fast'] }, tags: { items: { type: 'object' } } },
  });
});

test('turns a list of types into one, nullable where null was among them', () => {
  expect(portableSchema({ type: ['number', 'null'] })).toEqual({ type: 'number', nullable: true });
});

test('keeps fields that are called like words of the language', () => {
  const schema = {
    type: 'object',
    properties: { format: { type: 'string' }, const: { type: 'string' } },
  };

  expect(portableSchema(schema)).toEqual(schema);
});
