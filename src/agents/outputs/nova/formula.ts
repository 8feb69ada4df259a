// Reads the formulas of KPIs and baselines, such as `sum(orders) / sum(sessions)`, and works them out.
import type { Column } from '../findings.ts';

const aggregates = ['sum', 'mean', 'min', 'max', 'count', 'distinct'] as const;
type Aggregate = (typeof aggregates)[number];

export type Formula =
  | { type: 'number'; value: number }
  | { type: 'name'; name: string; of: Aggregate }
  | { type: 'operation'; sign: '+' | '-' | '*' | '/'; left: Formula; right: Formula };

export type ReadFormula =
  | { type: 'formula'; formula: Formula }
  | { type: 'unreadable'; problem: string };

const tokenPattern =
  /\s*(?:(?<number>\d+(?:\.\d+)?)|(?<quoted>"[^"]+")|(?<word>[\p{L}_][\p{L}\p{N}_.]*)|(?<sign>[-+*/()×÷]))/uy;

type Token = { kind: 'number' | 'quoted' | 'word' | 'sign'; text: string };

/** Longer formulas, and those nested deeper than anyone would read, are refused. */
const maxLength = 500;
const maxDepth = 20;

/** Parses numbers, `+ - * /`, brackets, names (quoted where they hold spaces) and sum, mean, min, max, count, distinct. */
export function readFormula(text: string): ReadFormula {
  if (text.length > maxLength) return unreadable(`longer than ${maxLength} characters`);
  const tokens = tokensOf(text.trim());
  if (tokens === null) return unreadable('holds a sign that is no part of a formula');

  const reader = { tokens, at: 0, depth: 0 };
  const formula = readSum(reader);
  if (formula === null || reader.at < tokens.length) {
    return unreadable(`ends early at "${tokens[reader.at]?.text ?? 'its end'}"`);
  }
  return { type: 'formula', formula };
}

function unreadable(problem: string): ReadFormula {
  return { type: 'unreadable', problem };
}

function tokensOf(text: string): Token[] | null {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;

  while (tokenPattern.lastIndex < text.length) {
    const groups = tokenPattern.exec(text)?.groups;
    if (groups === undefined) return null;
    const [kind] = (['number', 'quoted', 'word', 'sign'] as const).filter(
      (name) => groups[name] !== undefined,
    );
    if (kind === undefined) return null;
    tokens.push({ kind, text: groups[kind] ?? '' });
  }
  return tokens;
}

type Reader = { tokens: Token[]; at: number; depth: number };

function readSum(reader: Reader): Formula | null {
  let left = readProduct(reader);
  for (let sign = take(reader, '+-'); sign !== null && left !== null; sign = take(reader, '+-')) {
    const right = readProduct(reader);
    left =
      right === null ? null : { type: 'operation', sign: sign === '+' ? '+' : '-', left, right };
  }
  return left;
}

function readProduct(reader: Reader): Formula | null {
  let left = readFactor(reader);
  for (
    let sign = take(reader, '*/×÷');
    sign !== null && left !== null;
    sign = take(reader, '*/×÷')
  ) {
    const right = readFactor(reader);
    const isTimes = sign === '*' || sign === '×';
    left = right === null ? null : { type: 'operation', sign: isTimes ? '*' : '/', left, right };
  }
  return left;
}

function readFactor(reader: Reader): Formula | null {
  const token = reader.tokens[reader.at];
  if (token === undefined) return null;

  reader.at += 1;
  switch (token.kind) {
    case 'number':
      return { type: 'number', value: Number(token.text) };
    case 'quoted':
      return { type: 'name', name: token.text.slice(1, -1), of: 'sum' };
    case 'word':
      return readName(reader, token.text);
    case 'sign':
      return token.text === '(' ? readBracket(reader) : null;
  }
}

function readBracket(reader: Reader): Formula | null {
  reader.depth += 1;
  if (reader.depth > maxDepth) return null;

  const inner = readSum(reader);
  reader.depth -= 1;
  return take(reader, ')') === null ? null : inner;
}

function readName(reader: Reader, word: string): Formula | null {
  const of = aggregates.find((aggregate) => aggregate === word.toLowerCase());
  if (of === undefined || take(reader, '(') === null)
    return { type: 'name', name: word, of: 'sum' };

  const inner = reader.tokens[reader.at];
  if (inner?.kind !== 'word' && inner?.kind !== 'quoted') return null;
  reader.at += 1;
  const name = inner.kind === 'quoted' ? inner.text.slice(1, -1) : inner.text;
  return take(reader, ')') === null ? null : { type: 'name', name, of };
}

function take(reader: Reader, signs: string): string | null {
  const token = reader.tokens[reader.at];
  if (token?.kind !== 'sign' || !signs.includes(token.text)) return null;

  reader.at += 1;
  return token.text;
}

/** The columns and events that a formula names. */
export function namesIn(formula: Formula): string[] {
  switch (formula.type) {
    case 'number':
      return [];
    case 'name':
      return [formula.name];
    case 'operation':
      return [...namesIn(formula.left), ...namesIn(formula.right)];
  }
}

/** The value over a table's columns; null where a column lacks it or something is divided by zero. */
export function workOut(formula: Formula, columns: Column[]): number | null {
  switch (formula.type) {
    case 'number':
      return formula.value;
    case 'name':
      return aggregateOf(
        columns.find(({ name }) => name === formula.name),
        formula.of,
      );
    case 'operation': {
      const [left, right] = [workOut(formula.left, columns), workOut(formula.right, columns)];
      return left === null || right === null ? null : calculate(formula.sign, left, right);
    }
  }
}

function aggregateOf(column: Column | undefined, of: Aggregate): number | null {
  if (column === undefined) return null;

  const values = { ...column, count: column.filled };
  const value = values[of];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function calculate(sign: '+' | '-' | '*' | '/', left: number, right: number): number | null {
  switch (sign) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return right === 0 ? null : left / right;
  }
}
