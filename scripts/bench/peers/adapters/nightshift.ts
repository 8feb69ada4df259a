// Nightshift's own queue, by the product's own daemon.
import { withClient } from '../../../../src/postgres/connection.ts';
import { migrate } from '../../../../src/postgres/migrate.ts';
import { applyPrelude } from '../../../../src/postgres/prelude.ts';
import { createPool } from '../../../../src/postgres/pool.ts';
import { createQueue } from '../../../../src/queue/client.ts';
import { createPgTransport } from '../../../../src/queue/pg-transport.ts';
import { createBenchDaemon, finished, quiet } from '../../bed.ts';
import type { Adapter, Address, Session, Work } from '../contract.ts';

export const adapter: Adapter = {
  async install({ adminUrl }) {
    await withClient(adminUrl, (client) => applyPrelude(client));
    await migrate({ url: adminUrl, log: quiet });
  },
  open,
};

async function open({ adminUrl, workUrl }: Address): Promise<Session> {
  const pool = createPool(workUrl, { log: quiet, applicationName: 'nightshift bench' });
  const queue = createQueue(createPgTransport(pool));
  const admin = (text: string) =>
    withClient(adminUrl, async (client) => (await client.query(text)).rows);

  return {
    async submit(shape, count) {
      for (let number = 0; number < count; number += 1) {
        await queue.submitTask({
          title: `Task ${number}`,
          description: 'Runs that do nothing.',
          ...(shape === 'jobs' ? { agents: ['echo'] } : {}),
        });
      }
    },

    async work({ concurrency, run, worker }: Work) {
      const daemon = createBenchDaemon(
        { queue, database: { url: workUrl } },
        {
          concurrency,
          worker,
          // No peer delivers anything: the same work for all. `npm run bench` measures tasks with their deliveries.
          sinks: [],
          async runAgent(claimed) {
            const text = await run();
            return finished(claimed, text.length);
          },
        },
      );
      await daemon.start();

      return {
        async stop() {
          await daemon.stop(0);
        },
      };
    },

    async unfinished() {
      const [row] = await admin(`select count(*) as number from tasks where status <> 'complete'`);
      return Number(row?.number);
    },

    fillFinished: async (count) => {
      await admin(fillText(count));
    },

    close: () => pool.end(),
  };
}

// Past the triggers: submitting a hundred thousand tasks is not what is measured.
function fillText(count: number): string {
  return `
    set session_replication_role = replica;
    with template as (
      select run.* from agent_runs as run where run.status = 'complete' limit 1
    ),
    task as (
      insert into tasks (title, description, agents, folder_name, status, outcome)
      select 'Task', 'Work', '{echo}', 'filled-' || place, 'complete', 'complete'
      from generate_series(1, ${count}) as place
      returning id
    )
    insert into agent_runs
      (task_id, agent, wave, status, priority, fair_at, attempt, settled_attempt, max_attempts, timeout_seconds,
       output, usage, completed_at)
    select task.id, 'echo', 1, 'complete', 5, clock_timestamp(), 1, 1, 4, 60, template.output, template.usage, now()
    from task
    cross join template`;
}
