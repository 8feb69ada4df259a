// DBOS Transact: a workflow per task whose seven runs are steps, on a queue; single jobs are workflows of their own.
import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk';

import { withClient } from '../../../../src/postgres/connection.ts';
import { type Adapter, type Address, runsPerTask, type Session, type Work } from '../contract.ts';

const queueName = 'bench';
const swiftPollMs = 10;
const silent = (): void => undefined;
const logger = { info: silent, debug: silent, warn: silent, error: silent };

export const adapter: Adapter = {
  install: ({ adminUrl }) => DBOS.migrate(adminUrl),
  open,
};

async function open({ adminUrl }: Address): Promise<Session> {
  const client = await DBOSClient.create({
    systemDatabaseUrl: adminUrl,
    applicationName: queueName,
    logger,
  });
  let shapeSeen: Shape = 'jobs';
  const admin = (text: string) =>
    withClient(adminUrl, async (session) => (await session.query(text)).rows);

  return {
    async submit(shape, count) {
      shapeSeen = shape;
      const workflowName = shape === 'jobs' ? 'job' : 'task';
      for (let number = 0; number < count; number += 1) {
        await client.enqueue({ queueName, workflowName });
      }
    },

    async work(work) {
      await startWorker(adminUrl, work, shapeSeen);

      return { stop: () => DBOS.shutdown({ deregister: true }) };
    },

    async unfinished() {
      const [row] = await admin(
        `select count(*) as number from dbos.workflow_status where status <> 'SUCCESS'`,
      );
      return Number(row?.number);
    },

    async fillFinished(count) {
      await admin(`
        insert into dbos.workflow_status
        select (jsonb_populate_record(template, jsonb_build_object('workflow_uuid', gen_random_uuid()))).*
        from dbos.workflow_status as template
        cross join generate_series(1, ${count})
        where template.workflow_uuid = (select workflow_uuid from dbos.workflow_status where status = 'SUCCESS' limit 1)`);
    },

    close: () => client.destroy(),
  };
}

type Shape = Parameters<Session['submit']>[0];

async function startWorker(adminUrl: string, work: Work, shape: Shape): Promise<void> {
  const { concurrency, mode, run, worker } = work;
  DBOS.setConfig({
    name: queueName,
    systemDatabaseUrl: adminUrl,
    systemDatabasePoolSize: concurrency + 4,
    // A boot that takes the place of a dead one has its id: that is how it finds that one's workflows.
    executorID: worker.replaces ?? worker.id,
    applicationVersion: '1',
    logger,
  });
  DBOS.registerWorkflow(async () => await run(), { name: 'job' });
  DBOS.registerWorkflow(
    async () =>
      await Promise.all(
        Array.from({ length: runsPerTask }, (_, place) =>
          DBOS.runStep(run, { name: `run ${place}` }),
        ),
      ),
    { name: 'task' },
  );
  await DBOS.launch();
  await DBOS.registerQueue(queueName, {
    // Whole tasks are claimed here, seven runs at a time each.
    workerConcurrency: shape === 'jobs' ? concurrency : Math.ceil(concurrency / runsPerTask),
    ...(mode === 'default' ? {} : { minPollingIntervalMs: swiftPollMs }),
    onConflict: 'always_update',
  });
}
