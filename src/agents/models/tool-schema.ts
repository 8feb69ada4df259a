// Rewrites a tool's JSON schema into the part that every provider takes: Gemini refuses the rest outright.

type Schema = Record<string, unknown>;

// What a refused word would have checked is checked again when the tool reads its input.
const refused = new Set([
  '$schema',
  '$id',
  'const',
  'propertyNames',
  'patternProperties',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'additionalProperties',
  'default',
  'examples',
  'format',
  'oneOf',
  'type',
]);

/** A looser schema for the same input; the tool itself validates what comes. */
export function portableSchema(schema: Schema): Schema {
  const kept: Schema = { ...portableType(schema.type) };
  for (const [word, value] of Object.entries(schema)) {
    if (!refused.has(word)) kept[word] = portableValue(word, value);
  }
  if (Array.isArray(schema.oneOf)) kept.anyOf = portableValue('anyOf', schema.oneOf);
  // Gemini's enumerations hold texts only.
  if (typeof schema.const === 'string') kept.enum = [schema.const];
  if (Array.isArray(kept.enum) && !kept.enum.every((item) => typeof item === 'string')) {
    delete kept.enum;
  }

  return kept;
}

function portableValue(word: string, value: unknown): unknown {
  // The keys of `properties` are names of fields, not words of the schema language.
  if (word === 'properties' && isSchema(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, field]) => [
        name,
        isSchema(field) ? portableSchema(field) : field,
      ]),
    );
  }
  if (word === 'items' && isSchema(value)) return portableSchema(value);
  if ((word === 'anyOf' || word === 'allOf') && Array.isArray(value)) {
    return value.map((part: unknown) => (isSchema(part) ? portableSchema(part) : part));
  }

  return value;
}

function portableType(type: unknown): Schema {
  if (!Array.isArray(type)) return type === undefined ? {} : { type };

  const [first] = type.filter((name) => name !== 'null');

  return { type: first ?? 'string', ...(type.includes('null') ? { nullable: true } : {}) };
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
