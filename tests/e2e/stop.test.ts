// Daemons that leave their work unfinished without dying: told to stop, or frozen and woken again.
import { expect, test } from 'vitest';

import { temporaryHome } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import { startScriptedModel } from './scripted.ts';

const quiet = { args: ['--no-sample'] };
const submission = (title: string) => `
  insert into tasks (title, description, agents)
  values ('${title}', 'Announce our refill subscription.', '{echo}')`;
const runs = `
  select run.status, run.attempt, run.attempt - run.refunds as tries
  from agent_runs as run join tasks as task on task.id = run.task_id order by task.title`;
const over = 'select from tasks where completed_at is not null';

test('SIGTERM hands an unfinished run back without costing it a try, and the next daemon ends it', async () => {
  await using db = await freshDatabase();
  await using model = await startScriptedModel(() => undefined);
  const settings = { DATABASE_URL: db.adminUrl, NIGHTSHIFT_TIMEOUTS_STOP_GRACE_SECONDS: '0.5' };
  await using home = await temporaryHome({ ...model.variables, ...settings });
  const first = await home.start(quiet);
  await db.sql(submission('Refills'));
  await until(() => model.calls().length === 1);

  const code = await first.stop();

  expect(code).toBe(0);
  expect(await db.sql(runs)).toEqual([{ status: 'pending', attempt: 1, tries: 0 }]);
  model.meet('Refills', ({ reply }) => reply());
  await home.start(quiet);
  await until(async () => (await db.sql(over)).length === 1);
  expect(await db.sql(runs)).toEqual([{ status: 'complete', attempt: 2, tries: 1 }]);
});

test('a daemon that was frozen past its lease changes nothing any more, and works on', async () => {
  await using bed = await frozenAmidCall();
  const { db, model, frozen, other, answers } = bed;

  // Both have asked for the same step. The frozen one finds its answer when it wakes, and lets go of the run:
  // only then has it room for the second task, while the other still waits for its own answer.
  answers[0]?.();
  frozen.kill('SIGCONT');
  await db.sql(submission('Second'));
  await until(async () => (await db.sql(over)).length === 1, { why: () => frozen.stderr() });
  answers[1]?.();
  await until(async () => (await db.sql(over)).length === 2, { why: () => other.stderr() });

  expect(await db.sql(runs)).toMatchObject([
    { status: 'complete', attempt: 2 },
    { status: 'complete', attempt: 1 },
  ]);
  const steps = await db.sql('select attempt, seq from run_steps order by run_id, attempt, seq');
  expect(steps.map(({ attempt, seq }) => [attempt, seq])).toEqual([
    [2, 1],
    [2, 2],
    [1, 1],
  ]);
  expect(model.calls().filter(({ title }) => title === 'Refills')).toHaveLength(3);
  expect(await Promise.all([frozen.stop(), other.stop()])).toEqual([0, 0]);
});

/** One daemon that was stopped in the middle of a model call, and another that has begun the same run anew. */
async function frozenAmidCall() {
  const stack = new AsyncDisposableStack();
  const db = stack.use(await freshDatabase());
  const model = stack.use(await startScriptedModel());
  const answers: (() => void)[] = [];
  model.meet('Refills', ({ step, reply }) => {
    if (step === 1) answers.push(() => reply(1));
    else reply(1);
  });
  const settings = {
    ...model.variables,
    DATABASE_URL: db.adminUrl,
    NIGHTSHIFT_QUEUE_LEASE_SECONDS: '4',
    NIGHTSHIFT_QUEUE_SWEEP_SECONDS: '0.5',
    NIGHTSHIFT_CONCURRENCY_RUNS: '1',
  };
  const frozen = await stack.use(await temporaryHome(settings)).start(quiet);
  await db.sql(submission('Refills'));
  await until(() => answers.length === 1, { why: () => frozen.stderr() });

  frozen.kill('SIGSTOP');
  const other = await stack.use(await temporaryHome(settings)).start(quiet);
  await until(() => answers.length === 2, { why: () => other.stderr() });

  return { db, model, frozen, other, answers, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
