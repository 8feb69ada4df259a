// Says what is wrong with an input, in words for the person who wrote it: where, what, and how it would be right.
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';

export type Fault = { path: string; problem: string; example: string | null };

/** What the right value looks like, by the path of the field; the fields of lists are written without their place. */
const examples: Record<string, string> = {
  title: 'Spring launch of our refill subscription',
  description: 'We launch a refill subscription in March and want 1,200 subscribers in 90 days.',
  objective: 'launch',
  'client.name': 'Alder & Oak',
  'client.domain': 'example.com',
  'client.locale': 'en-US',
  'client.brand.colors': "['#2f4a3a', '#e9dfc7']",
  'offer.price': '{ amount: 34, currency: USD }',
  'offer.url': 'https://example.com/refill',
  'offer.valid_until': '2027-03-28',
  competitors: '[example.com, example.org]',
  markets: '[{ country: US, language: en }]',
  budget: '{ amount: 18000, currency: USD, period: month }',
  dates: '{ start: 2027-03-01, end: 2027-03-28 }',
  attachments: '[{ name: sales.csv, kind: csv, text: "week,orders" }]',
  agents: '[vision, echo]',
  profile: 'waves',
  priority: 'high',
  scheduled_for: '2027-03-01T22:00:00+01:00',
  depends_on: '[1b2c3d4e]',
  max_retries: '3',
  timeout_seconds: '1800',
  task: '1b2c3d4e',
  id: '1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809',
  status: 'running',
  limit: '20',
};

/** Every fault of an input, in its own words; unknown keys name the known key that is most like them. */
export function faultsOf(error: z.ZodError, schema: z.ZodType, input: unknown): Fault[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') {
      return [fault(issue.path, problemOf(issue, input))];
    }
    const known = keysAt(schema, issue.path);

    return issue.keys.map((key) =>
      fault([...issue.path, key], `is not known: did you mean ${closest(key, known)}?`),
    );
  });
}

export function fault(path: PropertyKey[], problem: string): Fault {
  const names = path.filter((part) => typeof part !== 'number').map(String);
  // The nearest field above that has an example; what is not known at all has none.
  const keys = problem.startsWith('is not known') ? [] : names.map((_, at) => pathText(names, at));
  const key = keys.find((one) => one in examples);

  return {
    path: path.map(String).join('.') || '(all)',
    problem,
    example: key ? (examples[key] ?? null) : null,
  };
}

// From the whole path to its first name, so that the most exact example is found first.
function pathText(names: string[], dropped: number): string {
  return names.slice(0, names.length - dropped).join('.');
}

/** Faults as a list for people, one to a line. */
export function listFaults(faults: Fault[]): string {
  const lines = faults.map(({ path, problem, example }) => {
    const hint = example === null ? '' : `, for example: ${example}`;
    return `\n  ${path}: ${problem}${hint}`;
  });

  return lines.join('');
}

function problemOf(issue: z.core.$ZodIssue, input: unknown): string {
  const given = valueAt(input, issue.path);
  if (given === undefined) return 'is missing';

  if (issue.code === 'too_big' && issue.origin === 'string') {
    const length = typeof given === 'string' ? ` (this has ${given.trim().length})` : '';
    return `is too long: at most ${issue.maximum} characters${length}${attachHint(issue.path)}`;
  }
  if (issue.code === 'invalid_value') {
    return `is ${shown(given)}, must be one of: ${issue.values.map(String).join(', ')}`;
  }
  if (issue.code === 'invalid_type') {
    return `must be ${article(issue.expected)}, is ${shown(given)}`;
  }
  return issue.message;
}

function attachHint(path: PropertyKey[]): string {
  return path.join() === 'description' ? '; attach the rest as a file' : '';
}

function article(expected: string): string {
  return expected === 'array' ? 'a list' : `of kind ${expected}`;
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function valueAt(input: unknown, path: PropertyKey[]): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

function keysAt(schema: z.ZodType, path: PropertyKey[]): string[] {
  let at: unknown = bare(schema);
  for (const part of path) {
    if (at instanceof z.ZodObject) at = bare(at.shape[String(part)]);
    else if (at instanceof z.ZodArray) at = bare(at.element);
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function bare(schema: unknown): unknown {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? bare(schema.unwrap())
    : schema;
}
