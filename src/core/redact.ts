// Takes secrets out of what goes to logs, files and terminals: known ones by value, others by how they look or are called.

export type Redactor = {
  /** Values shorter than six characters are left alone: hiding them would hide half of every text. */
  register(secret: string): void;
  /** The text without registered secrets; everything else is left as it is. */
  known(text: string): string;
  /** The text without registered secrets and without what looks like one. */
  text(text: string): string;
  /** The fields of a log line without any of them, at any depth, and ready for JSON. */
  fields(fields: Record<string, unknown>): Record<string, unknown>;
};

export const hidden = '(hidden)';

const shortestSecret = 6;
const maxDepth = 8;

const patterns: readonly [RegExp, string][] = [
  [/\/\/[^\s/@]+@/g, '//…@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, '$1 …'],
  [/\bbot\d+:[\w-]+/g, 'bot…'],
  [/\b(sk|sb_secret|ghp|xox[abp]|AIza|ya29|GOCSPX)[-_.]?[\w-]{8,}/g, '$1…'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '…'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, '…'],
  [
    /((?:api[-_]?key|token|secret|password|signature|sig|key)["']?\s*[=:]\s*["']?)[^\s"'&,;}]+/gi,
    '$1…',
  ],
];

// By the whole name, so that `tokens` and `tokenFile` stay what they are.
const secretField =
  /^(password|passwd|api_?key|(access|refresh|id|bot)?_?token|client_?secret|secret|authorization|cookie|private_?key|(admin|worker|database)_?url)$/i;

/** The text without what looks like a secret. */
export function hidePatterns(text: string): string {
  return patterns.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), text);
}

export function createRedactor(): Redactor {
  const forms = new Set<string>();
  // Longest first: one secret may be the beginning of another.
  let ordered: string[] = [];

  const known = (text: string): string =>
    ordered.reduce((rest, form) => rest.replaceAll(form, hidden), text);
  const clean = (text: string): string => hidePatterns(known(text));

  return {
    known,
    text: clean,
    register(secret) {
      for (const form of formsOf(secret)) forms.add(form);
      ordered = [...forms].toSorted((one, other) => other.length - one.length);
    },
    fields: (fields) => redactedEntries(fields, { clean, above: [fields] }),
  };
}

/** A secret as it may turn up: as it is, in an address, in JSON. */
function formsOf(secret: string): string[] {
  const text = secret.trim();
  if (text.length < shortestSecret) return [];

  return [text, encodeURIComponent(text), encodeURI(text), JSON.stringify(text).slice(1, -1)];
}

type Walk = { clean(text: string): string; above: object[] };

function redacted(value: unknown, walk: Walk): unknown {
  if (typeof value === 'string') return walk.clean(value);
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'function') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (walk.above.includes(value)) return '(circular)';
  if (walk.above.length >= maxDepth) return '(too deep)';

  return redactedObject(value, { ...walk, above: [...walk.above, value] });
}

function redactedObject(value: object, walk: Walk): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof URL) return walk.clean(value.href);
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
  if (Array.isArray(value)) return value.map((one) => redacted(one, walk));
  if (value instanceof Map) return redacted(Object.fromEntries(value), walk);
  if (value instanceof Set) return redacted([...value], walk);

  return redactedEntries(value, walk);
}

function redactedEntries(value: object, walk: Walk): Record<string, unknown> {
  return Object.fromEntries(
    entriesOf(value).map(([key, inner]) => [
      walk.clean(key),
      secretField.test(key) && inner !== null ? hidden : redacted(inner, walk),
    ]),
  );
}

// What makes up an error is not enumerable.
function entriesOf(value: object): [string, unknown][] {
  if (!(value instanceof Error)) return Object.entries(value);

  const { name, message, stack, cause } = value;
  const own = { name, message, stack, ...(cause !== undefined && { cause }) };
  return [...Object.entries(value), ...Object.entries(own)];
}
