// Stopping a task, and giving a failed one another chance.
import { z } from 'zod';

import { TaskStatus } from '../core/task.ts';
import { operation } from './operation.ts';
import { resolveTask, TaskRef } from './task-id.ts';

export const cancel = operation({
  name: 'cancel',
  summary: 'Cancel a task; what already ran is kept',
  input: z.strictObject({ task: TaskRef }),
  output: z.object({ task_id: z.uuid(), status: TaskStatus }),
  async run({ queue }, { task }) {
    const id = await resolveTask(queue, task);

    return { task_id: id, ...(await queue.cancelTask(id)) };
  },
});

export const retry = operation({
  name: 'retry',
  summary: 'Run the failed agents of a task again',
  input: z.strictObject({ task: TaskRef }),
  output: z.object({ task_id: z.uuid(), status: TaskStatus, runs: z.number().int() }),
  async run({ queue }, { task }) {
    const id = await resolveTask(queue, task);

    return { task_id: id, ...(await queue.retryTask(id)) };
  },
});
