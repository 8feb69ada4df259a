// Pruning without a pause while everything else goes on: it deadlocks with nobody, and takes nothing that is needed.
import { setTimeout as pause } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { isAppError } from '../../src/core/errors.ts';
import type { SettledDelivery, SettledRun, TurnResult } from '../../src/core/queue.ts';
import {
  addCounts,
  type PruneCounts,
  prunedPages,
  type PrunePolicy,
} from '../../src/core/retention.ts';
import { noUsage } from '../../src/core/run.ts';
import { completed, failed, freshQueue, type TestQueue, tokenOf } from '../support/queue.ts';
import { until } from '../support/until.ts';
import { faultsIn, finalFaultsIn } from './support/invariants.ts';
import { randomOf, scaled, seed } from './support/scale.ts';

// So that much of what is worked on at any moment has only just ended, and much may go.
const oldSeconds = 0.4;
const lastsMs = scaled(4_000, 60_000);
const refusals = [
  'task_not_found',
  'task_over',
  'task_not_retriable',
  'dependency_invalid',
  'contents_removed',
];

test(
  `goes on beside claims, settles, submits, cancels and retries (seed ${seed})`,
  { timeout: lastsMs + 180_000 },
  async () => {
    await using queue = await freshQueue();
    const scene = await openScene(queue);
    const pruners = [0.5, 1, 1.5].map((factor) => pruner(scene, factor * oldSeconds));

    const actors = [
      ...pruners,
      ...[1, 2, 3].map((place) => worker(scene, place)),
      ...[4, 5].map((place) => submitter(scene, place)),
      ...[6, 7].map((place) => meddler(scene, place)),
      sweeper(scene),
      watcher(scene),
    ];
    await pause(lastsMs);
    // However slow the machine is: with less than that, all of this would show nothing.
    const kinds = ['steps', 'progress', 'attempts', 'contents', 'tasks'] as const;
    await until(() => kinds.every((kind) => (scene.removed[kind] ?? 0) > 10), {
      boundMs: 60_000,
      why: () => `enough was removed, of each kind: ${JSON.stringify(scene.removed)}`,
    });
    scene.isOver = true;
    await Promise.all(actors);
    await workOff(scene);

    expect(scene.problems).toEqual([]);
    expect(await finalFaultsIn(queue.db.admin)).toEqual([]);
    expect(await removedWrongly(queue)).toEqual([]);
    expect(await lost(scene)).toEqual([]);
    expect(await deadlocks(queue)).toBe(0);
  },
);

type Scene = {
  queue: TestQueue;
  isOver: boolean;
  ids: string[];
  removed: PruneCounts;
  /** What should not have happened. */
  problems: string[];
};

async function openScene(queue: TestQueue): Promise<Scene> {
  await queue.db.sql(witness);

  return { queue, isOver: false, ids: [], removed: {}, problems: [] };
}

/** Does something again and again, until the scene is over. Refusals are part of the play. */
async function repeatedly(scene: Scene, work: () => Promise<void>): Promise<void> {
  while (!scene.isOver) {
    try {
      await work();
    } catch (error) {
      if (isAppError(error) && refusals.includes(error.code)) continue;
      scene.problems.push(String(error));
      await pause(100);
    }
  }
}

function pruner(scene: Scene, seconds: number): Promise<void> {
  const days = seconds / 86_400;
  const policy: PrunePolicy = {
    steps: days / 2,
    progress: days / 2,
    attempts: days / 2,
    contents: days / 2,
    tasks: days,
    polls: null,
    workers: null,
  };

  return repeatedly(scene, async () => {
    const pages = prunedPages(
      (limit, after) => scene.queue.queue.prune({ policy, limit, after, dryRun: false }),
      () => performance.now(),
    );
    for await (const { removed } of pages) {
      scene.removed = addCounts(scene.removed, removed);
      await pause(2);
    }
  });
}

/** Takes turns as the daemon does: claims, then settles what the turn before brought. */
async function worker(scene: Scene, place: number): Promise<void> {
  const random = randomOf(seed + place);
  const { id } = await scene.queue.worker({ sinks });
  let held: TurnResult | undefined;

  await repeatedly(scene, async () => {
    for (const run of held?.runs ?? []) {
      if (random() < 0.5) await record(scene, run);
    }
    held = await scene.queue.queue.takeTurn({
      workerId: id,
      claimId: crypto.randomUUID(),
      runsWanted: 6,
      deliveriesWanted: 6,
      runs: (held?.runs ?? []).map((run): SettledRun => {
        const chance = random();
        if (chance < 0.75) return completed(run);
        if (chance < 0.85) return failed(run);
        if (chance < 0.95) return failed(run, 'retry');
        return { ...tokenOf(run), outcome: { type: 'release' } };
      }),
      deliveries: (held?.deliveries ?? []).map((delivery) => settled(delivery, random())),
    });
  });
  await scene.queue.queue.retireWorker(id);
}

// Two that publish, so that one may fail where the other has not.
const sinks = [
  { name: 'folder', stage: 0 },
  { name: 'drive', stage: 0 },
  { name: 'terminal', stage: 1 },
];

function settled(delivery: { id: number; attempt: number }, chance: number): SettledDelivery {
  const error = { code: 'delivery_failed', message: 'no', retriable: false };

  return chance < 0.9
    ? { ...tokenOf(delivery), outcome: { type: 'delivered', folderUrl: 'file:///x', result: {} } }
    : { ...tokenOf(delivery), outcome: { type: 'fail', error } };
}

