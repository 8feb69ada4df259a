// Holds the tables against the model, row by row; what only the database can know is learned from it, within bounds.
import type pg from 'pg';
import { expect } from 'vitest';
import { z } from 'zod';

import { markOf } from './marks.ts';
import {
  type Delivery,
  type Due,
  isDelayed,
  type Model,
  type Run,
  type Task,
  type Work,
} from './reference/state.ts';

const WorkRow = z.object({
  status: z.string(),
  attempt: z.number(),
  settled: z.number(),
  refunds: z.number(),
  maxAttempts: z.number(),
  isDue: z.boolean(),
  dueMs: z.number().nullable(),
  worker: z.string().nullable(),
});
const RunRow = WorkRow.extend({
  id: z.number(),
  agent: z.string(),
  wave: z.number(),
  steps: z.array(z.object({ attempt: z.number(), seq: z.number() })),
  files: z.array(z.string()),
});
const DeliveryRow = WorkRow.extend({
  sink: z.string(),
  target: z.string().nullable(),
  stage: z.number(),
});
const TaskRow = z.object({
  id: z.string(),
  status: z.string(),
  outcome: z.string().nullable(),
  failedAgents: z.array(z.string()),
  runs: z.array(RunRow),
  deliveries: z.array(DeliveryRow),
});
type WorkRow = z.infer<typeof WorkRow>;

/** Fails where the tables say otherwise than the model. */
export async function expectAgreement(model: Model, admin: pg.Client): Promise<void> {
  const { rows } = await admin.query({ name: 'agreement', text: statement });
  const tasks = z.array(TaskRow).parse(rows);
  const works = tasks.flatMap((task) => [...task.runs, ...task.deliveries]);

  expect(tasks.map((task) => seen(task))).toEqual(model.tasks.map((task) => told(task)));
  const known = model.tasks.flatMap((task) => [...task.runs, ...placesOf(task)]);
  for (const [place, work] of known.entries()) learnDue(work, works[place]);
}

// A pause is thrown with dice: the model knows from when to when, and the tables know the moment.
function learnDue(work: Work, row: WorkRow | undefined): void {
  if (!isDelayed(work) || work.due === null) return;

  const dueMs = row?.dueMs ?? Number.NaN;
  expect(dueMs).toBeGreaterThanOrEqual(work.due.from - 0.01);
  expect(dueMs).toBeLessThanOrEqual(work.due.to + 0.01);
  work.due = { from: dueMs, to: dueMs } satisfies Due;
}

function seen({ runs, deliveries, ...task }: z.infer<typeof TaskRow>) {
  return {
    ...task,
    runs: runs.map(({ dueMs: _, ...run }) => ({ ...run, worker: holder(run) })),
    deliveries: deliveries.map(({ dueMs: _, ...each }) => ({ ...each, worker: holder(each) })),
  };
}

function told(task: Task) {
  const { id, status, outcome, failedAgents } = task;

  return {
    id,
    status,
    outcome,
    failedAgents,
    runs: task.runs.map(runTold),
    deliveries: placesOf(task).map(deliveryTold),
  };
}

function runTold(run: Run) {
  const { id, agent, wave, steps } = run;
  const files = run.status === 'complete' ? [markOf(run)] : [];

  return { ...workTold(run), id, agent, wave, steps, files };
}

function deliveryTold(delivery: Delivery) {
  const { sink, target, stage } = delivery;

  return { ...workTold(delivery), sink, target, stage };
}

function workTold(work: Work) {
  const { status, attempt, settled, refunds, maxAttempts, isDue } = work;

  return { status, attempt, settled, refunds, maxAttempts, isDue, worker: holder(work) };
}

// Who held it last is of no account.
function holder({ status, worker }: { status: string; worker: string | null }): string | null {
  return status === 'running' ? worker : null;
}

function placesOf(task: Task): Delivery[] {
  return task.deliveries.toSorted((left, right) => left.place - right.place);
}

const workColumns = (row: string) => `
  'status', ${row}.status, 'attempt', ${row}.attempt, 'settled', ${row}.settled_attempt, 'refunds', ${row}.refunds,
  'maxAttempts', ${row}.max_attempts, 'isDue', ${row}.is_due, 'dueMs', extract(epoch from ${row}.due_at) * 1000,
  'worker', ${row}.worker_id`;

const statement = `
  select task.id, task.status, task.outcome, task.failed_agents as "failedAgents",
    (
      select jsonb_agg(jsonb_build_object(${workColumns('run')}, 'id', run.id, 'agent', run.agent, 'wave', run.wave,
        'steps', (
          select coalesce(jsonb_agg(jsonb_build_object('attempt', step.attempt, 'seq', step.seq) order by step.attempt, step.seq), '[]')
          from run_steps as step where step.run_id = run.id
        ),
        'files', (
          select coalesce(jsonb_agg(convert_from(stored.content, 'UTF8')), '[]')
          from deliverables as file join deliverable_contents as stored on stored.deliverable_id = file.id
          where file.run_id = run.id
        )
      ) order by run.id)
      from agent_runs as run where run.task_id = task.id
    ) as runs,
    (
      select coalesce(jsonb_agg(jsonb_build_object(${workColumns('delivery')}, 'sink', delivery.sink,
        'target', delivery.target, 'stage', delivery.stage
      ) order by delivery.id), '[]')
      from deliveries as delivery where delivery.task_id = task.id
    ) as deliveries
  from tasks as task
  order by (select min(run.id) from agent_runs as run where run.task_id = task.id)`;
