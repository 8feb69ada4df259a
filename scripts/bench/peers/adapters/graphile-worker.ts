// graphile-worker: local queue and batched completion; results and the join are kept in tables of the caller's own.
import { Logger, makeWorkerUtils, run as runWorker } from 'graphile-worker';

import { withClient } from '../../../../src/postgres/connection.ts';
import { type Adapter, type Address, runsPerTask, type Session, type Work } from '../contract.ts';

const silent = new Logger(() => () => undefined);

export const adapter: Adapter = {
  async install({ adminUrl }) {
    const worker = await makeWorkerUtils({ connectionString: adminUrl, logger: silent });
    await worker.migrate();
    await worker.release();
    await withClient(adminUrl, (client) =>
      client.query(`
        create table bench_task (id integer primary key, open_runs integer not null) with (fillfactor = 50);
        create table bench_result (job_id bigint primary key, result jsonb not null)`),
    );
  },
  open,
};

async function open({ adminUrl }: Address): Promise<Session> {
  const sender = await makeWorkerUtils({ connectionString: adminUrl, logger: silent });
  const admin = (text: string) =>
    withClient(adminUrl, async (client) => (await client.query(text)).rows);

  return {
    async submit(shape, count) {
      for (let number = 0; number < count; number += 1) {
        if (shape === 'jobs') await sender.addJob('run', {});
        else await submitTask(sender, number);
      }
    },

    async work(work) {
      const runner = await startWorker(adminUrl, work);

      return { stop: () => runner.stop() };
    },

    // A job's row is deleted when it has completed.
    async unfinished() {
      const [row] = await admin(`
        select (select count(*) from graphile_worker.jobs) +
          (select count(*) from bench_task where open_runs > 0) as number`);
      return Number(row?.number);
    },

    async fillFinished(count) {
      await admin(`
        insert into bench_result (job_id, result)
        select -place, template.result
        from (select result from bench_result limit 1) as template
        cross join generate_series(1, ${count}) as place`);
    },

    close: async () => {
      await sender.release();
    },
  };
}

async function submitTask(
  sender: Awaited<ReturnType<typeof makeWorkerUtils>>,
  number: number,
): Promise<void> {
  await sender.withPgClient(async (client) => {
    await client.query('begin');
    await client.query('insert into bench_task values ($1, $2)', [number, runsPerTask]);
    const specs = Array.from({ length: runsPerTask }, () => ({
      identifier: 'run',
      payload: { task: number },
    }));
    await client.query(
      `select from graphile_worker.add_jobs(array(
        select row('run', value, null, null, null, null, null, null)::graphile_worker.job_spec
        from json_array_elements($1) as value
      ))`,
      [JSON.stringify(specs.map(({ payload }) => payload))],
    );
    await client.query('commit');
  });
}

// One statement keeps the result and counts the task down: repeated after a crash it counts nothing twice.
const keepResult = `
  with kept as (
    insert into bench_result (job_id, result) values ($1, $2) on conflict do nothing returning job_id
  )
  update bench_task set open_runs = open_runs - 1 where id = $3 and exists (select from kept)`;

async function startWorker(connectionString: string, { concurrency, mode, run }: Work) {
  const batching =
    mode === 'default'
      ? {}
      : {
          localQueue: { size: concurrency + 1 },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
        };

  return await runWorker({
    connectionString,
    logger: silent,
    noHandleSignals: true,
    parsedCronItems: [],
    preset: {
      worker: { concurrentJobs: concurrency, maxPoolSize: concurrency + 2, ...batching },
    },
    taskList: {
      async run(payload, { job, query }) {
        const text = await run();
        const task = isOfTask(payload) ? payload.task : null;
        await query(keepResult, [job.id, JSON.stringify({ text }), task]);
      },
    },
  });
}

function isOfTask(payload: unknown): payload is { task: number } {
  return typeof payload === 'object' && payload !== null && 'task' in payload;
}
