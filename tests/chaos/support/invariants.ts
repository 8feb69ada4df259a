// What must be true of the queue's tables: at any moment, and once all is quiet. Each fault is told in words, with ids.
import { z } from 'zod';

import { deliveryRules } from './invariants/deliveries.ts';
import { quietRules } from './invariants/quiet.ts';
import { runRules } from './invariants/runs.ts';
import { taskRules } from './invariants/tasks.ts';

/** Whatever can run a query as somebody who sees all rows: `db.sql`, `db.admin`, a bare client or pool of `pg`. */
export type Sql =
  | ((text: string) => Promise<readonly unknown[]>)
  | { query(statement: { name: string; text: string }): Promise<{ rows: readonly unknown[] }> };

const always = statementOf([...runRules, ...taskRules, ...deliveryRules]);
const quiet = statementOf([...runRules, ...taskRules, ...deliveryRules, ...quietRules]);
const Faults = z.array(z.object({ fault: z.string() }));

/** The invariants that do not hold, read in one snapshot; empty is good. True to ask at any moment, under any load. */
export function faultsIn(sql: Sql): Promise<string[]> {
  return ask(sql, { name: 'faults_always', text: always });
}

/**
 * The same, and what must hold once nobody has anything left to do: every task has ended, but for those that wait for
 * one which did not end well.
 */
export function finalFaultsIn(sql: Sql): Promise<string[]> {
  return ask(sql, { name: 'faults_quiet', text: quiet });
}

async function ask(sql: Sql, statement: { name: string; text: string }): Promise<string[]> {
  const rows =
    typeof sql === 'function' ? await sql(statement.text) : (await sql.query(statement)).rows;

  return Faults.parse(rows).map((row) => row.fault);
}

// One statement is one snapshot: what two callers change together is seen together.
function statementOf(rules: readonly string[]): string {
  return rules.map((rule) => `(${rule}\n  limit 5)`).join('\nunion all\n');
}
