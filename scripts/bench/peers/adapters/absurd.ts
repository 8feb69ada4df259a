// absurd: a task whose seven runs are steps; single jobs are tasks of their own.
import { Absurd, type TaskContext } from 'absurd-sdk';
import pg from 'pg';

import { withClient } from '../../../../src/postgres/connection.ts';
import { absurdSchema } from '../absurd-schema.ts';
import { type Adapter, type Address, runsPerTask, type Session, type Work } from '../contract.ts';

const queueName = 'bench';
const silent = (): void => undefined;
const log = { log: silent, info: silent, warn: silent, error: silent };
// A claim is extended by whoever works on it, three times in its time.
const shortestClaimSeconds = 30;
const swiftPollSeconds = 0.01;

export const adapter: Adapter = {
  async install({ adminUrl }) {
    const schema = await absurdSchema();
    await withClient(adminUrl, async (client) => {
      await client.query(schema);
      await client.query('select absurd.create_queue($1)', [queueName]);
    });
  },
  open,
};

async function open({ adminUrl }: Address): Promise<Session> {
  const pool = poolOf(adminUrl, 4);
  const sender = new Absurd({ db: pool, queueName, log });
  let shapeSeen: Shape = 'jobs';
  const admin = (text: string) =>
    withClient(adminUrl, async (client) => (await client.query(text)).rows);

  return {
    async submit(shape, count) {
      shapeSeen = shape;
      for (let number = 0; number < count; number += 1) {
        await sender.spawn(shape === 'jobs' ? 'job' : 'task', {}, { queue: queueName });
      }
    },

    work: (work) => startWorker(adminUrl, work, shapeSeen),

    async unfinished() {
      const [row] = await admin(
        `select count(*) as number from absurd.t_${queueName} where state <> 'completed'`,
      );
      return Number(row?.number);
    },

    fillFinished: async (count) => {
      await admin(fillText(count));
    },

    close: () => pool.end(),
  };
}

type Shape = Parameters<Session['submit']>[0];

async function startWorker(adminUrl: string, work: Work, shape: Shape) {
  const { concurrency, mode, run, worker: identity } = work;
  const pool = poolOf(adminUrl, concurrency + 2);
  const app = new Absurd({ db: pool, queueName, log });
  app.registerTask({ name: 'job' }, (_params, context: TaskContext) =>
    mode === 'watchful' ? extending(context, run) : run(),
  );
  app.registerTask({ name: 'task' }, async (_params, context: TaskContext) => {
    const places = Array.from({ length: runsPerTask }, (_, place) => place);
    await Promise.all(places.map((place) => context.step(`run ${place}`, run)));
  });
  const worker = await app.startWorker({
    // Whole tasks are claimed here, seven runs at a time each.
    concurrency: shape === 'jobs' ? concurrency : Math.ceil(concurrency / runsPerTask),
    workerId: identity.id,
    fatalOnLeaseTimeout: false,
    ...(mode === 'default' ? {} : { pollInterval: swiftPollSeconds }),
    ...(mode === 'watchful' ? { claimTimeout: shortestClaimSeconds } : {}),
  });

  return {
    async stop() {
      await worker.close();
      await pool.end();
    },
  };
}

async function extending(context: TaskContext, run: Work['run']): Promise<string> {
  const timer = setInterval(
    () => {
      context.heartbeat().catch(silent);
    },
    (shortestClaimSeconds * 1_000) / 3,
  );

  try {
    return await run();
  } finally {
    clearInterval(timer);
  }
}

function poolOf(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max });
  // Without a listener the end of an idle connection would end the program.
  pool.on('error', silent);

  return pool;
}

function fillText(count: number): string {
  return `
    with task as (
      insert into absurd.t_${queueName}
      select (jsonb_populate_record(
        template, jsonb_build_object('task_id', absurd.portable_uuidv7(), 'idempotency_key', null)
      )).*
      from absurd.t_${queueName} as template
      cross join generate_series(1, ${count})
      where template.task_id = (select task_id from absurd.t_${queueName} where state = 'completed' limit 1)
      returning task_id
    )
    insert into absurd.r_${queueName}
    select (jsonb_populate_record(
      template, jsonb_build_object('run_id', absurd.portable_uuidv7(), 'task_id', task.task_id)
    )).*
    from absurd.r_${queueName} as template
    cross join task
    where template.run_id = (select run_id from absurd.r_${queueName} where state = 'completed' limit 1)`;
}
