// pg-boss: batches with a result per job, LISTEN/NOTIFY, and a flow where a task waits for its seven runs.
import { PgBoss } from 'pg-boss';

import { withClient } from '../../../../src/postgres/connection.ts';
import { type Adapter, type Address, runsPerTask, type Session, type Work } from '../contract.ts';

const runs = 'run';
const tasks = 'task';
// The least that it takes.
const shortestPollSeconds = 0.5;
const shortestHeartbeatSeconds = 10;

export const adapter: Adapter = {
  async install(address) {
    const boss = createBoss(address, 'default');
    await boss.start();
    for (const name of [runs, tasks]) {
      await boss.createQueue(name, { notify: true, heartbeatSeconds: shortestHeartbeatSeconds });
    }
    await boss.stop({ graceful: false });
  },
  open,
};

function createBoss({ adminUrl }: Address, mode: Work['mode']): PgBoss {
  const boss = new PgBoss({
    connectionString: adminUrl,
    useListenNotify: true,
    // How soon a flow goes on, and a silent worker is noticed: the least that it takes.
    ...(mode === 'default' ? {} : { flowIntervalSeconds: 1 }),
    ...(mode === 'watchful' ? { superviseIntervalSeconds: 1, monitorIntervalSeconds: 1 } : {}),
  });
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`));

  return boss;
}

async function open(address: Address): Promise<Session> {
  const sender = createBoss(address, 'default');
  await sender.start();
  const admin = (text: string) =>
    withClient(address.adminUrl, async (client) => (await client.query(text)).rows);

  return {
    async submit(shape, count) {
      for (let number = 0; number < count; number += 1) {
        if (shape === 'jobs') await sender.send(runs, { number });
        else await sender.flow(flowOf(number));
      }
    },

    async work(work) {
      const boss = createBoss(address, work.mode);
      await boss.start();
      await startWorkers(boss, work);

      return { stop: () => boss.stop({ graceful: true, timeout: 5_000 }) };
    },

    async unfinished() {
      const [row] = await admin(`
        select count(*) as number from pgboss.job where name in ('${runs}', '${tasks}') and state <> 'completed'`);
      return Number(row?.number);
    },

    async fillFinished(count) {
      await admin(`
        insert into pgboss.job (name, data, state, output, started_on, completed_on, policy)
        select name, data, state, output, started_on, completed_on, policy
        from (select * from pgboss.job where state = 'completed' limit 1) as template
        cross join generate_series(1, ${count})`);
    },

    close: () => sender.stop({ graceful: false }),
  };
}

function flowOf(number: number) {
  const refs = Array.from({ length: runsPerTask }, (_, place) => `run ${place}`);

  return [
    ...refs.map((ref) => ({ ref, name: runs, data: { number } })),
    { ref: 'task', name: tasks, data: { number }, dependsOn: refs },
  ];
}

// A batch is fetched and settled in one statement each; the next one follows at once while batches come full.
async function startWorkers(boss: PgBoss, { concurrency, mode, run }: Work): Promise<void> {
  const polling =
    mode === 'default'
      ? {}
      : {
          burstWhenBatchFull: true,
          pollingIntervalSeconds: shortestPollSeconds,
          notifyPollingIntervalSeconds: shortestPollSeconds,
        };
  const options = { batchSize: concurrency, perJobResults: true, ...polling } as const;

  await boss.work(runs, options, (jobs) =>
    Promise.all(
      jobs.map(async ({ id }) => ({
        id,
        status: 'completed' as const,
        output: { text: await run() },
      })),
    ),
  );
  await boss.work(tasks, options, async (jobs) =>
    jobs.map(({ id }) => ({ id, status: 'completed' as const })),
  );
}
