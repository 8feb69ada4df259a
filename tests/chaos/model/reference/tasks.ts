// What people do to tasks in the model: hand in, cancel, try again.
import { advanceDeliveries, areDependenciesMet, openWave, renew } from './joins.ts';
import { type Due, freshWork, type Model, type Run, type Task } from './state.ts';

/** An agent as the model's database knows it. */
export type Agent = { name: string; wave: number; isRequired: boolean };

export type Wish = {
  profile: Task['profile'];
  priority: number;
  maxRetries: number;
  dependsOn: string[];
  key: string | null;
  agents: Agent[];
  startsAt: number | null;
};

export type Refusal = { refused: string };

const runTimeoutMs = 1_800_000;

/** The task of an earlier submission with the same key. */
export function sameSubmission(model: Model, key: string | null): Task | undefined {
  return key === null ? undefined : model.tasks.find((task) => task.key === key);
}

/** Why the submission is refused, if it is. */
export function refusalOf(model: Model, wish: Wish): string | undefined {
  const upstream = model.tasks.filter((task) => wish.dependsOn.includes(task.id));
  const isHopeless = upstream.some((task) => ['cancelled', 'failed'].includes(task.status));

  return isHopeless ? 'dependency_invalid' : undefined;
}

/** `ids` names the database's run of each agent. */
export function addTask(model: Model, wish: Wish, known: { id: string; ids: Map<string, number> }) {
  const { profile, priority, maxRetries, dependsOn, key } = wish;
  const task: Task = {
    id: known.id,
    key,
    profile,
    priority,
    maxRetries,
    dependsOn,
    status: 'pending',
    outcome: null,
    failedAgents: [],
    isOpened: false,
    runs: wish.agents.map((agent) => firstRun(model, wish, { agent, ids: known.ids })),
    deliveries: [],
  };

  model.tasks.push(task);
  if (areDependenciesMet(model, task)) openWave(model, task);
}

function firstRun(
  model: Model,
  { profile, maxRetries, startsAt }: Wish,
  { agent, ids }: { agent: Agent; ids: Map<string, number> },
): Run {
  const waits = startsAt !== null && startsAt > model.now;
  const due: Due | null = waits ? { from: startsAt, to: startsAt } : null;

  return {
    ...freshWork('blocked', maxRetries + 1, runTimeoutMs),
    id: ids.get(agent.name) ?? 0,
    agent: agent.name,
    wave: profile === 'waves' ? agent.wave : 1,
    isRequired: agent.isRequired,
    isDue: !waits,
    due,
    freshAfter: 0,
    steps: [],
  };
}

export function cancel(task: Task): { status: string } | Refusal {
  if (task.status === 'cancelled') return { status: 'cancelled' };
  if (task.status !== 'pending' && task.status !== 'running') return { refused: 'task_over' };

  task.status = 'cancelled';
  for (const run of task.runs) {
    if (['blocked', 'pending', 'running'].includes(run.status)) run.status = 'cancelled';
  }
  return { status: 'cancelled' };
}

export function retry(model: Model, task: Task): { status: string; runs: number } | Refusal {
  const isOver = ['complete', 'partial', 'failed', 'cancelled'].includes(task.status);
  const again = task.runs.filter((run) => run.status !== 'complete');
  if (!isOver) return { refused: 'task_not_retriable' };

  if (again.length === 0) return redeliver(model, task);

  for (const run of again) {
    run.status = 'blocked';
    run.isDue = true;
    run.due = null;
    run.worker = null;
    run.freshAfter = run.attempt;
    run.maxAttempts = run.attempt - run.refunds + task.maxRetries + 1;
  }
  task.status = 'pending';
  task.outcome = null;
  task.failedAgents = [];
  task.isOpened = false;
  if (areDependenciesMet(model, task)) openWave(model, task);
  return { status: 'pending', runs: again.length };
}

function redeliver(model: Model, task: Task): { status: string; runs: number } | Refusal {
  const again = task.deliveries.filter((each) => ['failed', 'skipped'].includes(each.status));
  if (again.length === 0) return { refused: 'task_not_retriable' };

  for (const delivery of again) renew(delivery, delivery.stage === 0 ? 'pending' : 'blocked');
  task.status = 'delivering';
  advanceDeliveries(model, task);
  return { status: 'delivering', runs: 0 };
}