async function record({ queue }: Scene, run: TurnResult['runs'][number]): Promise<void> {
  const seq = run.steps.length + 1;
  await queue.queue.recordSteps([
    {
      runId: run.id,
      attempt: run.attempt,
      seq,
      messages: [],
      usage: noUsage,
      progress: { label: `step ${seq}`, percent: null, aiMessage: null },
    },
  ]);
}

/** Tasks of all kinds, many of them waiting for others that may go at this moment. */
function submitter(scene: Scene, place: number): Promise<void> {
  const random = randomOf(seed + place);

  return repeatedly(scene, async () => {
    // As many as can be worked off: else only what is first in line would ever end.
    await pause(15);
    const upstream = scene.ids.at(-Math.ceil(random() * 30));
    const { id } = await scene.queue.submit({
      agents: random() < 0.5 ? ['vision', 'echo'] : ['nova'],
      profile: random() < 0.5 ? 'waves' : 'parallel',
      maxRetries: 1,
      ...(random() < 0.1 && { idempotencyKey: `key ${Math.floor(random() * 5)}` }),
      ...(upstream !== undefined && random() < 0.5 && { dependsOn: [upstream] }),
    });
    scene.ids.push(id);
  });
}

/** Cancels and retries, mostly what is about to end, or has ended and may go. */
function meddler(scene: Scene, place: number): Promise<void> {
  const random = randomOf(seed + place);
  const { queue } = scene.queue;

  return repeatedly(scene, async () => {
    await pause(10);
    const id = scene.ids.at(-Math.ceil(random() * 60));
    if (id === undefined) return;
    await (random() < 0.2 ? queue.cancelTask(id) : queue.retryTask(id));
  });
}

function sweeper(scene: Scene): Promise<void> {
  return repeatedly(scene, async () => {
    await pause(50);
    const { repaired } = await scene.queue.queue.sweep();
    if (repaired > 0) scene.problems.push(`the sweep repaired ${repaired}`);
  });
}

function watcher(scene: Scene): Promise<void> {
  return repeatedly(scene, async () => {
    await pause(100);
    scene.problems.push(...(await faultsIn(scene.queue.db.admin)));
  });
}

/** Works until nothing is left to do, so that whatever was to be opened shows. */
async function workOff({ queue }: Scene): Promise<void> {
  const { id } = await queue.worker({ sinks });
  let held: TurnResult | undefined;
  let settling = 0;
  const end = performance.now() + 60_000;

  do {
    await queue.queue.sweep();
    settling = (held?.runs.length ?? 0) + (held?.deliveries.length ?? 0);
    held = await queue.queue.takeTurn({
      workerId: id,
      claimId: crypto.randomUUID(),
      runsWanted: 50,
      deliveriesWanted: 50,
      runs: (held?.runs ?? []).map(completed),
      deliveries: (held?.deliveries ?? []).map((delivery) => settled(delivery, 0)),
    });
    if (held.nextDueMs !== null) await pause(Math.min(held.nextDueMs, 50));
    if (performance.now() > end) throw new Error(`it never comes to rest: ${JSON.stringify(held)}`);
    // What a turn settles may open more for the next.
  } while (settling + held.runs.length + held.deliveries.length > 0 || held.nextDueMs !== null);
}

// What is removed is written down by the table itself, with all that makes it right or wrong.
const witness = `
  create table removed (
    id uuid, status text, ended_at timestamptz, removed_at timestamptz, awaited boolean, unpublished boolean
  );
  create function write_down_task() returns trigger language plpgsql security definer as $$
  begin
    insert into public.removed
    select old.id, old.status, old.completed_at, clock_timestamp(),
      exists (
        select from public.task_dependencies as dependency
        join public.tasks as waiting on waiting.id = dependency.task_id
        where dependency.depends_on_id = old.id
          and (waiting.completed_at is null or old.status not in ('complete', 'partial'))
      ),
      old.status <> 'cancelled' and exists (
        select from public.deliverable_contents as stored
        join public.deliverables as file on file.id = stored.deliverable_id
        where file.task_id = old.id
          and not exists (
            select from public.deliveries as delivery
            where delivery.task_id = old.id and delivery.stage = 0 and delivery.status = 'delivered'
          )
      );
    return old;
  end $$;
  create trigger write_down_task before delete on tasks for each row execute function write_down_task();

  create function write_down_content() returns trigger language plpgsql security definer as $$
  begin
    insert into public.removed
    select task.id, task.status, task.completed_at, clock_timestamp(), false, exists (
      select from public.deliveries as delivery
      where delivery.task_id = task.id and delivery.stage = 0 and delivery.status <> 'delivered'
    )
    from public.deliverables as file
    join public.tasks as task on task.id = file.task_id
    where file.id = old.deliverable_id;
    return old;
  end $$;
  create trigger write_down_content before delete on deliverable_contents
    for each row when (pg_trigger_depth() = 0) execute function write_down_content()`;

function removedWrongly({ db }: TestQueue) {
  return db.sql(
    `select * from removed
    where status not in ('complete', 'partial', 'failed', 'cancelled')
      or ended_at is null
      or removed_at - ended_at < make_interval(secs => $1)
      or awaited
      or unpublished`,
    [oldSeconds / 4],
  );
}

/** Tasks that are neither there nor were removed. */
function lost({ queue, ids }: Scene) {
  return queue.db.sql(
    `select id from unnest($1::uuid[]) as submitted (id)
    where not exists (select from tasks where tasks.id = submitted.id)
      and not exists (select from removed where removed.id = submitted.id)`,
    [ids],
  );
}

async function deadlocks({ db }: TestQueue): Promise<number> {
  const [row] = await db.sql(
    'select deadlocks::integer from pg_stat_database where datname = current_database()',
  );
  return row?.['deadlocks'];
}
