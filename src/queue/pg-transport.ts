// Carries the queue's calls over `pg`: one prepared statement per function, arguments by name.
import type { QueryConfig, QueryResultRow } from 'pg';

import type { SqlFunction, Transport } from './functions.ts';
import { fromDatabase } from './sqlstate.ts';

/** What runs the statements: a pool of `pg`, or one of its connections. */
export type Querying = {
  query<Row extends QueryResultRow>(statement: QueryConfig): Promise<{ rows: Row[] }>;
};

/** The pool logs in as the workers' role and is owned, and ended, by the caller. */
export function createPgTransport(pool: Querying): Transport {
  return {
    async call(target, args) {
      try {
        const { rows } = await pool.query<{ answer: unknown }>({
          name: target.name,
          text: statementOf(target),
          values: target.args.map((argument) => encode(args[argument])),
        });

        return rows[0]?.answer;
      } catch (error) {
        throw fromDatabase(error, target.name);
      }
    },
  };
}

/** The statement that calls a function, its arguments named and numbered. */
export function statementOf(target: SqlFunction<string, unknown>): string {
  const args = target.args.map((argument, place) => `${argument} => $${place + 1}`);

  return `select public.${target.name}(${args.join(', ')}) as answer`;
}

// `pg` would turn arrays into PostgreSQL arrays: whatever has structure is jsonb here.
function encode(value: unknown): unknown {
  if (value === undefined) return null;

  return value !== null && typeof value === 'object' ? JSON.stringify(value) : value;
}
