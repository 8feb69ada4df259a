// Figures of tables as people export them, broken ones too.
import { expect, test } from 'vitest';

import { profileTable } from '../../../src/tools/table/profile.ts';

test('profiles a table', () => {
  const text =
    'date,campaign,clicks,cost\n2024-01-01,Brand,10,"$1,000.50"\n2024-01-02,Brand,30,$2\n';

  const value = profileTable(text);

  expect(value).toMatchObject({
    rows: 2,
    broken_rows: [],
    columns: [
      { name: 'date', type: 'date', filled: 2, distinct: 2, min: '2024-01-01', max: '2024-01-02' },
      { name: 'campaign', type: 'text', distinct: 1, min: null, sum: null, examples: ['Brand'] },
      { name: 'clicks', type: 'number', min: 10, max: 30, sum: 40, mean: 20 },
      { name: 'cost', type: 'number', min: 2, max: 1000.5, sum: 1002.5 },
    ],
    date_from: '2024-01-01',
    date_to: '2024-01-02',
    gaps: [],
  });
  expect(value.sample).toHaveLength(2);
});

test('counts broken rows and names their lines', () => {
  const text = 'a,b\n1,2\n3\n"two\nlines",5\n6,7,8\n9,"never closed\n10,11\n';

  const value = profileTable(text);

  expect(value).toMatchObject({
    rows: 3,
    broken_count: 3,
    broken_rows: [
      { line: 3, problem: '1 fields where the header has 2' },
      { line: 6, problem: '3 fields where the header has 2' },
      { line: 7, problem: 'a quote is opened and never closed' },
    ],
    sample: [{ a: '1' }, { a: 'two lines' }, { a: '10' }],
  });
});

test('reads on after a quote that swallows whole rows', () => {
  const text = 'a,b\n"open,1\n2,3\n"shut" up,4\n5,6\n';

  const value = profileTable(text);

  expect(value).toMatchObject({ broken_rows: [{ line: 2 }], rows: 3 });
});

test.each([
  ['commas', 'x,y\n1,2'],
  ['semicolons', 'x;y\n1;2'],
  ['tabs', 'x\ty\n1\t2'],
  ['bars', 'x|y\n1|2'],
  ['a byte order mark', '\ufeffx,y\r\n1,2\r\n'],
  ['a line for Excel', 'sep=;\nx;y\n1;2'],
  ['old line ends', 'x,y\r1,2\r'],
  ['separators at the line ends', 'x,y\n1,2,,\n'],
  ['quotes everywhere', '"x","y"\n"1","2"\n'],
  ['blank lines', '\n\nx,y\n\n1,2\n,\n\n'],
])('reads a table with %s', (_what, text) => {
  const value = profileTable(text);

  expect(value).toMatchObject({ rows: 1, broken_count: 0, sample: [{ x: '1', y: '2' }] });
});

test.each([
  ['1,234.50', '2,000.25', 3234.75],
  ['1.234,50', '2.000,25', 3234.75],
  ['€ 1.234,50', '12,5', 1247],
  ['$1,000', '(200)', 800],
  ["1'000.5", '1', 1001.5],
  ['12.5%', '7.5%', 20],
  ['n/a', '3', 3],
])('adds %s and %s', (first, second, sum) => {
  const value = profileTable(`amount\tx\n${first}\ta\n${second}\tb\n`);

  expect(value.columns).toMatchObject([{ type: 'number', sum }, { type: 'text' }]);
});

test.each([
  ['2024-03-04', '2024-03-31', '2024-03-04'],
  ['3/4/2024', '3/31/2024', '2024-03-04'],
  ['3/4/2024', '31/3/2024', '2024-03-31'],
  ['04.03.2024', '05.03.2024', '2024-03-04'],
  ['2024-03-04T10:00:00Z', '2024-03-05 11:00', '2024-03-04'],
  ['20240304', '20240331', '2024-03-04'],
])('reads the dates %s and %s', (first, second, from) => {
  const filler = `${second},1\n`.repeat(20);

  const value = profileTable(`Date,n\n${first},1\n${filler}`);

  expect(value.date_from).toBe(from);
});

test('reads amounts that could be either way as the rest of the table has them', () => {
  const value = profileTable('a;b\n1.234;12,5\n2.000;7,25\n');

  expect(value.columns).toMatchObject([{ sum: 3234 }, { sum: 19.75 }]);
});

test('does not take codes for numbers, nor days that no month has for dates', () => {
  const value = profileTable(
    'zip,id,due\n01067,12345678901234567890,2024-02-31\n04109,2,2024-04-31\n',
  );

  expect(value.columns.map(({ type }) => type)).toEqual(['text', 'text', 'text']);
});

test('finds the days that are missing', () => {
  const days = [1, 2, 3, 4, 5, 6, 7, 10, 11, 12].map(
    (day) => `2024-01-${String(day).padStart(2, '0')}`,
  );

  const value = profileTable(`day,n\n${days.map((day) => `${day},1\n`).join('')}`);

  expect(value.gaps).toEqual([
    { column: 'day', from: '2024-01-08', to: '2024-01-09', missing_days: 2 },
  ]);
});

test('finds no gaps in a table that never has weekends', () => {
  const days = [1, 2, 3, 4, 5, 8, 9, 10, 11, 12].map((day) => `2024-01-${day},1\n`);

  const value = profileTable(`day,n\n${days.join('')}`);

  expect(value.gaps).toEqual([]);
});

test('hides e-mail addresses and telephone numbers', () => {
  const text = `who,mail,phone,note
Ann,ann@example.com,2025550123,call +49 30 1234567 today
Bob,bob@example.org,2025550199,"or (202) 555-0111, 2024-01-01 10:00:00, 1.234.567,89"
`;

  const value = profileTable(text);

  const shown = JSON.stringify(value);
  expect(shown).not.toMatch(/@example|2025550|1234567|555-0111/);
  expect(shown).toContain('2024-01-01 10:00:00, 1.234.567,89');
  expect(value.columns).toMatchObject([{}, {}, { type: 'text', min: null, max: null }, {}]);
});

test('gives every column a name of its own', () => {
  const value = profileTable('n,n,,__proto__,n\n1,2,3,4,5\n');

  const names = value.columns.map(({ name }) => name);
  expect(names).toEqual(['n', 'n_2', 'column_3', '__proto___2', 'n_3']);
  expect(Object.keys(value.sample[0] ?? {})).toEqual(names);
});

test.each([
  ['an empty text', '', 0],
  ['blank lines', '\n \n', 0],
  ['a header alone', 'a,b', 2],
])('profiles %s', (_what, text, columns) => {
  const value = profileTable(text);

  expect(value).toMatchObject({ rows: 0, broken_rows: [], date_from: null, gaps: [], sample: [] });
  expect(value.columns).toHaveLength(columns);
});

test.each([
  ['quotes only', '"'.repeat(100_000)],
  ['separators only', ','.repeat(100_000)],
  ['zeros and emoji', 'a,b\n\u0000,😀\n\u0000\ud800,x\n'],
  ['HTML', '<!doctype html><html><body>404'],
])('does not fail on %s', (_what, text) => {
  const value = profileTable(text);

  expect(value).toMatchObject({ rows: expect.any(Number) });
});
