// Splitting migrations: only the semicolons that end a statement may count.
import { expect, test } from 'vitest';

import { splitStatements } from '../../src/postgres/statements.ts';

const texts = (sql: string): string[] => splitStatements(sql).map(({ text }) => text);

test('splits at semicolons and drops what holds no code', () => {
  const sql = 'select 1;\n\n;-- nothing here\n;select 2';

  expect(texts(sql)).toEqual(['select 1', 'select 2']);
});

test.each([
  ['strings', `select 'a;''b;'`],
  ['strings with escapes', `select e'a\\';b', E'\\\\'`],
  ['names', 'select 1 as "a;""b"'],
  ['line comments', 'select 1 -- a;b\n + 1'],
  ['nested comments', 'select /* a; /* b; */ c; */ 1'],
  ['dollar quotes', 'do $$ begin; null; end $$'],
  ['tagged dollar quotes', 'do $body$ begin $$;$$; end; $body$'],
  ['dollar quotes without a tag around tagged ones', 'do $$ select $a$;$a$; $$'],
  ['standard bodies', 'create function f() begin atomic select case when true then 1 end; end'],
])('keeps semicolons inside %s', (_where, sql) => {
  expect(texts(`${sql};select 2;`)).toEqual([sql, 'select 2']);
});

test('takes dollar signs within names and parameters for what they are', () => {
  expect(texts('select a$b$ from x; select $1; select 1')).toHaveLength(3);
});

test('keeps comments with the statement behind them, and knows where the code starts', () => {
  const sql = 'select 1;\n-- why\nselect 2;';

  const [, second] = splitStatements(sql);

  expect(second?.text).toBe('-- why\nselect 2');
  expect(sql.slice(second?.offset)).toMatch(/^-- why/);
  expect(sql.slice(second?.codeOffset)).toMatch(/^select 2/);
});
