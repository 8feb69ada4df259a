// Formulas are read as people write them, and worked out over columns; sample sizes agree with the textbook.
import { expect, test } from 'vitest';

import { namesIn, readFormula, workOut } from '../../../src/agents/outputs/nova/formula.ts';
import { samplePerArm } from '../../../src/agents/outputs/nova/sample-size.ts';

const column = (name: string, sum: number) => ({
  name,
  type: 'number' as const,
  filled: 4,
  empty: 1,
  odd: 0,
  distinct: 3,
  min: 1,
  max: 9,
  sum,
  mean: sum / 4,
  examples: [],
});
const columns = [column('orders', 20), column('ad cost', 100), column('none', 0)];

function valueOf(text: string): number | null | string {
  const read = readFormula(text);
  return read.type === 'formula' ? workOut(read.formula, columns) : 'unreadable';
}

test.each([
  ['sum(orders)', 20],
  ['orders', 20],
  ['mean(orders) + max(orders) - min(orders)', 13],
  ['count(orders) * distinct(orders)', 12],
  ['sum("ad cost") / sum(orders)', 5],
  ['"ad cost" ÷ (orders × 2)', 2.5],
  ['2 + 3 * 4', 14],
  ['10 - 4 - 3', 3],
  ['(10 - 4) * 0.5', 3],
  ['orders / none', null],
  ['sum(unknown)', null],
  ['', 'unreadable'],
  ['orders orders', 'unreadable'],
  ['orders /', 'unreadable'],
  ['(orders', 'unreadable'],
  ['sum()', 'unreadable'],
  ['orders; drop table', 'unreadable'],
  ['('.repeat(400), 'unreadable'],
  ['1+'.repeat(400), 'unreadable'],
])('%s gives %s', (text, expected) => {
  expect(valueOf(text)).toBe(expected);
});

test('names every column and event that a formula uses', () => {
  const read = readFormula('sum("ad cost") / (purchase + 1)');

  expect(read.type === 'formula' ? namesIn(read.formula) : null).toEqual(['ad cost', 'purchase']);
});

// Checked against the closed form with quantiles 1.959964 and 0.841621.
test.each([
  [{ baselineRate: 0.1, mdePct: 20, alpha: 0.05, power: 0.8 }, 3841],
  [{ baselineRate: 0.05, mdePct: 10, alpha: 0.05, power: 0.8 }, 31_234],
  [{ baselineRate: 0.9, mdePct: 20, alpha: 0.05, power: 0.8 }, null],
  [{ baselineRate: 0, mdePct: 20, alpha: 0.05, power: 0.8 }, null],
])('a test of %o needs %s visitors per arm', (design, expected) => {
  expect(samplePerArm(design)).toBe(expected);
});
