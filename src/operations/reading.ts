// Looking at what there is: tasks, the queue, progress, results and agents. Nothing here changes anything.
import { z } from 'zod';

import { AgentFrontMatter } from '../core/agent.ts';
import type { AgentLibrary } from '../core/ports.ts';
import { DeliverableView, ProgressRow, QueueState, TaskSummary, TaskView } from '../core/queue.ts';
import { isTerminalTask, TaskStatus } from '../core/task.ts';
import { operation } from './operation.ts';
import { readTask, TaskRef } from './task-id.ts';

export const list = operation({
  name: 'list',
  summary: 'List tasks, newest first',
  input: z.strictObject({
    status: TaskStatus.optional(),
    limit: z.number().int().min(1).max(500).default(20),
    /** The `createdAt` of the last task seen. */
    before: z.iso.datetime({ offset: true }).optional(),
  }),
  output: z.array(TaskSummary),
  run: ({ queue }, { status, limit, before }) =>
    queue.listTasks({ limit, ...(status && { status }), ...(before && { before }) }),
});

export const status = operation({
  name: 'status',
  summary: 'Show one task, or the state of the whole queue',
  input: z.strictObject({ task: TaskRef.optional() }),
  output: z.discriminatedUnion('type', [
    z.object({ type: z.literal('task'), task: TaskView }),
    z.object({ type: z.literal('queue'), queue: QueueState }),
  ]),
  async run({ queue }, { task }) {
    return task === undefined
      ? { type: 'queue' as const, queue: await queue.readState() }
      : { type: 'task' as const, task: await readTask(queue, task) };
  },
});

export const progress = operation({
  name: 'progress',
  summary: 'Show the progress of a task, step by step',
  input: z.strictObject({
    task: TaskRef,
    /** Rows after the one of this id. */
    after: z.number().int().min(0).default(0),
  }),
  output: z.object({
    task: TaskView,
    rows: z.array(ProgressRow),
    /** True when no more can come. */
    ended: z.boolean(),
  }),
  async run({ queue }, { task: ref, after }) {
    // The task first: rows read after a terminal state are all that there will be.
    const task = await readTask(queue, ref);
    const rows = await queue.readProgress(task.id, after);

    return { task, rows, ended: isTerminalTask(task.status) };
  },
});

export const results = operation({
  name: 'results',
  summary: 'Show where the results of a task are',
  input: z.strictObject({ task: TaskRef }),
  output: z.object({
    task_id: z.uuid(),
    title: z.string(),
    status: TaskStatus,
    folder_name: z.string(),
    /** Null until something has been published. */
    folder_url: z.string().nullable(),
    failed_agents: z.array(z.string()),
    deliverables: z.array(DeliverableView),
  }),
  async run({ queue }, { task: ref }) {
    const task = await readTask(queue, ref);

    return {
      task_id: task.id,
      title: task.title,
      status: task.status,
      folder_name: task.folderName,
      folder_url: task.folderUrl,
      failed_agents: task.failedAgents,
      deliverables: task.deliverables,
    };
  },
});

const AgentView = AgentFrontMatter.extend({ hash: z.string() });
type AgentView = z.infer<typeof AgentView>;

export const agents = operation({
  name: 'agents',
  summary: 'List the agents that this installation knows',
  input: z.strictObject({}),
  output: z.array(AgentView),
  run: async ({ agents: library }) => agentsOf(library),
});

/** The agents of a library as they are shown, by wave. */
export function agentsOf(library: AgentLibrary): AgentView[] {
  const shown = library.list().map(({ prompt: _, ...agent }) => agent);

  return shown.toSorted((a, b) => a.wave - b.wave || a.name.localeCompare(b.name));
}
