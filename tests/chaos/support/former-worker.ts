// A worker as the first release had it, speaking to the database in the calls of that release.
import pg from 'pg';
import { z } from 'zod';

import { functions } from '../../../src/queue/functions.ts';
import { createPgTransport } from '../../../src/queue/pg-transport.ts';
import type { TestDatabase } from '../../support/cluster.ts';
import { releasedCalls } from '../../support/released.ts';

const Claimed = z.object({ runs: z.array(z.object({ id: z.number(), attempt: z.number() })) });
const Deliveries = z.array(z.object({ id: z.number(), attempt: z.number() }));
const Answers = z.array(z.object({ answer: z.string() }));
const Submitted = z.object({ id: z.string() });
type Token = { id: number; attempt: number };

export type FormerWorker = AsyncDisposable & {
  submit(title: string): Promise<string>;
  claim(limit: number): Promise<Token[]>;
  /** Ends runs well; answers as the queue does. */
  complete(runs: Token[]): Promise<string[]>;
  /** Serves every delivery that is due, stage after stage. */
  deliver(): Promise<void>;
};

/** Registers the agents and a worker, as a daemon of that release does when it starts. */
export async function formerWorker(db: TestDatabase): Promise<FormerWorker> {
  const pool = new pg.Pool({ connectionString: db.workerUrl, max: 2 });
  pool.on('error', () => undefined);
  const transport = createPgTransport(pool);
  const worker = { p_worker_id: crypto.randomUUID() };
  const claiming = () => ({ ...worker, p_claim_id: crypto.randomUUID() });

  function call(name: string, given: Record<string, unknown>): Promise<unknown> {
    const args = releasedCalls[name] ?? [];
    const { answer } = functions.sweep;
    return transport.call({ name, args, answer }, given);
  }

  await call('register_agents', { p_agents: ['echo', 'nova'].map(agent) });
  await call('register_worker', { ...worker, ...boot });

  return {
    async submit(title) {
      const task = { title, description: 'Work', agents: ['echo', 'nova'] };
      return Submitted.parse(await call('submit_task', { p_task: task })).id;
    },
    async claim(limit) {
      return Claimed.parse(await call('claim_runs', { ...claiming(), p_limit: limit })).runs;
    },
    async complete(runs) {
      const outcomes = runs.map((run) => ({ ...run, type: 'complete', ...made }));
      const answers = await call('settle_runs', { ...worker, p_outcomes: outcomes });
      return Answers.parse(answers).map(({ answer }) => answer);
    },
    async deliver() {
      for (;;) {
        const due = Deliveries.parse(
          await call('claim_deliveries', { ...claiming(), p_limit: 500 }),
        );
        if (due.length === 0) return;
        const outcomes = due.map((one) => ({ ...one, type: 'delivered', result: {} }));
        await call('settle_deliveries', { ...worker, p_outcomes: outcomes });
      }
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

const boot = {
  p_name: 'former',
  p_version: '0.1.0',
  // Nobody takes it for dead, however long the migrations take.
  p_lease_seconds: 3_600,
  p_sinks: [
    { name: 'folder', stage: 0 },
    { name: 'terminal', stage: 1 },
  ],
  p_retry: { baseMs: 10, capMs: 100 },
  p_replaces: null,
};

const made = {
  output: { summary: 'Made before.' },
  usage: {},
  checks: [],
  deliverables: [
    { name: 'note.md', kind: 'doc', mediaType: 'text/markdown', title: 'Note', content: '# Note' },
  ],
};

function agent(name: string) {
  const limits = { enabled: true, required: false, timeoutSeconds: 3_600 };

  return { name, title: name, wave: 1, hash: 'x', ...limits };
}
