// The real queue for the model test: one database for all sequences, with a clock that stands still until it is set.
import pg from 'pg';
import { z } from 'zod';

import type { Queue } from '../../../src/core/queue.ts';
import { createQueue } from '../../../src/queue/client.ts';
import { createPgTransport } from '../../../src/queue/pg-transport.ts';
import { freshDatabase } from '../../support/database.ts';
import { deliveryTries } from './reference/joins.ts';
import type { Agent } from './reference/tasks.ts';

export const startsAt = Date.UTC(2040, 0, 1);

/** The seven, one of them required. */
export const agents: readonly Agent[] = [
  { name: 'apex', wave: 1, isRequired: false },
  { name: 'nova', wave: 1, isRequired: true },
  { name: 'vision', wave: 1, isRequired: false },
  { name: 'echo', wave: 2, isRequired: false },
  { name: 'pixel', wave: 3, isRequired: false },
  { name: 'reel', wave: 3, isRequired: false },
  { name: 'social', wave: 4, isRequired: false },
];

const tables = [
  'tasks',
  'task_dependencies',
  'agent_runs',
  'run_steps',
  'task_progress',
  'deliverables',
  'deliverable_contents',
  'deliveries',
  'delivery_attempts',
  'workers',
  'sinks',
  'nightshift.claims',
];

export type World = AsyncDisposable & {
  queue: Queue;
  admin: pg.Client;
  /** Empties the tables, and makes the database's dice fall as before. */
  reset(): Promise<void>;
  setClock(now: number): Promise<void>;
  /** All rows of all tables. */
  dump(): Promise<unknown>;
};

export async function openWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const db = stack.use(await freshDatabase());
  // One connection for all calls: its dice are thrown in one order. A pool would drop it at each refusal.
  const worker = new pg.Client({ connectionString: db.workerUrl });
  worker.on('error', () => undefined);
  await worker.connect();
  stack.defer(() => worker.end());
  const admin = new pg.Client({ connectionString: db.adminUrl });
  admin.on('error', () => undefined);
  await admin.connect();
  stack.defer(() => admin.end());
  const queue = createQueue(createPgTransport(worker));
  await admin.query(ownClock);
  await admin.query(`alter table deliveries alter max_attempts set default ${deliveryTries}`);
  await queue.registerAgents(agents.map(registrationOf));
  const opened = stack.move();
  let sequences = 0;

  async function setClock(now: number): Promise<void> {
    await admin.query('update nightshift.test_clock set now_at = $1', [new Date(now)]);
  }

  return {
    queue,
    admin,
    setClock,
    async reset() {
      await admin.query(emptying);
      sequences += 1;
      if (sequences % 50 === 0) await admin.query('vacuum');
      await worker.query('select setseed(0.5)');
      await setClock(startsAt);
    },
    dump: () => dump(admin),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const ownClock = `
  create table nightshift.test_clock (now_at timestamptz not null);
  insert into nightshift.test_clock values (now());
  grant select on nightshift.test_clock to public;
  create or replace function nightshift.queue_now() returns timestamptz language sql volatile
  as $$ select clock.now_at from nightshift.test_clock as clock $$;`;

function registrationOf({ name, wave, isRequired }: Agent) {
  return {
    name,
    title: name,
    wave,
    hash: '',
    enabled: true,
    required: isRequired,
    timeoutSeconds: 1_800,
  };
}

// Not truncated: that would throw away the plans of every statement.
const emptying =
  'delete from tasks; delete from workers; delete from sinks; delete from nightshift.claims';

const dumpText = `select jsonb_build_object(${tables
  .map((table) => `'${table}', (select jsonb_agg(each order by each::text) from ${table} as each)`)
  .join(', ')}) as tables`;

async function dump(admin: pg.Client): Promise<unknown> {
  const { rows } = await admin.query({ name: 'dump', text: dumpText });

  return z.tuple([z.object({ tables: z.unknown() })]).parse(rows)[0].tables;
}
